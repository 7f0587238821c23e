"""How should io_uring make a pass's sends: from a ring that is polled or not, on how many, and with which entries?

Polled, on one ring for each four cores; not polled on few cores. What a pass of 1,000 sends of 120 bytes costs here:
docs/measurements.md. Rejected, each with its figure there:
- the asynchronous flag (IOSQE_ASYNC): hands each send to a worker thread, which costs the machine more than the send;
- registered descriptors: no gain beyond the noise, a system call a ring for each connection that comes or goes, and a
  socket that stays open until that is made;
- MSG_ZEROCOPY (IORING_OP_SEND_ZC): two completions a send, and over the loopback it copies all the same;
- the package liburing: several calls in Python a member, and Linux 6.14;
- portions of 64 in place of the whole pass at once: a system call each, and no gain;
- a room's entries that are kept with the room: they save reading each member's descriptor, 0.04 µs of 10, and have to
  be mended at each join and leave.

Needs no server: it sends to sockets that another process reads. `sent` is until all sends are made, `read` until all
bytes are read, `own CPU` the sending thread's, each a median and for one member.
"""

import ctypes
import mmap
import os
import platform
import select
import socket
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

from bench.machine import facts
from chat.server.net.io_uring import Ring, Unavailable
from chat.server.net.sender import Sender, SendLoop
from chat.server.net.uring import Lane, Uring, start_uring

SIZES = ((100, 120), (1000, 120), (1000, 7_000))  # members, bytes
REST = 0.01  # s between two passes, in which polled rings fall asleep
PASSES = 15  # a round
_REGISTER_FILES, _FIXED_FILE, _ASYNC, _SEND_ZC = 2, 1 << 0, 1 << 4, 47


class Member(NamedTuple):
    sock: socket.socket
    descriptor: int


Pass = Callable[[dict[Any, Any]], None]


def main(rounds: int) -> None:
    print(*(f"{name}: {fact}" for name, fact in facts().items()), sep="\n")
    for number, size in SIZES:
        print(f"\n{number:,} members, {size:,} bytes: µs a member\n\n{'':28}{'sent':>8}{'read':>8}{'own CPU':>9}")
        with _read(number) as (members, total):
            for name, make in FORMS.items():
                try:
                    form, close = make(members)
                except (Unavailable, ImportError) as reason:
                    print(f"  {name:26}  {reason}")
                    continue
                sent, read, cpu = _measured(form, members, size, total, rounds * PASSES)
                print(f"  {name:26}{sent:>8.2f}{read:>8.2f}{cpu:>9.3f}", flush=True)
                close()


@contextmanager
def _read(number: int) -> Iterator[tuple[list[Member], "memoryview"]]:
    """Sockets that another process reads, and its count of bytes."""
    shared = mmap.mmap(-1, 4096)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        peers, members = [], []
        for _ in range(number):
            peers.append(socket.create_connection(listener.getsockname()))
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            members.append(Member(sock, sock.fileno()))
    count = memoryview(shared).cast("Q")
    child = os.fork()
    if not child:
        for member in members:
            member.sock.close()
        _read_all(peers, count)
    for peer in peers:
        peer.close()
    try:
        yield members, count
    finally:
        for member in members:
            member.sock.close()
        os.waitpid(child, 0)


def _read_all(peers: Sequence[socket.socket], count: "memoryview") -> None:
    with select.epoll() as poll:
        socks = {peer.fileno(): peer for peer in peers}
        for descriptor in socks:
            poll.register(descriptor, select.EPOLLIN)
        while True:
            for descriptor, _ in poll.poll():
                data = socks[descriptor].recv(1 << 20)
                if not data:
                    os._exit(0)
                count[0] += len(data)


def _measured(
    form: Pass, members: Sequence[Member], size: int, count: "memoryview", passes: int
) -> tuple[float, float, float]:
    data, sent, read, cpu = b"x" * size, [], [], []
    plan = dict.fromkeys(members, (data, size, 0))
    for _ in range(passes):
        wanted = count[0] + size * len(members)
        began, own = time.perf_counter(), time.thread_time()
        form(plan)
        sent.append(time.perf_counter() - began)
        cpu.append(time.thread_time() - own)
        while count[0] < wanted:
            time.sleep(0.00002)
        read.append(time.perf_counter() - began)
        time.sleep(REST)
    return (
        1e6 * median(sent) / len(members),
        1e6 * median(read) / len(members),
        1e6 * median(cpu) / len(members),
    )


Made = tuple[Pass, Callable[[], None]]


def _by(sender: Sender) -> Made:
    def form(plan: dict[Any, Any]) -> None:
        shorts = sender.send(plan, True)
        assert not (shorts + sender.collect()), "a socket did not take all"

    sender.start()
    return form, sender.stop


def _rings(number: int, idle: int = 2) -> Callable[[Sequence[Member]], Made]:
    def make(members: Sequence[Member]) -> Made:
        if idle == 2:
            return _by(start_uring(number, 1))
        return _by(Uring([Ring(4096, poll_idle=idle) for _ in range(number)]))

    return make


def _flagged(flags: int) -> Callable[[Sequence[Member]], Made]:
    """One ring that is not polled, whose entries have these flags."""

    def make(members: Sequence[Member]) -> Made:
        ring = Ring(4096)
        sender = Uring([ring])
        ring.column("B", 1, 64)[:] = memoryview(bytes([flags]) * ring.entries)
        return _by(sender)

    return make


def _registered(members: Sequence[Member]) -> Made:
    ring = Ring(4096)
    lane = Lane(ring)
    ring.column("B", 1, 64)[:] = memoryview(bytes([_FIXED_FILE]) * ring.entries)
    descriptors = array("i", [member.descriptor for member in members])
    if not ring.register(_REGISTER_FILES, (ctypes.c_int * len(members))(*descriptors), len(members)):
        raise Unavailable("the kernel registers no descriptors")
    places = array("i", range(len(members)))
    return _alone(lane, places)


def _alone(lane: Lane, descriptors: "array[int]", portion: int = 4096, completions: int = 1) -> Made:
    """All in one ring, in portions, without the plan's Python."""

    def form(plan: dict[Any, Any]) -> None:
        data, size, _ = next(iter(plan.values()))
        number = len(plan)
        for first in range(0, number, portion):
            some = min(portion, number - first)
            address = array("Q", [id(data) + bytes.__basicsize__ - 1])
            lane.submit(descriptors[first : first + some], address * some, array("I", [size]) * some)
        lane.ring.wait(number * completions, 5.0)

    return form, lane.ring.close


def _zero_copy(members: Sequence[Member]) -> Made:
    ring = Ring(4096)
    lane = Lane(ring)
    ring.column("B", 0, 64)[:] = memoryview(bytes([_SEND_ZC]) * ring.entries)
    return _alone(lane, array("i", [member.descriptor for member in members]), completions=2)


def _portions(members: Sequence[Member]) -> Made:
    return _alone(Lane(Ring(4096)), array("i", [member.descriptor for member in members]), portion=64)


def _kept(members: Sequence[Member]) -> Made:
    return _alone(Lane(Ring(4096)), array("i", [member.descriptor for member in members]))


def _package(members: Sequence[Member]) -> Made:
    import liburing as u  # type: ignore[import-not-found]

    if tuple(map(int, platform.release().split(".")[:2])) < (6, 14):
        raise Unavailable("the package needs Linux 6.14")
    ring = u.Ring()
    u.io_uring_queue_init(4096, ring, 0)
    flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL

    def form(plan: dict[Any, Any]) -> None:
        for member, (data, _, _) in plan.items():
            u.io_uring_prep_send(u.io_uring_get_sqe(ring), member.descriptor, data, flags)
        cqe = u.Cqe()
        u.io_uring_submit_and_wait(ring, len(plan))
        for _ in range(len(plan)):
            u.io_uring_wait_cqe(ring, cqe)
            u.io_uring_cqe_seen(ring, cqe)

    return form, lambda: None


FORMS: dict[str, Callable[[Sequence[Member]], Made]] = {
    "send": lambda members: _by(SendLoop(0)),
    "send, with a helper": lambda members: _by(SendLoop(1)),
    "one ring, not polled": _rings(0),
    "asynchronous flag": _flagged(_ASYNC),
    **{f"{number} polled": _rings(number) for number in (1, 2, 4, 8)},
    "1 polled, awake": _rings(1, 2000),
    "4 polled, awake": _rings(4, 2000),
    "a room's entries kept": _kept,
    "portions of 64": _portions,
    "registered descriptors": _registered,
    "zero copy": _zero_copy,
    "package liburing": _package,
}
