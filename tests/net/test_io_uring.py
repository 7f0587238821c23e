"""The binding of io_uring: entries go in, completions come out, none is lost, and a kernel without it says why."""

import errno
import platform
from pathlib import Path

import pytest

from chat.server.net import io_uring
from chat.server.net.io_uring import Ring, Stalled, Unavailable
from tests.net.kernel import needs_io_uring
from tests.support import PATIENCE


def numbered(ring: Ring, number: int, first: int) -> int:
    """Submit entries that do nothing (IORING_OP_NOP is 0), with numbers as their user data; returns those taken."""
    user_data = ring.column("Q", 4, 8)
    for index in range(number):
        user_data[(ring.place + index) % ring.entries] = first + index
    return ring.submit(number)


def read(ring: Ring, number: int) -> list[int]:
    return memoryview(ring.wait(number, 1.0)).cast("Q")[0::2].tolist()


@needs_io_uring
@pytest.mark.parametrize("poll_idle", [None, 1])
def test_entries_come_back_in_turns_that_pass_the_rings_end(poll_idle: int | None) -> None:
    ring = Ring(8, poll_idle=poll_idle)
    for turn in range(10):
        assert numbered(ring, 5, 100 * turn) == 5
        assert sorted(read(ring, 5)) == list(range(100 * turn, 100 * turn + 5))
        assert ring.ready() == 0
    ring.close()


@needs_io_uring
def test_a_polled_ring_sees_no_tail_but_those_that_were_stored() -> None:
    """The tail's low bytes pass from 255 to 0 hundreds of times, while the kernel's thread looks at it."""
    ring = Ring(8, poll_idle=100)
    for _ in range(60_000):
        assert ring.submit(1) == 1
        ring.wait(1, PATIENCE)
        assert ring.ready() == 0
    ring.close()


@needs_io_uring
def test_a_full_completion_queue_loses_nothing() -> None:
    ring = Ring(4, completions=4)
    for turn in range(5):
        assert numbered(ring, 4, 4 * turn) == 4
    assert ring.ready() == ring.completions == 4
    assert [number for _ in range(5) for number in read(ring, 4)] == list(range(20))
    ring.close()


@needs_io_uring
def test_what_the_kernel_does_not_take_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(8)
    enter = Ring._enter
    limits = [3, 1]
    monkeypatch.setattr(Ring, "_enter", lambda *_: enter(ring, limits.pop(0), 0) if limits else -errno.EAGAIN)
    assert numbered(ring, 6, 0) == 4
    monkeypatch.undo()
    assert read(ring, 4) == [0, 1, 2, 3]
    assert numbered(ring, 2, 50) == 2
    assert read(ring, 2) == [50, 51]
    ring.close()


@needs_io_uring
def test_a_polled_ring_whose_thread_cannot_be_woken_takes_its_entries_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(8, poll_idle=1)
    while not ring._needs_waking():
        pass  # its thread falls asleep
    monkeypatch.setattr(Ring, "_enter", lambda *_: -errno.EOWNERDEAD)
    assert numbered(ring, 6, 0) == 0
    monkeypatch.undo()
    assert numbered(ring, 2, 50) == 2
    assert read(ring, 2) == [50, 51]
    ring.close()


@needs_io_uring
def test_a_wait_ends() -> None:
    ring = Ring(8)
    numbered(ring, 2, 0)
    with pytest.raises(Stalled, match=r"completed 2 of 3 sends within 0\.01 s"):
        ring.wait(3, 0.01)
    ring.close()


@needs_io_uring
def test_a_wait_that_the_kernel_refuses_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(8)
    monkeypatch.setattr(Ring, "_enter", lambda *_: -errno.EOWNERDEAD)
    with pytest.raises(Stalled, match="cannot be waited for: Owner died"):
        ring.wait(1, 1_000.0)
    ring.close()


@pytest.mark.parametrize(
    ("number", "disabled", "reason"),
    [
        (errno.ENOSYS, None, f"Linux {platform.release()} has no io_uring"),
        (errno.EPERM, "2\n", "kernel.io_uring_disabled is 2"),
        (errno.EPERM, "1\n", "kernel.io_uring_disabled is 1"),
        (errno.EPERM, "0\n", "a seccomp filter forbids it, as Docker's default profile does"),
        (errno.EPERM, None, "a seccomp filter forbids it, as Docker's default profile does"),
        (errno.ENOMEM, None, "io_uring_setup failed: Cannot allocate memory"),
    ],
)
def test_a_refusal_says_why(
    number: int, disabled: str | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "io_uring_disabled"
    if disabled is not None:
        file.write_text(disabled)
    monkeypatch.setattr(io_uring, "DISABLED", file)
    with pytest.raises(Unavailable) as caught:
        io_uring._refuse(number)
    assert str(caught.value) == reason


@needs_io_uring
def test_an_old_kernel_is_refused_with_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io_uring, "_FEATURES", {"NODROP": 2, "A_LATER_ONE": 1 << 31})
    with pytest.raises(Unavailable, match="too old, its io_uring lacks A_LATER_ONE"):
        Ring(8)


def test_a_machine_with_weakly_ordered_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(Unavailable, match="on aarch64 its rings need memory barriers"):
        Ring(8)
