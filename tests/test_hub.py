"""The rules without sockets: who is here, what changes, and what each is told in which order."""

import pytest

from chat.events import Away, Join, Kind, Leave, Quit, Rename, Say
from chat.server.commands import arrive, run, run_unframed
from chat.server.hub import Hub, Refusal
from chat.server.inbox import Inbox
from chat.server.posts import NOTHING, Arrival, Departure, Direct, Remark, Spread
from chat.server.user import User
from chat.settings import Settings
from chat.wires.irc import LINE_BYTES, IrcDialect
from chat.wires.message import parse
from chat.wires.names import NICK_LENGTH
from chat.wires.relay import RelayWire
from chat.wires.wire import Dialect, Enter, Speak, TakeName


class Seat:
    """Stands for a connection: what its worker would be told waits in the inbox."""

    def __init__(self, inbox: Inbox, dialect: Dialect) -> None:
        self.inbox = inbox
        self.dialect = dialect

    def push(self, data: bytes | memoryview, notices: int = 0) -> None:
        raise AssertionError("only a worker pushes")


IRC = IrcDialect.of(())


class House:
    """A hub and people in it, each with a worker's inbox of their own unless they share one."""

    def __init__(self, **settings: object) -> None:
        self.now = 1000.0
        self.hub = Hub(Settings(**settings), clock=lambda: self.now)  # type: ignore[arg-type]

    def guest(self, dialect: Dialect = IRC, inbox: Inbox | None = None) -> User:
        inbox = Inbox(1000, lambda: None) if inbox is None else inbox
        return User(Seat(inbox, dialect), "127.0.0.1", "server", self.now)

    def irc(self, nick: str, *rooms: str, inbox: Inbox | None = None) -> User:
        user = self.guest(inbox=inbox)
        run(self.hub, user, parse(f"NICK {nick}"))
        run(self.hub, user, parse(f"USER {nick} 0 * :{nick}"))
        assert user.registered
        for room in rooms:
            run(self.hub, user, parse(f"JOIN {room}"))
        user.inbox.take()
        return user


def told(user: User) -> list[object]:
    """What the user's worker was told since: events as they are, single answers as the bytes that they now hold."""
    return [
        b"".join(post.copy.sends) if isinstance(post, Direct) else post.event
        for post in user.inbox.take()
        if isinstance(post, (Direct, Remark))
    ]


def test_names_hold_whoever_was_there_when_they_take_their_place_in_the_order() -> None:
    """Somebody who leaves by another worker's hand before the answer is written is in the list, and goes after it."""
    house = House()
    ana, bea = house.irc("ana", "#a"), house.irc("bea", "#a")
    told(ana)
    room = house.hub.get_room("#a")
    lines, place = house.hub.call_roll(room, ana, masks=False)
    house.hub.quit(bea, "gone")
    place.sends = lines
    names, gone = told(ana)
    assert names == b"@ana bea"
    assert isinstance(gone, Quit)


@pytest.mark.parametrize("caps", ["", "userhost-in-names"])
def test_a_thousand_names_come_over_full_lines_and_none_is_lost(caps: str) -> None:
    house = House()
    nicks = [f"member{number}" + "x" * (number % 20) for number in range(1000)]
    for nick in nicks:
        house.hub.join(house.irc(nick), "#big")
    reader = house.irc("reader")
    run(house.hub, reader, parse(f"CAP REQ :{caps}"))
    told(reader)
    run(house.hub, reader, parse("NAMES #big"))
    (data,) = told(reader)
    assert isinstance(data, bytes)
    *lines, end, rest = data.split(b"\r\n")
    assert (end, rest) == (b":server 366 reader #big :End of /NAMES list", b"")
    spare = NICK_LENGTH + 60  # all readers share the lines, so each leaves room for the longest nickname; and one mask
    assert all(LINE_BYTES - spare < len(line) + 2 <= LINE_BYTES for line in lines[:-1])
    names = [name for line in lines for name in parse(line.decode()).params[3].split(" ")]
    assert [name.partition("!")[0] for name in names] == ["@" + nicks[0], *nicks[1:]]
    assert all(("!" in name) is bool(caps) for name in names)


# Names


def test_a_name_has_one_holder_in_any_case() -> None:
    house = House()
    ana, other = house.irc("ana"), house.guest()
    for nick in ("ana", "ANA"):
        with pytest.raises(Refusal, match="in use"):
            house.hub.claim(other, nick)
    house.hub.claim(ana, "Ana")
    assert house.hub.find_user("aNa") is ana
    assert ana.nick == "Ana"


def test_a_name_is_held_before_registration_but_nobody_is_found_by_it() -> None:
    house = House()
    guest = house.guest()
    house.hub.claim(guest, "ana")
    assert house.hub.find_user("ana") is None
    with pytest.raises(Refusal, match="No such nick"):
        house.hub.get_user("ana")
    with pytest.raises(Refusal, match="in use"):
        house.hub.claim(house.guest(), "ana")
    house.hub.quit(guest, "gone")
    house.hub.claim(house.guest(), "ana")


def test_a_refused_rename_changes_nothing() -> None:
    house = House()
    ana, bea = house.irc("ana", "#a"), house.irc("bea", "#a")
    told(ana)
    for nick in ("bea", "a b", "", "x" * 31, "server"):
        with pytest.raises(Refusal):
            house.hub.claim(ana, nick)
    assert ana.nick == "ana"
    assert house.hub.find_user("ana") is ana
    assert told(ana) == []
    assert told(bea) == []


def test_unframed_names_in_use_get_a_number_and_the_nameless_are_guests() -> None:
    house = House()
    house.irc("ana")
    nicks = []
    for name in ("ana", "ANA", "", "", "x" * 30, "x" * 30, "Server"):
        user = house.guest(RelayWire().dialect)
        run_unframed(house.hub, user, Enter(name))
        nicks.append(user.nick)
    assert nicks == ["ana2", "ANA3", "guest1", "guest2", "x" * 30, "x" * 29 + "2", "Server2"]


def test_a_user_name_of_an_unframed_guest_keeps_the_promised_length() -> None:
    house = House()
    user = house.guest(RelayWire().dialect)
    house.hub.enter(user, "Ana-with-a-long-name")
    assert user.person.user == "~ana-with-"


def test_an_unframed_guest_enters_once_and_may_take_another_name() -> None:
    house = House()
    user = house.guest(RelayWire().dialect)
    for command in (Enter("ana"), Enter("bea"), TakeName("carl")):
        run_unframed(house.hub, user, command)
    assert user.nick == "carl"
    assert [room.name for room in user.rooms] == ["#lobby"]
    assert [type(event) for event in told(user) if not isinstance(event, bytes)] == [Join, Rename]


# Being here


def test_users_are_counted_while_they_are_registered() -> None:
    house = House()
    ana, bea = house.irc("ana"), house.irc("bea")
    house.hub.claim(house.guest(), "carl")
    assert (house.hub.registered, house.hub.most_registered) == (2, 2)
    assert house.hub.users() == [ana, bea]
    house.hub.quit(ana, "gone")
    house.hub.quit(ana, "gone again")
    assert (house.hub.registered, house.hub.most_registered) == (1, 2)
    assert house.hub.users() == [bea]


def test_who_quits_is_out_of_every_room_and_each_is_told_once() -> None:
    house = House()
    ana, bea = house.irc("ana", "#a", "#b", "#c"), house.irc("bea", "#a", "#b")
    told(ana), told(bea)
    house.hub.quit(ana, "gone")
    assert told(bea) == [Quit(ana.person, 1000.0, "gone")]
    assert [room.name for room in house.hub.rooms()] == ["#a", "#b"]
    assert not ana.rooms


def test_a_stopping_server_tells_nobody_who_goes() -> None:
    house = House()
    ana, bea = house.irc("ana", "#a"), house.irc("bea", "#a")
    told(bea)
    house.hub.silent = True
    house.hub.quit(ana, "Server stopped")
    assert told(bea) == []
    assert house.hub.users() == [bea]


# Rooms


def test_a_room_is_told_through_each_workers_inbox_once_whoever_many_sit_there() -> None:
    house = House()
    first, second = Inbox(1000, lambda: None), Inbox(1000, lambda: None)
    ana = house.irc("ana", "#a", inbox=first)
    for nick in ("bea", "carl"):
        house.irc(nick, "#a", inbox=second)
    first.take(), second.take()
    house.hub.say(ana, "#a", "hello")
    (post,) = first.take()
    assert second.take() == [post]
    assert isinstance(post, Remark)
    assert post.event == Say(ana.person, "#a", "hello", 1000.0)
    assert post.copy is NOTHING  # ana has no echo-message


def test_what_spans_rooms_is_one_post_for_all_of_them() -> None:
    house = House()
    inbox = Inbox(1000, lambda: None)
    ana = house.irc("ana", "#a", "#b", inbox=inbox)
    house.hub.claim(ana, "anna")
    (post,) = inbox.take()
    assert isinstance(post, Spread)
    assert post.rooms == ["#a", "#b"]
    assert not post.departs


def test_coming_and_going_are_posts_of_their_own_kind_about_their_seat() -> None:
    house = House()
    ana = house.irc("ana", "#b")
    house.hub.join(ana, "#a")
    house.hub.leave(ana, "#A", "bye")
    arrival, departure = ana.inbox.take()
    assert isinstance(arrival, Arrival)
    assert isinstance(departure, Departure)
    assert arrival.seat is departure.seat is ana.seat
    assert (arrival.event, departure.event) == (
        Join(ana.person, "#a", 1000.0),
        Leave(ana.person, "#a", 1000.0, "bye"),
    )


def test_the_log_holds_a_rooms_events_in_their_order_and_no_more_than_are_kept() -> None:
    house = House(history=3)
    ana, bea = house.irc("ana", "#a", "#b"), house.irc("bea", "#a")
    room = house.hub.get_room("#a")
    assert room.log.length == 2
    house.hub.say(ana, "#a", "one")
    house.hub.say(bea, "#a", "two")
    house.hub.claim(ana, "anna")
    house.hub.quit(bea, "gone")
    assert [type(event) for event in room.log.events] == [Say, Rename, Quit]
    assert room.log.length == 6


def test_a_refused_command_changes_nothing_in_a_room() -> None:
    house = House()
    house.irc("ana", "#a")
    bea = house.irc("bea", "#a")
    room = house.hub.get_room("#a")
    length = room.log.length
    for command in (
        lambda: house.hub.set_topic(bea, "#a", "mine"),
        lambda: house.hub.set_modes(bea, "#a", [(False, "n", "")]),
        lambda: house.hub.kick(bea, "#a", "ana", ""),
        lambda: house.hub.join(bea, "a"),
        lambda: house.hub.leave(bea, "#b", ""),
    ):
        with pytest.raises(Refusal):
            command()
    assert (room.log.length, room.modes, room.topic, list(room.members.values())) == (
        length,
        {"n", "t"},
        "",
        [True, False],
    )


def test_only_words_count_as_a_sign_that_somebody_is_there() -> None:
    house = House()
    ana = house.irc("ana", "#a")
    house.now = 1060.0
    house.hub.say(ana, "#a", "", Kind.TAGS)
    house.hub.set_away(ana, "lunch")
    assert ana.spoke == 1000.0
    house.hub.say(ana, "#a", "hello")
    assert ana.spoke == 1060.0


def test_a_room_on_an_unframed_wire_is_the_lobby_alone() -> None:
    house = House(lobby="#hall")
    ana = house.irc("ana", "#hall")
    user = house.guest(RelayWire().dialect)
    arrive(house.hub, user, "bea")
    run_unframed(house.hub, user, Speak("hello"))
    joined, said = told(ana)
    assert joined == Join(user.person, "#hall", 1000.0)
    assert said == Say(user.person, "#hall", "hello", 1000.0)


def test_words_before_entering_go_nowhere() -> None:
    house = House()
    ana = house.irc("ana", "#lobby")
    house.hub.set_modes(ana, "#lobby", [(False, "n", "")])
    told(ana)
    run_unframed(house.hub, house.guest(RelayWire().dialect), Speak("hello"))
    assert told(ana) == []


def test_who_is_away_already_is_not_announced_again() -> None:
    house = House()
    ana = house.irc("ana", "#a")
    for text in ("lunch", "lunch", "tea", None, None):
        house.hub.set_away(ana, text)
    assert told(ana) == [Away(ana.person, text, 1000.0) for text in ("lunch", "tea", None)]
