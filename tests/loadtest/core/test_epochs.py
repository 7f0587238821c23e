"""Due = delivered + lost + under way, exactly, whoever comes, goes and dies in a window, whatever is lost meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.examine import Audience
from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Receiver, just
from loadtest.core.schedules import Schedule
from loadtest.core.stamps import Stamp, Stamps

RUN, ROOM = "0123abcd", "#room"
SIZE = 80  # bytes of a message
MESSAGES, EVERY = 12, 10  # of one sender: message k leaves at k * EVERY
TABLE = Schedule(0, EVERY, MESSAGES)
END = MESSAGES * EVERY


@pytest.mark.parametrize(
    ("moment", "number"), [(-5, 0), (0, 0), (1, 1), (10, 1), (11, 2), (110, 11), (111, 12), (10_000, 12)]
)
def test_a_schedule_says_which_message_is_the_first_from_a_moment_on(moment: int, number: int) -> None:
    assert TABLE.number_from(moment) == number


@dataclass(frozen=True)
class Life:
    """One member's: in for the server, in for itself, gone. What leaves arrives after `way`; some of it is dropped."""

    admitted: int
    knows: int
    ends: int
    way: int
    dropped: frozenset[int]

    def has(self, number: int) -> bool:
        """Whether it receives a message while it listens."""
        leaves = number * EVERY
        listens = self.knows <= leaves + self.way <= self.ends
        return leaves >= self.admitted and listens and number not in self.dropped


STAYS = 1 << 20
LIVES = st.builds(
    lambda knows, early, lasts, way, dropped: Life(knows - early, knows, knows + lasts, way, frozenset(dropped)),
    st.integers(0, END),
    st.integers(0, 25),
    st.one_of(st.integers(0, END), st.just(STAYS)),
    st.integers(0, 35),
    st.sets(st.integers(0, MESSAGES - 1), max_size=4),
)


def account(stayers: int, schedule: Schedule = TABLE) -> Ledger:
    return Ledger(Stamps(RUN, 1, SIZE), 10**9, {0: Audience(ROOM, stayers, schedule.count, schedule=schedule)})


def line(number: int) -> bytes:
    return f":n!u@h PRIVMSG {ROOM} :{Stamps(RUN, 1, SIZE).text(Stamp(0, number, number * EVERY))}\r\n".encode()


def live(taken: Ledger, life: Life, stayer: bool) -> Receiver:
    receiver = Receiver(ROOM)
    if not stayer:
        taken.join(receiver, life.knows)
    for number in range(MESSAGES):
        if life.has(number):
            taken.receive(receiver, line(number), just(number * EVERY + life.way))
    if life.ends < STAYS:
        taken.end(receiver, life.ends)
    return receiver


def wanted(life: Life, stayer: bool) -> tuple[int, int, int]:
    """Due, delivered and under way, message by message, the slow obvious way."""
    had = [number for number in range(MESSAGES) if life.has(number)]
    first = 0 if stayer else min([n for n in range(MESSAGES) if n * EVERY >= life.knows] + had[:1], default=MESSAGES)
    due = [n for n in range(first, MESSAGES) if n in had or n * EVERY < life.ends or (had and n < had[-1])]
    coming = [n for n in due if life.ends < STAYS and n > (had[-1] if had else first - 1)]
    return len(due), len(had), len(coming)


@given(st.lists(st.tuples(LIVES, st.booleans()), max_size=6))
def test_the_account_is_exact_whoever_comes_goes_and_dies(lives: Sequence[tuple[Life, bool]]) -> None:
    everyone = [(Life(0, 0, life.ends, life.way, life.dropped) if stayer else life, stayer) for life, stayer in lives]
    taken = account(sum(stayer for _, stayer in everyone))
    for life, stayer in everyone:
        live(taken, life, stayer)
    taken.flush()
    sums = tuple(map(sum, zip(*(wanted(*each) for each in everyone), strict=True))) or (0, 0, 0)
    assert (taken.due({}), taken.delivered, taken.under_way({})) == sums
    assert taken.duplicated == taken.reordered == 0


@given(st.lists(st.tuples(LIVES, st.booleans()), max_size=6), st.integers(0, MESSAGES))
def test_messages_that_a_sender_never_sent_are_due_to_nobody(lives: Sequence[tuple[Life, bool]], sent: int) -> None:
    """A sender that dies after so many messages is like one that had planned no more."""
    accounts = [account(sum(stayer for _, stayer in lives), Schedule(0, EVERY, count)) for count in (MESSAGES, sent)]
    for taken in accounts:
        for life, stayer in lives:
            silent = Life(0 if stayer else life.admitted, life.knows, life.ends, life.way, frozenset(range(sent, 99)))
            live(taken, silent, stayer)
    full, short = accounts
    assert (full.due({0: sent}), full.under_way({0: sent})) == (short.due({}), short.under_way({}))


def test_a_message_that_overtakes_the_news_of_being_in_is_due_and_so_are_all_after_it() -> None:
    taken, receiver = account(0), Receiver(ROOM)
    taken.join(receiver, 65)  # message 7 is the first that must come
    for number in (6, 4, 5, 9):
        taken.receive(receiver, line(number), just(100))
    taken.flush()
    assert (taken.due({}), taken.delivered, taken.reordered, taken.duplicated) == (MESSAGES - 4, 4, 2, 0)


def test_a_message_is_complete_when_all_have_it_who_are_members_by_then() -> None:
    taken, stayer, comes, goes = account(2), Receiver(ROOM), Receiver(ROOM), Receiver(ROOM)
    taken.receive(stayer, line(0), just(3_000))
    taken.receive(goes, line(0), just(5_000))
    taken.join(comes, 5)
    taken.receive(stayer, line(1), just(6_010))
    taken.receive(comes, line(1), just(9_010))
    taken.flush()
    assert taken.take_completed() == [0, 0, 2, 3, 3, 5], "message 1 waits for the one who goes"
    taken.end(goes, 10)
    taken.flush()
    assert taken.take_completed() == [0, 1, 2, 6, 6, 9]
    assert (taken.joined, taken.ended) == (1, 1)
    taken.join(comes := Receiver(ROOM), 50)
    taken.end(comes, 60)
    assert (taken.joined, taken.ended) == (2, 2)


def test_what_a_crowd_says_is_due_to_those_who_were_in_from_the_beginning() -> None:
    taken = Ledger(Stamps(RUN, 1, SIZE), 10**9, {0: Audience(ROOM, 1, 1 << 32)})
    stayer, comes = Receiver(ROOM), Receiver(ROOM)
    taken.join(comes, 0)
    for receiver in (stayer, comes):
        taken.receive(receiver, line(1) + line(0), just(1_000))
    taken.flush()
    assert (taken.delivered, taken.reordered, taken.due({})) == (2, 0, 0)
