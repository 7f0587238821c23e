"""io_uring by ctypes: three system calls and two rings that are shared with the kernel. Knows nothing of connections.

An application writes entries of 64 bytes into the submission ring and moves its tail; the kernel carries them out, and
writes 16 bytes for each into the completion ring (io_uring(7), io_uring_enter(2)). A polled ring (SQPOLL) has a thread
of the kernel that sees the new tail by itself, so a submission takes no system call while that thread is awake.

Python has no memory barriers. On x86-64 stores are seen in their order, which is enough for the rings' heads and tails;
only a store and a later load may change places. So a polled ring whose thread falls asleep just then may be left
asleep by `submit`, and `wait` always wakes it. On other machines `Ring` refuses to start.
"""

import ctypes
import errno
import mmap
import os
import platform
import struct
import time
from array import array
from pathlib import Path
from typing import Any, NoReturn

_SETUP, _ENTER, _REGISTER = 425, 426, 427  # the system calls' numbers, the same on every machine
_SETUP_SQPOLL, _SETUP_CQSIZE = 1 << 1, 1 << 3
_ENTER_GETEVENTS, _ENTER_SQ_WAKEUP, _ENTER_EXT_ARG = 1 << 0, 1 << 1, 1 << 3
_SQ_NEED_WAKEUP = 1 << 0
_IOWQ_MAX_WORKERS = 19
_OFF_RINGS, _OFF_ENTRIES = 0, 0x10000000  # where mmap finds the two rings, and the submission entries
# What `Ring` builds on: one mapping for both rings (5.4), no completion is lost when their ring is full (5.5), polling
# without registered files and a wait that ends (5.11).
_FEATURES = {"SINGLE_MMAP": 1 << 0, "NODROP": 1 << 1, "SQPOLL_NONFIXED": 1 << 7, "EXT_ARG": 1 << 8}
_WAITS_AGAIN = {errno.ETIME, errno.EAGAIN, errno.EBUSY}
ENTRY, COMPLETION = 64, 16  # bytes
MACHINES = ("x86_64", "AMD64")
DISABLED = Path("/proc/sys/kernel/io_uring_disabled")  # 0: all may use it; 1: root and one group; 2: nobody

_libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """There is no io_uring here. Its text says why, in a few words."""


class Stalled(Exception):
    """The kernel has not completed in time what it was given."""


class Ring:
    """One ring, for one thread at a time. `close` it, and after that call nothing.

    `entries` is a power of two; `poll_idle` milliseconds is how long the kernel's thread looks for entries before it
    falls asleep, and None makes a ring without one.
    """

    def __init__(self, entries: int, *, poll_idle: int | None = None, completions: int = 0) -> None:
        """Raises Unavailable where the kernel has no such ring or does not let this process have it."""
        if platform.machine() not in MACHINES:
            raise Unavailable(f"on {platform.machine()} its rings need memory barriers, which Python does not have")
        self.polled = poll_idle is not None
        flags = _SETUP_SQPOLL * self.polled | _SETUP_CQSIZE * bool(completions)
        parameters = bytearray(120)
        struct.pack_into("<5I", parameters, 0, entries, completions, flags, 0, poll_idle or 0)
        self._fd = _libc.syscall(_SETUP, entries, (ctypes.c_char * len(parameters)).from_buffer(parameters))
        if self._fd < 0:
            _refuse(ctypes.get_errno())
        self.entries, self.completions, *_, features = struct.unpack_from("<2I3II", parameters)
        lacking = [name for name, bit in _FEATURES.items() if not features & bit]
        if lacking:
            os.close(self._fd)
            raise Unavailable(f"Linux {platform.release()} is too old, its io_uring lacks {', '.join(lacking)}")
        self._sq = struct.unpack_from("<7I", parameters, 40)  # offsets of head, tail, mask, entries, flags, dropped, …
        self._cq = struct.unpack_from("<6I", parameters, 80)  # … of head, tail, mask, entries, overflow, completions
        size = max(self._sq[6] + 4 * self.entries, self._cq[5] + COMPLETION * self.completions)
        shared = mmap.MAP_SHARED | mmap.MAP_POPULATE
        self._rings = mmap.mmap(self._fd, size, flags=shared, offset=_OFF_RINGS)
        self._submissions = mmap.mmap(self._fd, ENTRY * self.entries, flags=shared, offset=_OFF_ENTRIES)
        self._words = memoryview(self._rings).cast("I")
        self._views: list[memoryview] = [self._words]
        first = self._sq[6] // 4
        self._words[first : first + self.entries] = memoryview(array("I", range(self.entries)))  # place n is entry n
        self._tail = 0  # entries written since the start
        self._head = 0  # completions read since the start

    def column(self, code: str, first: int, step: int) -> Any:
        """One field of all entries: a view of every `step`-th item of type `code` (as of `array`)."""
        whole = memoryview(self._submissions).cast("B").cast(code)  # type: ignore[call-overload]
        self._views += (whole, whole[first::step])
        return self._views[-1]

    @property
    def place(self) -> int:
        """Where the next entry is to be written; the one after it is at the next place, and 0 follows the last."""
        return int(self._tail % self.entries)

    def submit(self, number: int) -> int:
        """Give the kernel the next `number` entries; returns how many it has taken. Takes back the others.

        A ring that is not polled carries out here what needs no waiting. Never waits itself.
        """
        self._tail += number
        self._words[self._sq[1] // 4] = self._tail & 0xFFFFFFFF
        if self.polled:
            if not self._needs_waking() or self._enter(0, 0) >= 0:
                return number
            taken = number - self._untaken()  # its thread is gone, so these are left
        else:
            taken = 0
            while taken < number and (some := self._enter(number - taken, 0)) > 0:
                taken += some
        if taken < number:
            self._tail -= number - taken
            self._words[self._sq[1] // 4] = self._tail & 0xFFFFFFFF
        return taken

    def _enter(self, number: int, wait_for: int, timeout: float | None = None) -> int:
        """io_uring_enter; returns the number of entries taken, or the error's number below zero."""
        flags = _ENTER_SQ_WAKEUP * self.polled
        argument, size = None, ctypes.c_size_t()  # as wide as the kernel reads it: it may be passed on the stack
        if timeout is not None:
            limit = (ctypes.c_longlong * 2)(int(timeout), int(timeout % 1 * 1e9))
            argument = (ctypes.c_uint64 * 3)(0, 0, ctypes.addressof(limit))
            flags |= _ENTER_GETEVENTS | _ENTER_EXT_ARG
            size.value = ctypes.sizeof(argument)
        while True:
            taken = int(_libc.syscall(_ENTER, self._fd, number, wait_for, flags, argument, size))
            if taken >= 0:
                return taken
            if ctypes.get_errno() != errno.EINTR:
                return -ctypes.get_errno()

    def _needs_waking(self) -> bool:
        """Whether the kernel's thread sleeps."""
        return bool(self._words[self._sq[4] // 4] & _SQ_NEED_WAKEUP)

    def _untaken(self) -> int:
        """Entries that the kernel has not taken yet."""
        return int((self._tail - self._words[self._sq[0] // 4]) & 0xFFFFFFFF)

    def ready(self) -> int:
        """How many completions may be read without waiting."""
        return int((self._words[self._cq[1] // 4] - self._head) & 0xFFFFFFFF)

    def wait(self, number: int, timeout: float) -> bytes:
        """The next `number` completions, 16 bytes each: user_data u64, result i32, flags u32.

        `number` is at most `completions`. Raises Stalled when they have not come after `timeout` seconds.
        """
        if self.ready() < number:
            end = time.monotonic() + timeout
            while self.ready() < number and (left := end - time.monotonic()) > 0.0:
                error = -self._enter(0, number, left)
                if error > 0 and error not in _WAITS_AGAIN:
                    raise Stalled(f"io_uring cannot be waited for: {os.strerror(error)}")
            if self.ready() < number:
                raise Stalled(f"io_uring completed {self.ready():,} of {number:,} sends within {timeout:g} s")
        first = self._head % self.completions
        split = min(number, self.completions - first)
        start = self._cq[5]
        data = self._rings[start + COMPLETION * first : start + COMPLETION * (first + split)]
        if split < number:
            data += self._rings[start : start + COMPLETION * (number - split)]
        self._head += number
        self._words[self._cq[0] // 4] = self._head & 0xFFFFFFFF
        return data

    def register(self, operation: int, argument: Any, number: int) -> bool:
        """io_uring_register(2); False where the kernel refuses it."""
        return int(_libc.syscall(_REGISTER, self._fd, operation, argument, number)) >= 0

    def bound_workers(self, number: int) -> bool:
        """Let the kernel use at most `number` worker threads of each kind for this ring; False before Linux 5.15."""
        return self.register(_IOWQ_MAX_WORKERS, (ctypes.c_uint32 * 2)(number, number), 2)

    def close(self) -> None:
        """Nothing may be in flight. The kernel ends its thread and frees its memory."""
        for view in reversed(self._views):
            view.release()
        self._views.clear()
        self._submissions.close()
        self._rings.close()
        os.close(self._fd)


def _refuse(number: int) -> NoReturn:
    """Raise Unavailable with the reason why io_uring_setup failed."""
    if number == errno.ENOSYS:
        raise Unavailable(f"Linux {platform.release()} has no io_uring")
    if number == errno.EPERM:
        try:
            disabled = DISABLED.read_text().strip()
        except OSError:  # it came with Linux 6.6
            disabled = "0"
        if disabled != "0":
            raise Unavailable(f"kernel.io_uring_disabled is {disabled}")
        raise Unavailable("a seccomp filter forbids it, as Docker's default profile does")
    raise Unavailable(f"io_uring_setup failed: {os.strerror(number)}")
