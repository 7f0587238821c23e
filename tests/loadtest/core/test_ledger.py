"""Whatever a server loses, repeats or swaps, and however its bytes are cut, the account says exactly that."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.examine import Audience
from loadtest.core.histogram import NEVER_US
from loadtest.core.ledger import Ledger
from loadtest.core.notices import NoticeLog
from loadtest.core.receiver import Receiver, just
from loadtest.core.schedules import Schedule
from loadtest.core.slices import Slices
from loadtest.core.stamps import Stamp, Stamps
from loadtest.wires.irc import IrcWire

RUN = "0123abcd"
SIZE = 80  # bytes of a message
ROOM = "#room"
MESSAGES = 12
LATE_NS = 1_000_000
TABLE = Schedule(0, 1, MESSAGES)


def account(receivers: int = 1, senders: Sequence[int] = (0,)) -> Ledger:
    audiences = {sender: Audience(ROOM, receivers, MESSAGES, schedule=TABLE) for sender in senders}
    return Ledger(Stamps(RUN, 1, SIZE), LATE_NS, audiences)


def line(number: int, sender: int = 0, at_ns: int | None = None) -> bytes:
    at_ns = number if at_ns is None else at_ns  # as TABLE has it
    return f":n!u@h PRIVMSG {ROOM} :{Stamps(RUN, 1, SIZE).text(Stamp(sender, number, at_ns))}\r\n".encode()


def counts(taken: Ledger) -> tuple[int, int, int]:
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
            taken.receive(receiver, b"".join(line(number) for number in left[:size]), just(1_000))
            del left[:size]
            turn += 1
        wanted = [total + more for total, more in zip(wanted, expected_counts(arrivals), strict=True)]
    assert counts(taken) == tuple(wanted)
    assert taken.fanout.count == wanted[0]


def test_the_same_bytes_at_many_receivers_count_for_each() -> None:
    taken, data = account(3), line(0) + line(1)
    for at, receiver in enumerate([Receiver(ROOM), Receiver(ROOM), Receiver(ROOM)]):
        taken.receive(receiver, data, just(5_000 + at * 1_000))
    assert counts(taken) == (6, 0, 0)
    assert (taken.fanout.shortest, taken.fanout.longest) == (4, 7)


def test_the_same_bytes_twice_at_one_receiver_are_duplicates() -> None:
    taken, receiver = account(), Receiver(ROOM)
    for _ in range(3):
        taken.receive(receiver, line(0), just(1_000))
    assert counts(taken) == (1, 2, 0)


def test_a_message_is_complete_when_its_last_receiver_has_it_and_is_told_once() -> None:
    taken = account(2)
    taken.receive(Receiver(ROOM), line(0), just(4_000))
    taken.flush()
    assert taken.take_completed() == []
    assert taken.take_partial() == [0, 0, 2, 4, 4, NEVER_US]
    taken.receive(Receiver(ROOM), line(0), just(9_000))
    taken.flush()
    assert taken.take_completed() == [0, 0, 2, 4, 4, 9]
    assert taken.take_completed() == taken.take_partial() == []


def test_late_is_what_comes_later_than_allowed_and_it_is_still_delivered() -> None:
    taken = account(3)
    for now_ns in (LATE_NS, LATE_NS + 1, LATE_NS + 2):
        taken.receive(Receiver(ROOM), line(0), just(now_ns))
    assert counts(taken) == (3, 0, 0)
    assert taken.late == 2


@pytest.mark.parametrize(
    ("receiver", "data", "stray", "corrupt"),
    [
        (Receiver("#elsewhere"), line(0), 1, 0),  # delivered to someone who is not in the room
        (Receiver(ROOM, number=0), line(0), 0, 0),  # a server that echoes one's own words
        (Receiver(ROOM), line(0, sender=9), 1, 0),  # a sender whom nobody here should hear
        (Receiver(ROOM), line(MESSAGES), 0, 1),  # more than the sender had to say
        (Receiver(ROOM), line(0, at_ns=7), 0, 1),  # at a time when the sender had nothing to say
        (Receiver(ROOM), b":n!u@h PRIVMSG #room :hello\r\n", 0, 0),
    ],
)
def test_what_is_not_due_is_not_delivered_and_what_should_not_be_there_is_told(
    receiver: Receiver, data: bytes, stray: int, corrupt: int
) -> None:
    taken = account()
    taken.receive(receiver, data, just(1_000))
    assert counts(taken) == (0, 0, 0)
    assert (taken.stray, taken.corrupt) == (stray, corrupt)


def test_the_same_bytes_leaked_to_another_room_are_stray_for_each_who_reads_them() -> None:
    taken = account(2)
    for room in (ROOM, "#other", ROOM, "#other", "#other"):
        taken.receive(Receiver(room), line(0) + line(1), just(1_000))
    assert counts(taken) == (4, 0, 0)
    assert taken.stray == 6


def test_a_message_that_is_not_what_was_sent_is_corrupt_for_each_who_reads_it_and_still_accounted_for() -> None:
    audiences = {0: Audience(ROOM, 3, MESSAGES, schedule=TABLE, nick="n")}
    taken = Ledger(Stamps(RUN, 1, SIZE), LATE_NS, audiences, wire=IrcWire(""))
    receivers = [Receiver(ROOM) for _ in range(3)]
    for receiver in receivers:
        taken.receive(receiver, line(0), just(1_000))
    assert (taken.corrupt, taken.stray) == (0, 0)
    for receiver in receivers:
        taken.receive(receiver, line(1).replace(b"{}", b"{"), just(2_000))
        taken.receive(receiver, line(2), just(2_000))
    assert counts(taken) == (9, 0, 0)
    assert (taken.corrupt, taken.stray) == (3, 0)


def test_one_receiver_with_another_order_of_two_senders_is_found_whoever_comes_first() -> None:
    for odd in range(4):
        taken = account(4, senders=(0, 1))
        for place in range(4):
            receiver, first, second = Receiver(ROOM), line(0, 0), line(0, 1)
            taken.receive(receiver, second + first if place == odd else first + second, just(1_000))
            taken.receive(receiver, line(1, 0) + line(1, 1), just(2_000))
        assert counts(taken) == (16, 0, 0)
        assert taken.diverged == 1


def test_what_a_receiver_said_itself_or_lost_is_no_other_order() -> None:
    taken = account(3, senders=(0, 1))
    for receiver, data in (
        (Receiver(ROOM), line(0, 0) + line(0, 1) + line(1, 0)),
        (Receiver(ROOM, number=0), line(0, 1)),
        (Receiver(ROOM), line(0, 0) + line(1, 0)),
    ):
        taken.receive(receiver, data, just(1_000))
    assert (taken.diverged, taken.reordered) == (0, 0)


def test_a_latency_ends_at_the_arrival_and_what_the_generator_took_is_told_apart() -> None:
    taken = account(2)
    for receiver in (Receiver(ROOM), Receiver(ROOM)):
        taken.receive(receiver, line(0), (5_000, 105_000, 2_000))
    taken.flush()
    assert (taken.fanout.shortest, taken.fanout.longest) == (5, 5)
    assert (taken.read.shortest, taken.read.longest) == (105, 105)
    assert (taken.waits.longest, taken.doubt.longest) == (100, 0)


def test_of_several_messages_in_one_read_only_the_last_ones_arrival_is_sure() -> None:
    taken = account(1)
    taken.receive(Receiver(ROOM), line(0) + line(1), (99_000, 100_000, 4_000))
    taken.flush()
    assert taken.doubt.longest == 95


@pytest.mark.parametrize(
    ("data", "urgent"), [(line(0), False), (b"PING :x\r\n", True), (line(0) + b"ERROR :bye\r\n", True)]
)
def test_lines_that_may_need_an_answer_are_pointed_out(data: bytes, urgent: bool) -> None:
    assert account().receive(Receiver(ROOM), data, just(1_000)) is urgent


def test_without_audiences_every_stamp_counts() -> None:
    taken = Ledger(Stamps(RUN, 1, SIZE), LATE_NS)
    for _ in range(2):
        taken.receive(Receiver("#any"), line(3, sender=77) + line(1), just(1_000))
    assert counts(taken) == (4, 0, 0)


@given(st.permutations(range(30)))
def test_more_blobs_at_a_time_than_are_kept_change_no_figure(order: list[int]) -> None:
    taken = account(1, senders=range(30))
    receivers = {number: Receiver(ROOM) for number in range(3)}
    for turn, sender in enumerate(order):
        taken.receive(receivers[turn % 3], line(0, sender), just(turn * 1_000))
    assert counts(taken) == (30, 0, 0)


def test_departures_among_the_messages_are_noted_for_each_receiver_and_cost_the_messages_nothing() -> None:
    notices = NoticeLog("f012", [1], 0)
    audiences = {0: Audience(ROOM, 2, MESSAGES, schedule=TABLE)}
    taken = Ledger(Stamps(RUN, 1, SIZE), LATE_NS, audiences, Slices(0, 1_000_000_000), notices)
    both = line(0) + b":f0121!~u@h QUIT :gone\r\n" + line(1)
    for ms, receiver in enumerate((Receiver(ROOM), Receiver(ROOM)), 1):
        taken.receive(receiver, both, just(ms * 1_000_000))
        taken.receive(receiver, both, just(ms * 1_000_000))
    assert counts(taken) == (4, 4, 0)
    assert (notices.informed.count, notices.informed.shortest, notices.informed.longest) == (2, 1_000, 2_000)


def test_the_slices_of_a_window_hold_every_delivery_by_its_intended_time() -> None:
    slices, table = Slices(0, 1_000_000_000), Schedule(0, 900_000_000, MESSAGES)
    taken = Ledger(Stamps(RUN, 1, SIZE), LATE_NS, {0: Audience(ROOM, 1, MESSAGES, schedule=table)}, slices)
    receiver = Receiver(ROOM)
    for number in range(3):
        at_ns = table.at(number)
        taken.receive(receiver, line(number, 0, at_ns), just(at_ns + 5_000))
    taken.flush()
    assert [each.count for each in slices.each()] == [2, 1]
    assert slices.between(0, 10**12) == taken.fanout


def test_whole_blobs_of_two_senders_are_ordered_counted_and_remembered() -> None:
    taken, receivers = account(4, senders=(0, 1)), [Receiver(ROOM) for _ in range(4)]
    for number in range(2):
        for receiver in receivers:
            taken.receive(receiver, line(number, 0) + line(number, 1), just(1_000))
            taken.flush()
    for receiver in receivers:
        taken.receive(receiver, line(1, 0) + line(1, 1), just(1_500))
    assert counts(taken) == (16, 8, 0)
    for place, receiver in enumerate(receivers):
        first, second = line(2, 0), line(2, 1)
        taken.receive(receiver, second + first if place == 3 else first + second, just(2_000))
    assert counts(taken) == (24, 8, 0)
    assert taken.diverged == 1
    assert taken.orders() == [(ROOM, [0, 0, 1, 0, 0, 1, 1, 1, 0, 2, 1, 2], 4)]
    for receiver in receivers:
        taken.receive(receiver, line(2, 1), just(3_000))
    assert counts(taken) == (24, 12, 0)


def test_a_message_that_is_read_twice_is_completed_and_counted_once() -> None:
    taken, receivers = account(2), [Receiver(ROOM), Receiver(ROOM)]
    for turn in range(3):
        for receiver in receivers:
            taken.receive(receiver, line(0), just((turn + 1) * 1_000))
        taken.flush()
    assert taken.take_completed() == [0, 0, 2, 1, 1, 1]
    assert taken.take_completed() == taken.take_partial() == []
    assert (counts(taken), taken.fanout.count) == ((2, 4, 0), 2)


NEAR, FAR, FARTHER, CROWD = 0, 1, 2, 3


def at_one_of_several_nodes(others: Slices | None = None) -> Ledger:
    """Two receivers; one sender at their node, two at others, and some who come and go."""
    audiences = {sender: Audience(ROOM, 2, MESSAGES, schedule=TABLE) for sender in (NEAR, FAR, FARTHER)}
    audiences[CROWD] = Audience(ROOM, 2, MESSAGES)
    return Ledger(Stamps(RUN, 1, SIZE), LATE_NS, audiences, near={NEAR}, others=others)


def test_deliveries_are_told_apart_by_whether_the_sender_is_at_the_same_node() -> None:
    others = Slices(0, 1_000_000_000)
    taken, receivers = at_one_of_several_nodes(others), [Receiver(ROOM), Receiver(ROOM)]
    for receiver in receivers:
        for sender, us in ((NEAR, 1), (FAR, 2), (FARTHER, 3), (CROWD, 4)):
            taken.receive(receiver, line(0, sender), just(us * 1_000))
    assert counts(taken) == (8, 0, 0)
    assert (taken.within.count, taken.within.longest) == (2, 1)
    assert (taken.across.count, taken.across.shortest, taken.across.longest) == (4, 2, 3)
    assert [each.count for each in others.each()] == [6]


def test_with_one_node_there_is_nothing_to_tell_apart() -> None:
    taken = account()
    taken.receive(Receiver(ROOM), line(0), just(1_000))
    assert counts(taken) == (1, 0, 0)
    assert (taken.within.count, taken.across.count) == (0, 0)


def test_what_is_awaited_from_near_and_far_is_what_is_due_less_what_was_under_way() -> None:
    taken = at_one_of_several_nodes()
    assert (taken.awaited(True, {}), taken.awaited(False, {})) == (2 * MESSAGES, 4 * MESSAGES)
    taken.end(Receiver(ROOM), 6)  # had none of the six that were meant to leave by then
    assert taken.under_way({}) == 18
    assert (taken.awaited(True, {}), taken.awaited(False, {})) == (MESSAGES, 2 * MESSAGES)
    assert (taken.awaited(True, {NEAR: 3}), taken.awaited(False, {NEAR: 3, FAR: 8})) == (3, 8 + MESSAGES)
    assert sum(taken.awaited(near, {}) for near in (True, False)) == taken.due({}) - taken.under_way({})


def test_a_latency_ends_at_the_arrival_also_where_the_reading_is_not_sampled() -> None:
    taken, receiver = account(), Receiver(ROOM)
    taken.receive(receiver, line(0), (5_000, 905_000, 5_000))
    taken.receive(receiver, line(1), (6_001, 906_001, 6_001))
    taken.flush()
    assert (taken.fanout.count, taken.fanout.longest, taken.read.count) == (2, 6, 1)
