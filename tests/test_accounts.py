"""Whatever a server loses, repeats or swaps, and however its bytes are cut, the account says exactly that."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.accounting import stamps
from loadtest.accounting.accounts import Account, Audience, Receiver
from loadtest.accounting.epochs import Timetable
from loadtest.accounting.histogram import Histogram
from loadtest.accounting.notices import Notices
from loadtest.accounting.slices import Slices
from loadtest.accounting.stamps import Stamp

RUN = "0123abcd"
ROOM = "#room"
MESSAGES = 12
LATE_NS = 1_000_000
TABLE = Timetable(0, 1, MESSAGES)


def account(receivers: int = 1, senders: Sequence[int] = (0,)) -> Account:
    audiences = {sender: Audience(ROOM, receivers, MESSAGES, timetable=TABLE) for sender in senders}
    return Account(stamps.pattern(RUN, 1), LATE_NS, audiences)


def line(number: int, sender: int = 0, at_ns: int = 0) -> bytes:
    return f":n!u@h PRIVMSG {ROOM} :{stamps.text(RUN, 1, Stamp(sender, number, at_ns), 80)}\r\n".encode()


def counts(taken: Account) -> tuple[int, int, int]:
    taken.flush()
    return taken.delivered, taken.duplicated, taken.reordered


def expected_counts(arrivals: Sequence[int]) -> tuple[int, int, int]:
    """Delivered, duplicated, reordered of one sender's numbers in the order that they came, the slow obvious way."""
    seen: list[int] = []
    duplicated = reordered = 0
    for number in arrivals:
        if number in seen:
            duplicated += 1
        else:
            reordered += any(number < earlier for earlier in seen)
            seen.append(number)
    return len(seen), duplicated, reordered


@given(
    st.lists(st.lists(st.integers(0, MESSAGES - 1), max_size=20), min_size=1, max_size=6),
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
)
def test_every_order_loss_and_repetition_is_counted_exactly(everyones: list[list[int]], cuts: list[int]) -> None:
    taken = account(len(everyones))
    wanted = [0, 0, 0]
    for arrivals in everyones:
        receiver, left, turn = Receiver(ROOM), list(arrivals), 0
        while left:
            size = cuts[turn % len(cuts)]
            taken.receive(receiver, b"".join(line(number) for number in left[:size]), 1_000)
            del left[:size]
            turn += 1
        wanted = [total + more for total, more in zip(wanted, expected_counts(arrivals), strict=True)]
    assert counts(taken) == tuple(wanted)
    assert taken.fanout.count == wanted[0]


def test_the_same_bytes_at_many_receivers_count_for_each() -> None:
    taken, data = account(3), line(0) + line(1)
    for at, receiver in enumerate([Receiver(ROOM), Receiver(ROOM), Receiver(ROOM)]):
        taken.receive(receiver, data, 5_000 + at * 1_000)
    assert counts(taken) == (6, 0, 0)
    assert (taken.fanout.shortest, taken.fanout.longest) == (5, 7)


def test_the_same_bytes_twice_at_one_receiver_are_duplicates() -> None:
    taken, receiver = account(), Receiver(ROOM)
    for _ in range(3):
        taken.receive(receiver, line(0), 1_000)
    assert counts(taken) == (1, 2, 0)


def test_a_message_is_complete_when_its_last_receiver_has_it_and_is_told_once() -> None:
    taken = account(2)
    taken.receive(Receiver(ROOM), line(0, at_ns=1_000), 4_000)
    taken.flush()
    assert taken.take_completed() == []
    taken.receive(Receiver(ROOM), line(0, at_ns=1_000), 9_000)
    taken.flush()
    assert taken.take_completed() == [0, 0, 2, 3, 3, 8]
    assert taken.take_completed() == []


def test_late_is_what_comes_later_than_allowed_and_it_is_still_delivered() -> None:
    taken = account(3)
    for now_ns in (LATE_NS, LATE_NS + 1, LATE_NS + 2):
        taken.receive(Receiver(ROOM), line(0), now_ns)
    assert counts(taken) == (3, 0, 0)
    assert taken.late == 2


@pytest.mark.parametrize(
    ("receiver", "data"),
    [
        (Receiver("#elsewhere"), line(0)),  # delivered to someone who is not in the room
        (Receiver(ROOM, number=0), line(0)),  # a server that echoes one's own words
        (Receiver(ROOM), line(0, sender=9)),  # a sender that nobody knows
        (Receiver(ROOM), line(MESSAGES)),  # more than the sender had to say
        (Receiver(ROOM), b":n!u@h PRIVMSG #room :hello\r\n"),
    ],
)
def test_what_is_not_expected_is_not_counted(receiver: Receiver, data: bytes) -> None:
    taken = account()
    taken.receive(receiver, data, 1_000)
    assert counts(taken) == (0, 0, 0)


@pytest.mark.parametrize(
    ("data", "urgent"), [(line(0), False), (b"PING :x\r\n", True), (line(0) + b"ERROR :bye\r\n", True)]
)
def test_lines_that_may_need_an_answer_are_pointed_out(data: bytes, urgent: bool) -> None:
    assert account().receive(Receiver(ROOM), data, 1_000) is urgent


def test_without_audiences_every_stamp_counts() -> None:
    taken = Account(stamps.pattern(RUN, 1), LATE_NS)
    for _ in range(2):
        taken.receive(Receiver("#any"), line(3, sender=77) + line(1), 1_000)
    assert counts(taken) == (4, 0, 0)


@given(st.permutations(range(30)))
def test_more_blobs_at_a_time_than_are_kept_change_no_figure(order: list[int]) -> None:
    taken = account(1, senders=range(30))
    receivers = {number: Receiver(ROOM) for number in range(3)}
    for turn, sender in enumerate(order):
        taken.receive(receivers[turn % 3], line(0, sender), turn * 1_000)
    assert counts(taken) == (30, 0, 0)


def test_departures_among_the_messages_are_noted_for_each_receiver_and_cost_the_messages_nothing() -> None:
    notices = Notices("f012", [1], 0)
    audiences = {0: Audience(ROOM, 2, MESSAGES, timetable=TABLE)}
    taken = Account(stamps.pattern(RUN, 1), LATE_NS, audiences, Slices(0, 1_000_000_000), notices)
    both = line(0) + b":f0121!~u@h QUIT :gone\r\n" + line(1)
    for ms, receiver in enumerate((Receiver(ROOM), Receiver(ROOM)), 1):
        taken.receive(receiver, both, ms * 1_000_000)
        taken.receive(receiver, both, ms * 1_000_000)
    assert counts(taken) == (4, 4, 0)
    assert (notices.informed.count, notices.informed.shortest, notices.informed.longest) == (2, 1_000, 2_000)


def test_the_slices_of_a_window_hold_every_delivery_by_its_intended_time() -> None:
    slices = Slices(0, 1_000_000_000)
    taken = Account(stamps.pattern(RUN, 1), LATE_NS, {0: Audience(ROOM, 1, MESSAGES, timetable=TABLE)}, slices)
    receiver = Receiver(ROOM)
    for number, second in enumerate((0, 0, 2)):
        at_ns = second * 1_000_000_000
        taken.receive(receiver, line(number, 0, at_ns), at_ns + 5_000)
    taken.flush()
    assert [Histogram.unpack(packed).count for packed in slices.pack()] == [2, 0, 1]
    assert slices.between(0, 10**12) == taken.fanout
