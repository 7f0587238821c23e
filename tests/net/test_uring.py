"""Sends by io_uring, over real sockets: each socket gets its bytes once and in order, whatever goes wrong beside it."""

import errno
import logging
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from signal import Signals
from typing import Any

import pytest

from chat.server.net import uring
from chat.server.net.io_uring import Ring
from chat.server.net.sender import Short
from chat.server.net.uring import RING_FROM, Uring, start_uring
from tests.net.kernel import Member, descriptors, full, locked, members, needs_io_uring, threads
from tests.ops.serving import IRC, client_of, serving
from tests.support import running_server

pytestmark = needs_io_uring
MANY = 3 * RING_FROM
WORDS = b"good morning"


@pytest.fixture(params=[0, 1, 3], ids=["not polled", "1 polled ring", "3 polled rings"])
def sender(request: pytest.FixtureRequest) -> Iterator[Uring]:
    running = start_uring(request.param, 1)
    try:
        yield running
    finally:
        running.stop()


def plan_of(several: Sequence[Member], data: bytes = WORDS) -> dict[Any, Any]:
    return dict.fromkeys(several, (data, len(data), 0))


def sent(sender: Uring, plan: dict[Any, Any]) -> dict[Any, Any]:
    shorts = sender.send(plan, True) + sender.collect()
    assert not sender.in_flight
    found: dict[Any, Short] = {short.connection: short for short in shorts}
    assert len(found) == len(shorts), "one was reported twice"
    return found


def test_each_socket_gets_its_bytes_once(sender: Uring) -> None:
    with members(MANY) as all_of_them:
        assert sent(sender, plan_of(all_of_them)) == {}
        assert sent(sender, plan_of(all_of_them, b"!")) == {}
        assert all(member.heard(13) == WORDS + b"!" for member in all_of_them)


def test_each_socket_may_get_bytes_of_its_own(sender: Uring) -> None:
    with members(MANY) as all_of_them:
        plan = {member: (data := b"%d" % index * 9, len(data), 0) for index, member in enumerate(all_of_them)}
        assert sent(sender, plan) == {}
        for member, (data, size, _) in plan.items():
            assert member.heard(size) == data


def test_few_are_sent_to_without_a_ring(sender: Uring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ring, "submit", None)
    with members(RING_FROM - 1) as few:
        assert sent(sender, plan_of(few)) == {}
        assert all(member.heard(12) == WORDS for member in few)


def test_views_and_other_transports_are_sent_to_without_a_ring(sender: Uring) -> None:
    """TLS has its own `send`, and what is no bytes object has no address that Python tells."""
    with members(MANY) as all_of_them:
        plan = plan_of(all_of_them)
        plan[all_of_them[3]] = (memoryview(WORDS)[5:], 7, 0)
        all_of_them[4].descriptor = -1
        assert sent(sender, plan) == {}
        assert [member.heard(7) for member in all_of_them[2:6]] == [b"good mo", b"morning", b"good mo", b"good mo"]
        for member in all_of_them:
            member.descriptor = -1
        assert sent(sender, plan_of(all_of_them, b"")) == {}


def test_a_pass_may_be_larger_than_the_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uring, "ENTRIES", 8)
    with members(MANY) as all_of_them:
        all_of_them[0].reset()
        all_of_them[-1].reset()
        for rings in (0, 1, 3):
            sender = start_uring(rings, 1)
            assert list(sent(sender, plan_of(all_of_them))) == [all_of_them[0], all_of_them[-1]]
            sender.stop()
        assert all(member.heard(36) == 3 * WORDS for member in all_of_them[1:-1])


def test_many_passes_arrive_in_order(sender: Uring) -> None:
    with members(MANY) as all_of_them:
        for number in range(300):
            sender.collect()
            sender.send(plan_of(all_of_them, b"%03d" % number), True)
        sender.collect()
        expected = b"".join(b"%03d" % number for number in range(300))
        assert all(member.heard(len(expected)) == expected for member in all_of_them)


def test_a_short_write_is_reported_with_the_number_of_bytes_taken(sender: Uring) -> None:
    data = bytes(range(256)) * 80_000  # more than any socket takes
    with members(MANY) as all_of_them:
        plan = plan_of(all_of_them)
        plan[all_of_them[7]] = piece = (data, len(data), 5)
        ((connection, short, outcome),) = sent(sender, plan).values()
        assert (connection, short) == (all_of_them[7], piece)
        assert isinstance(outcome, int)
        assert 0 < outcome < len(data)
        all_of_them[7].sock.shutdown(socket.SHUT_WR)
        assert all_of_them[7].heard(len(data)) == data[:outcome]


def test_a_socket_that_takes_nothing_is_told_of_and_occupies_no_thread(sender: Uring) -> None:
    with members(MANY) as all_of_them, full() as full_one, full() as other:
        all_of_them[3:3] = [full_one]
        all_of_them.append(other)
        shorts = sent(sender, plan_of(all_of_them))
        assert list(shorts) == [full_one, other]
        assert {short.outcome for short in shorts.values()} == {0}
        assert all(member.heard(12) == WORDS for member in all_of_them if member not in shorts)
        assert not [name for name in threads() if name.startswith("iou-wrk")]


def test_dead_peers_and_closed_descriptors_are_told_of_and_the_others_are_served(sender: Uring) -> None:
    with members(MANY) as all_of_them:
        all_of_them[0].reset()
        all_of_them[9].sock.close()
        all_of_them[-1].sock.shutdown(socket.SHUT_WR)
        shorts = sent(sender, plan_of(all_of_them))
        errors = {all_of_them.index(member): short.outcome for member, short in shorts.items()}
        assert {index: type(error) for index, error in errors.items()} == {
            0: ConnectionResetError,
            9: OSError,
            len(all_of_them) - 1: BrokenPipeError,
        }
        assert isinstance(errors[9], OSError)
        assert errors[9].errno == errno.EBADF
        assert all(member.heard(12) == WORDS for member in all_of_them if member not in shorts)


def test_a_submission_that_fails_half_way_is_finished_by_send(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sender = start_uring(0, 1)
    enter = Ring._enter
    limits = [5, 3]
    with members(MANY) as all_of_them:
        all_of_them[2].reset()
        all_of_them[-2].reset()
        monkeypatch.setattr(Ring, "_enter", lambda *_: enter(_[0], limits.pop(0), 0) if limits else -errno.EAGAIN)
        with caplog.at_level(logging.WARNING):
            assert set(sent(sender, plan_of(all_of_them))) == {all_of_them[2], all_of_them[-2]}
            del all_of_them[-2], all_of_them[2]
            assert sent(sender, plan_of(all_of_them, b"!")) == {}
        monkeypatch.undo()
        assert sent(sender, plan_of(all_of_them, b"?")) == {}
        assert all(member.heard(14) == WORDS + b"!?" for member in all_of_them)
    assert [record.getMessage() for record in caplog.records] == [
        f"io_uring did not take {MANY - 8} sends of a pass; they are made one by one"
    ]
    sender.stop()


def test_the_bytes_are_held_while_they_are_in_flight() -> None:
    sender = start_uring(1, 1)
    data = b"x" * 1000
    with members(MANY) as all_of_them:
        before = sys.getrefcount(data)
        sender.send(plan_of(all_of_them, data), True)
        assert sender.in_flight
        assert sys.getrefcount(data) > before
        sender.collect()
        assert sys.getrefcount(data) == before
    sender.stop()


@pytest.mark.parametrize("rings", [0, 4])
def test_stopping_leaves_no_ring_no_thread_and_no_locked_memory(rings: int) -> None:
    while any(name.startswith("iou-") for name in threads()):
        pass  # an earlier test's are ending
    before = threads(), descriptors(), locked()
    sender = start_uring(rings, 1)
    assert len(threads()) == len(before[0]) + rings
    with members(MANY) as all_of_them:
        sender.send(plan_of(all_of_them), True)
        sender.stop()
        assert all(member.heard(12) == WORDS for member in all_of_them)
    while (threads(), descriptors(), locked()) != before:
        pass  # the kernel ends its threads a little later
    sender.stop()


@pytest.mark.parametrize("senders", [0, 1, 3])
def test_what_many_are_told_by_the_kernel_arrives_whole_and_in_order(senders: int) -> None:
    with running_server(sender="uring", senders=senders) as server:
        members = [server.irc(f"user{number}", "#a") for number in range(MANY)]
        members[-1].sync()
        for number in range(50):
            for talker in members[:3]:
                talker.say("#a", f"{talker.nick} {number}")
        heard = []
        for listener in members[3:]:
            words: list[str] = []
            while len(words) < 150:
                message = listener.read()
                assert message is not None
                if message.verb == "PRIVMSG":
                    words.append(message.params[-1])
            heard.append(words)
    assert all(words == heard[0] for words in heard)
    for nick in ("user0", "user1", "user2"):
        assert [word for word in heard[0] if word.startswith(f"{nick} ")] == [f"{nick} {n}" for n in range(50)]


def test_many_short_writes_are_told_of_in_one_look_at_the_plan(sender: Uring) -> None:
    """Else ten thousand readers that stop at once would hold the loop."""

    class Plan(dict[Any, Any]):
        looks = 0

        def items(self) -> Any:
            self.looks += 1
            return super().items()

    with members(MANY) as all_of_them:
        for member in all_of_them:
            member.reset()
        plan = Plan(plan_of(all_of_them))
        shorts = sent(sender, plan)
        assert list(shorts) == all_of_them
        assert plan.looks == 1


@pytest.mark.parametrize(("number", "status"), [(Signals.SIGTERM, 0), (Signals.SIGKILL, -Signals.SIGKILL)])
def test_a_process_that_ends_or_is_killed_leaves_no_thread_of_the_kernel(number: Signals, status: int) -> None:
    with serving(*IRC, "--log", "memory:", "--sender", "uring", "--senders", "2") as server:
        client = client_of(server.port())
        client.register("ana")
        folder = Path(f"/proc/{server.process.pid}/task")
        names = [(task / "comm").read_text() for task in folder.iterdir()]
        assert len([name for name in names if name.startswith("iou-sqp-")]) == 2
        server.signal(number)
        assert server.end()[0] == status
        assert not folder.exists()
        client.sock.close()


def test_a_slow_reader_and_the_dead_delay_nobody() -> None:
    with running_server(sender="uring", senders=2) as server:
        readers = [server.irc(f"user{number}", "#a") for number in range(MANY)]
        slow = server.slow("slow", "#a")
        gone = [server.irc(f"gone{number}", "#a") for number in range(5)]
        speaker = server.irc("speaker", "#a")
        speaker.sync()
        for client in gone:
            client.sock.close()
        for number in range(300):
            speaker.say("#a", f"{number:03} {'x' * 400}")
        for client in (*readers, slow):
            numbers: list[int] = []
            while len(numbers) < 300:
                message = client.read()
                assert message is not None
                if message.verb == "PRIVMSG":
                    numbers.append(int(message.params[-1][:3]))
            assert numbers == list(range(300))
