"""The log in memory: ids and times that only grow, and no more entries than were asked for."""

from hypothesis import given
from hypothesis import strategies as st

from chat.server.log.ids import SEQUENCE_BITS, first_id, time_of
from chat.server.log.memory import MemoryLog, Stamps
from chat.wires.irc import timestamp
from chat.wires.message import Message

TIMES = st.lists(st.floats(0.0, 4e9, allow_nan=False), min_size=1, max_size=50)


@given(TIMES)
def test_ids_are_unique_and_grow_and_times_never_go_back_whatever_the_clock_says(times: list[float]) -> None:
    clock = iter(times)
    stamps = Stamps(lambda: next(clock))
    given_out = [stamps.next() for _ in times]
    ids = [number for number, _ in given_out]
    assert ids == sorted(set(ids))
    assert [at for _, at in given_out] == list(map(time_of, ids))


@given(st.integers(0, (1 << 43) - 1))  # until the year 2248
def test_the_time_of_an_id_has_all_its_milliseconds(milliseconds: int) -> None:
    at = time_of(milliseconds << SEQUENCE_BITS)
    assert first_id(at) == milliseconds << SEQUENCE_BITS
    assert timestamp(at).endswith(f".{milliseconds % 1_000:03d}Z")


def test_an_id_tells_the_millisecond_that_it_is_of() -> None:
    stamps = Stamps(lambda: 1_700_000_000.1234)
    first, second = stamps.next()[0], stamps.next()[0]
    assert first >> SEQUENCE_BITS == 1_700_000_000_123
    assert second == first + 1


def test_more_entries_in_a_millisecond_than_it_has_numbers_run_into_the_next_and_stay_unique() -> None:
    now = 1000.0
    stamps = Stamps(lambda: now)
    ids = [stamps.next()[0] for _ in range((1 << SEQUENCE_BITS) + 10)]
    now = 1000.001
    ids.append(stamps.next()[0])
    assert ids == sorted(set(ids))


def test_an_entry_has_its_id_time_node_and_request() -> None:
    log = MemoryLog("here", 10, lambda: 1000.5)
    request = Message("PRIVMSG", ["#a", "hello"], "ana!~ana@host")
    entry = log.append(7, request)
    assert (entry.at, entry.node, entry.user, entry.request) == (1000.5, "here", 7, request)
    assert log.append(7, request).id > entry.id


def test_only_what_is_kept_stays_and_of_it_the_newest() -> None:
    log = MemoryLog("here", 3, lambda: 1000.0)
    entries = [log.append(7, Message("AWAY", [], "ana!~ana@host")) for _ in range(6)]
    assert not log.entries
    for entry in entries[1:]:
        log.keep(entry)
    assert list(log.entries) == entries[3:]
