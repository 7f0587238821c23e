"""What the machine did beside the generator is a note in percent, and no note where the system does not tell."""

from pathlib import Path

import pytest

from loadtest.core.result import worst
from loadtest.run import machine
from loadtest.run.machine import Ticks, note_between

SECOND = 1_000_000_000  # ns


def test_shares_are_of_all_cores_time_and_of_the_time_between() -> None:
    note = note_between(Ticks(0, 1000, 500, 10, SECOND), Ticks(2 * SECOND, 1400, 600, 30, 2 * SECOND))
    assert note
    assert (note["busy_percent"], note["steal_percent"], note["waited_percent"]) == (70, 5, 50)


def test_the_counters_are_the_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("_STAT", "cpu  10 1 20 300 40 5 6 7 99 99\ncpu0 1\n"), ("_SCHEDSTAT", "5 77 3\n")):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(machine, name, tmp_path / name)
    reading = machine.read_ticks()
    assert reading
    assert (reading.ticks, reading.idle, reading.stolen, reading.waited_ns) == (389, 340, 7, 77)


@pytest.mark.parametrize("text", ["", "cpu 1 2\n", "cpu a b c d e f g h\n"])
def test_a_system_that_does_not_tell_makes_no_note(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_STAT", tmp_path / "stat")
    assert machine.read_ticks() is None
    (tmp_path / "stat").write_text(text)
    assert machine.read_ticks() is None
    assert note_between(None, None) is None


def test_of_two_processes_the_one_that_waited_longer_is_noted() -> None:
    one, other = {"waited_percent": 1.0}, {"waited_percent": 3.0}
    assert worst(one, other) is other
    assert worst(other, None) is other
    assert worst(None, None) is None
