"""A server that is not as it was before is found out, by each of its figures, with both numbers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chat.errors import SetupError
from loadtest.run import server
from loadtest.run.server import Reading, ServerWatch

MIB = 1 << 20
BEFORE = Reading(descriptors=20, threads=4, memory_bytes=10 * MIB, cpu_s=1.0)
Watch = Callable[..., ServerWatch]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    def begin(*readings: Reading | SetupError, connections: int = 5, more_threads: int = 0) -> ServerWatch:
        """A watch of a process that is read as BEFORE, and then as these."""
        coming = iter([BEFORE, *readings])

        def read(pid: int) -> Reading:
            assert pid == 7
            if isinstance(one := next(coming), SetupError):
                raise one
            return one

        monkeypatch.setattr(server, "read", read)
        one = ServerWatch(7, max_growth_mib=2, max_more_threads=more_threads)
        one.begin(connections)
        return one

    return begin


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"descriptors": 21},
            "the server has 21 descriptors after the guests have gone, before they came it had 20",
        ),
        (
            {"descriptors": 19},
            "the server has 19 descriptors after the guests have gone, before they came it had 20",
        ),
        ({"threads": 5}, "the server has 5 threads after the guests have gone, before they came it had 4"),
        ({"memory_bytes": 12 * MIB + 200_000}, "the server's memory has grown by 2.2 MiB, the limit is 2 MiB"),
    ],
)
def test_what_is_not_back_at_its_level_is_one_line_with_both_numbers(
    watch: Watch, changes: dict[str, int], line: str
) -> None:
    one = watch(replace(BEFORE, **changes))
    assert not one.is_back()
    assert one.missed() == [line]


def test_back_at_its_level_it_may_keep_some_memory_and_has_used_cpu(watch: Watch) -> None:
    one = watch(replace(BEFORE, memory_bytes=12 * MIB, cpu_s=9.0))
    assert one.is_back()
    assert one.missed() == []


@pytest.mark.parametrize("threads", [2, 6])
def test_a_runtime_of_its_own_threads_may_keep_as_many_more_as_it_is_allowed(watch: Watch, threads: int) -> None:
    assert watch(replace(BEFORE, threads=threads), more_threads=2).is_back()


def test_threads_beyond_those_allowed_are_a_line(watch: Watch) -> None:
    one = watch(replace(BEFORE, threads=7), more_threads=2)
    assert not one.is_back()
    before = "after the guests have gone, before they came it had 4"
    assert one.missed() == [f"the server has 7 threads {before}, and may have 2 more"]


def test_the_last_look_counts(watch: Watch) -> None:
    one = watch(replace(BEFORE, descriptors=30), BEFORE)
    assert [one.is_back(), one.is_back()] == [False, True]
    assert one.missed() == []


def test_the_peak_is_each_figure_s_own(watch: Watch) -> None:
    one = watch(replace(BEFORE, descriptors=90), replace(BEFORE, memory_bytes=40 * MIB), BEFORE)
    for _ in range(2):
        one.note_peak()
    one.is_back()
    assert one.part() == {
        "before": {"descriptors": 20, "threads": 4, "memory_bytes": 10 * MIB, "cpu_s": 1.0},
        "peak": {"descriptors": 90, "threads": 4, "memory_bytes": 40 * MIB, "cpu_s": 1.0},
        "after": {"descriptors": 20, "threads": 4, "memory_bytes": 10 * MIB, "cpu_s": 1.0},
    }


def test_a_server_that_has_ended_meanwhile_is_a_line_and_is_not_read_again(watch: Watch) -> None:
    one = watch(SetupError("there is no such process here"))
    one.note_peak()
    assert not one.is_back()
    assert one.missed() == ["the server cannot be read any more: there is no such process here"]


def test_a_process_with_fewer_descriptors_than_users_is_not_the_server(watch: Watch) -> None:
    watch(connections=20)
    with pytest.raises(SetupError, match="--server-pid 7 is not the server: it has 20 descriptors, and 21 users"):
        watch(connections=21)


def test_without_a_process_it_is_never_read_and_nothing_is_missed() -> None:
    one = ServerWatch(0, 2)
    one.begin(5)
    one.note_peak()
    assert one.is_back()
    assert (one.missed(), one.part()) == ([], None)
