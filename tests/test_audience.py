"""What each seat of a room gets of one pass. The fakes keep every push apart, so that sends can be counted."""

from collections.abc import Iterable, Sequence

import pytest

from chat.events import Event, Join, Leave, Person, Say
from chat.server.audience import Audience
from chat.server.inbox import Inbox
from chat.server.posts import NOTHING, Arrival, Copy, Departure, Remark
from chat.wires.irc import IrcDialect
from chat.wires.tilde import TILDE
from chat.wires.wire import Dialect

IRC = IrcDialect.of(())


class CountingDialect:
    """Shows an event as its text or its name, and counts how often it was asked."""

    framed = True
    hears_itself = False
    sees_own_join = True

    def __init__(self) -> None:
        self.encodes = 0

    def encode(self, event: Event) -> tuple[bytes, ...]:
        self.encodes += 1
        return (event.text.encode() if isinstance(event, Say) else type(event).__name__.encode(),)

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return ()


class FakeSeat:
    inbox: Inbox

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.pushes: list[bytes | memoryview] = []
        self.notices = 0

    def push(self, data: bytes | memoryview, notices: int = 0) -> None:
        self.pushes.append(data)
        self.notices += notices

    @property
    def got(self) -> bytes:
        return b"".join(self.pushes)


def push_each(seats: Iterable[FakeSeat], data: bytes, notices: int) -> None:
    for seat in seats:
        seat.push(data, notices)


def person(nick: str = "ana") -> Person:
    return Person(nick, "~u", "host")


def words(text: str, seat: FakeSeat, copy: Copy | None = None) -> Remark:
    return Remark("#a", Say(person(), "#a", text, 0.0), seat, copy)


def arrival(seat: FakeSeat, copy: Copy | None = None) -> Arrival:
    return Arrival("#a", Join(person(), "#a", 0.0), seat, copy)


def departure(seat: FakeSeat, copy: Copy | None = None) -> Departure:
    return Departure("#a", Leave(person(), "#a", 0.0), seat, copy)


def seated(audience: Audience, *dialects: Dialect) -> list[FakeSeat]:
    """Seats whose own arrival is over."""
    seats = [FakeSeat(dialect) for dialect in dialects]
    for seat in seats:
        audience.add(seat, seat.dialect)
    return seats


def test_a_pass_is_encoded_once_and_all_seats_get_the_same_bytes_object_in_one_push() -> None:
    dialect, audience = CountingDialect(), Audience(push_each)
    ana, *others = seated(audience, *[dialect] * 100)
    for text in ("one ", "two ", "three "):
        audience.remark(words(text, ana, NOTHING))
    audience.flush()
    assert dialect.encodes == 3
    assert {len(seat.pushes) for seat in others} == {1}
    assert {id(seat.pushes[0]) for seat in others} == {id(others[0].pushes[0])}
    assert others[0].got == b"one two three "


def test_each_dialect_is_encoded_once_and_one_without_seats_never() -> None:
    used, unused, audience = CountingDialect(), CountingDialect(), Audience(push_each)
    ana, bob = seated(audience, used, unused)
    audience.drop(bob)
    audience.remark(words("one", ana))
    audience.flush()
    assert (used.encodes, unused.encodes) == (1, 0)


def test_who_does_not_hear_itself_gets_all_but_its_own_words() -> None:
    audience = Audience(push_each)
    ana, bob, eve = seated(audience, *[CountingDialect()] * 3)
    bob.dialect = eve.dialect = ana.dialect
    for text, seat in (("1", ana), ("2", bob), ("3", ana), ("4", bob)):
        audience.remark(words(text, seat, NOTHING))
    audience.flush()
    assert (ana.got, bob.got, eve.got) == (b"24", b"13", b"1234")


def test_a_copy_stands_in_the_place_of_its_event() -> None:
    audience = Audience(push_each)
    ana, bob = seated(audience, *[CountingDialect()] * 2)
    audience.remark(words("1", bob))
    audience.remark(words("2", ana, Copy((b"[labelled 2]",))))
    audience.remark(words("3", bob))
    audience.flush()
    assert ana.got == b"1[labelled 2]3"
    assert bob.got == b"123"


def test_a_joiner_gets_its_own_join_and_what_comes_after_and_nothing_before() -> None:
    audience = Audience(push_each)
    dialect = CountingDialect()
    (ana,) = seated(audience, dialect)
    joiner = FakeSeat(dialect)
    audience.remark(words("before ", ana))
    audience.arrive(arrival(joiner))
    audience.remark(words(" after", ana))
    audience.flush()
    assert joiner.got == b"Join after"
    assert ana.got == b"before Join after"
    audience.remark(words("later", ana))
    audience.flush()
    assert joiner.got == b"Join afterlater"


def test_who_leaves_gets_its_leave_and_nothing_after() -> None:
    audience = Audience(push_each)
    ana, bob = seated(audience, *[CountingDialect()] * 2)
    audience.remark(words("before ", bob))
    audience.depart(departure(ana))
    audience.remark(words(" after", bob))
    audience.flush()
    audience.remark(words(" later", bob))
    audience.flush()
    assert ana.got == b"before Leave"
    assert bob.got == b"before Leave after later"


def test_who_comes_and_goes_within_a_pass_gets_just_that_time() -> None:
    audience = Audience(push_each)
    dialect = CountingDialect()
    (ana,) = seated(audience, dialect)
    guest = FakeSeat(dialect)
    for _ in range(2):
        audience.remark(words("x", ana))
        audience.arrive(arrival(guest))
        audience.remark(words("y", ana))
        audience.depart(departure(guest))
        audience.remark(words("z", ana))
    audience.flush()
    assert guest.got == b"JoinyLeave" * 2
    assert ana.got == b"xJoinyLeavez" * 2


@pytest.mark.parametrize("dialect", [IRC, TILDE])
def test_each_seat_is_told_how_many_of_its_bytes_tell_who_came_and_went(dialect: Dialect) -> None:
    audience = Audience(push_each)
    ana, bob, leaver = seated(audience, *[dialect] * 3)
    joiner = FakeSeat(dialect)
    came, went, said = arrival(joiner), departure(leaver, NOTHING), words("hello", ana, NOTHING)
    coming, going = (sum(map(len, post.encoded(dialect))) for post in (came, went))
    audience.remark(said)
    audience.arrive(came)
    audience.depart(went)
    audience.flush()
    assert bob.notices == ana.notices == coming + going
    assert joiner.notices == coming + going
    assert leaver.notices == coming
    assert len(bob.got) == coming + going + sum(map(len, said.encoded(dialect)))


def test_an_answer_comes_behind_the_events_before_it_and_ahead_of_those_after() -> None:
    audience = Audience(push_each)
    ana, bob = seated(audience, *[CountingDialect()] * 2)
    audience.remark(words("1", bob))
    assert audience.owes(ana)
    audience.insert(ana, Copy((b"[answer]",)))
    audience.remark(words("2", bob))
    audience.flush()
    assert ana.got == b"1[answer]2"
    assert bob.got == b"12"
    assert not audience.owes(ana)


def test_an_answer_to_who_has_left_comes_behind_the_leave() -> None:
    audience = Audience(push_each)
    ana, bob = seated(audience, *[CountingDialect()] * 2)
    audience.depart(departure(ana))
    audience.remark(words("later", bob))
    audience.insert(ana, Copy((b"[answer]",)))
    audience.flush()
    assert ana.got == b"Leave[answer]"


def test_an_unframed_seat_gets_one_push_for_each_event_though_others_get_one_in_all() -> None:
    audience = Audience(push_each)
    tilde, irc = seated(audience, TILDE, IRC)
    audience.remark(words("one", irc))
    audience.remark(words("two", tilde))
    audience.flush()
    assert tilde.pushes == [b"ana~one", b"ana~two"]
    assert len(irc.pushes) == 1


def test_an_unframed_joiner_in_the_middle_of_a_pass_gets_only_what_is_its_own() -> None:
    audience = Audience(push_each)
    (irc,) = seated(audience, IRC)
    tilde = FakeSeat(TILDE)
    audience.remark(words("before", irc))
    audience.arrive(arrival(tilde))
    audience.remark(words("after", irc))
    audience.flush()
    assert tilde.pushes == [b"SERVER~ana joined the chat app", b"ana~after"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_empty_audience_is_one_that_nobody_sits_in_and_nothing_is_owed(order: Sequence[int]) -> None:
    audience = Audience(push_each)
    seats = seated(audience, *[CountingDialect()] * 2)
    assert audience
    for index in order:
        audience.depart(departure(seats[index]))
    assert audience
    audience.flush()
    assert not audience
