"""The rules, held against a request at its place in the log: what it changes, or why it changes nothing."""

import json
from collections.abc import Sequence

import pytest

from chat.events import (
    Away,
    Event,
    Join,
    Kick,
    Kind,
    Leave,
    Mode,
    ModeChange,
    NewRealname,
    Person,
    Quit,
    Rename,
    Say,
    Topic,
)
from chat.server.core.apply import apply
from chat.server.core.change import Change, Outcome
from chat.server.core.state import Limits, Refusal, State
from chat.wires.numerics import ERR_NOSUCHNICK
from tests.asking import entry_of

LIMITS = Limits(rooms_per_user=3, rooms_per_address=4, rooms_total=6)


def person(nick: str, host: str = "host") -> Person:
    return Person(nick, "~u", host)


class Replica:
    """A state, and lines that are applied to it one after the other."""

    def __init__(self) -> None:
        self.state = State(LIMITS)
        self.id = 0

    def outcomes(self, line: str, at: float = 0.0) -> Sequence[Outcome]:
        self.id += 1
        return apply(self.state, entry_of(self.state, self.id, at or float(self.id), "node", line))

    def do(self, *lines: str) -> list[Event]:
        events: list[Event] = []
        for line in lines:
            for outcome in self.outcomes(line):
                assert isinstance(outcome, Change)
                events.append(outcome.event)
        return events

    def refused(self, line: str) -> str:
        """The numeric and its parameters; nothing has changed."""
        before = self.state.dump()
        with pytest.raises(Refusal) as caught:
            self.outcomes(line)
        assert self.state.dump() == before
        return " ".join([caught.value.numeric.code, *caught.value.params])

    def enter(self, *nicks: str, host: str = "host", mode: str = "0") -> None:
        for nick in nicks:
            self.do(f":{nick}!~u@{host} USER ~u {mode} * :{nick}")

    def members(self, name: str) -> dict[str, str]:
        return {user.nick: rank for user, rank in self.state.get_room(name).members.items()}


def by(nick: str, line: str) -> str:
    return f":{nick}!~u@host {line}"


@pytest.fixture
def replica() -> Replica:
    one = Replica()
    one.enter("ana", "bob", "eve")
    one.do(by("ana", "JOIN #a"), by("bob", "JOIN #a"))
    return one


# Users


def test_who_enters_is_here_with_all_that_others_may_ask_about() -> None:
    replica = Replica()
    assert replica.outcomes(":Ana!~u@host USER ~u 0 * :Ana Lee", 12.5) == []
    user = replica.state.users["ana"]
    assert (user.person, user.mask, user.realname) == (Person("Ana", "~u", "host"), "Ana!~u@host", "Ana Lee")
    assert (user.node, user.signed_on, user.spoke, user.has_commands) == ("node", 12.5, 12.5, True)
    assert (user.invisible, user.away, dict(user.rooms)) == (False, None, {})
    replica.enter("bob", mode="plain")
    assert not replica.state.users["bob"].has_commands
    assert replica.state.most_users == 2


@pytest.mark.parametrize(
    ("nick", "numeric"),
    [("ana", "433 ana"), ("ANA", "433 ANA"), ("server", "432 server"), ("1x", "432 1x"), ("x" * 31, f"432 {'x' * 31}")],
)
def test_a_nickname_that_is_taken_or_is_none_is_refused_to_newcomers_and_to_others(
    replica: Replica, nick: str, numeric: str
) -> None:
    assert replica.refused(f":{nick}!~u@host USER ~u 0 * :x") == numeric
    assert replica.refused(by("eve", f"NICK {nick}")) == numeric


def test_a_rename_keeps_everything_but_the_name(replica: Replica) -> None:
    assert replica.do(by("ana", "NICK Zoe")) == [Rename(person("ana"), "Zoe", 6.0, id=6)]
    assert replica.state.find_user("ana") is None
    assert replica.members("#a") == {"Zoe": "o", "bob": ""}
    assert replica.do(by("Zoe", "NICK ZOE")) == [Rename(person("Zoe"), "ZOE", 7.0, id=7)]
    assert replica.do(by("ZOE", "NICK ZOE")) == []
    assert replica.state.get_user("zoe").mask == "ZOE!~u@host"
    replica.enter("ana")


def test_who_quits_leaves_every_room_and_the_name(replica: Replica) -> None:
    replica.do(by("bob", "JOIN #b"))
    (change,) = replica.outcomes(by("bob", "QUIT :bye"))
    assert isinstance(change, Change)
    assert change.event == Quit(person("bob"), 7.0, "bye", id=7)
    assert [room.name for room in change.rooms] == ["#a", "#b"]
    assert replica.state.find_user("bob") is None
    assert list(replica.state.rooms) == ["#a"]
    assert replica.state.most_users == 3
    assert replica.refused(by("bob", "QUIT :bye")) == "401 bob"


# Rooms


def test_the_first_makes_the_room_and_is_its_operator(replica: Replica) -> None:
    assert replica.do(by("eve", "JOIN #New")) == [Join(person("eve"), "#New", 6.0, "o", 6, "eve")]
    assert replica.do(by("bob", "JOIN #new")) == [Join(person("bob"), "#New", 7.0, "", 7, "bob")]
    assert replica.members("#NEW") == {"eve": "o", "bob": ""}
    assert replica.do(by("bob", "JOIN #NEW")) == []
    room = replica.state.get_room("#new")
    assert (room.name, room.created, room.creator_host) == ("#New", 6.0, "host")


def test_who_has_no_commands_makes_a_room_and_is_no_operator_of_it() -> None:
    replica = Replica()
    replica.enter("bot", mode="plain")
    replica.enter("ana", "bob")
    replica.do(*(by(nick, "JOIN #a") for nick in ("bot", "ana", "bob")))
    assert replica.members("#a") == {"bot": "", "ana": "o", "bob": ""}


def test_whoever_is_away_joins_so(replica: Replica) -> None:
    replica.do(by("eve", "AWAY :tea"))
    joined, away = replica.do(by("eve", "JOIN #a"))
    assert isinstance(joined, Join)
    assert away == Away(person("eve"), "tea", 7.0, id=7)


def test_rooms_are_limited_by_user_by_address_and_in_all() -> None:
    replica = Replica()
    replica.enter("ana", "bob", "eve")
    replica.enter("zoe", "far", host="elsewhere")
    replica.do(*(by("ana", f"JOIN #{number}") for number in range(3)))
    assert replica.refused(by("ana", "JOIN #x")) == "405 #x"
    assert replica.refused(by("ana", "JOIN #0x")) == "405 #0x"
    replica.do(by("bob", "JOIN #3"))
    assert replica.refused(by("bob", "JOIN #4")) == "405 #4"  # the address has made four
    replica.do(by("bob", "JOIN #0"))
    replica.do(":zoe!~u@elsewhere JOIN #4", ":zoe!~u@elsewhere JOIN #5")
    assert replica.refused(":far!~u@elsewhere JOIN #6") == "405 #6"
    replica.do(by("bob", "PART #3"))
    replica.do(by("eve", "JOIN #6"))
    assert dict(replica.state.rooms_by_host) == {"host": 4, "elsewhere": 2}


def test_a_room_counts_for_the_address_that_made_it_until_the_last_has_left() -> None:
    replica = Replica()
    replica.enter("ana")
    replica.enter("zoe", host="elsewhere")
    replica.do(by("ana", "JOIN #a"), ":zoe!~u@elsewhere JOIN #a", by("ana", "PART #a"))
    assert dict(replica.state.rooms_by_host) == {"host": 1}
    replica.do(":zoe!~u@elsewhere QUIT :bye")
    assert dict(replica.state.rooms_by_host) == {}
    assert replica.state.rooms == {}


@pytest.mark.parametrize(("line", "reason"), [("PART #A", ""), ("PART #A :bye now", "bye now")])
def test_who_leaves_is_out_of_that_room(replica: Replica, line: str, reason: str) -> None:
    assert replica.do(by("ana", line)) == [Leave(person("ana"), "#a", 6.0, reason, id=6)]
    assert replica.members("#a") == {"bob": ""}
    assert not replica.state.get_user("ana").rooms


def test_an_operator_throws_out_whom_they_name(replica: Replica) -> None:
    (change,) = replica.outcomes(by("ana", "KICK #A BOB :out"))
    assert isinstance(change, Change)
    assert change.event == Kick(person("ana"), "#a", person("bob"), 6.0, "out", id=6)
    assert (change.user.nick, change.whom) == ("ana", replica.state.get_user("bob"))
    assert replica.members("#a") == {"ana": "o"}


@pytest.mark.parametrize(
    ("who", "line", "numeric"),
    [
        ("eve", "PART #a", "442 #a"),
        ("eve", "PART #x", "403 #x"),
        ("bob", "KICK #a ana :x", "482 #a"),
        ("eve", "KICK #a ana :x", "442 #a"),
        ("ana", "KICK #x bob :x", "403 #x"),
        ("ana", "KICK #a eve :x", "441 eve #a"),
        ("ana", "KICK #a zoe :x", "441 zoe #a"),
        ("bob", "TOPIC #a :x", "482 #a"),
        ("eve", "TOPIC #a :x", "442 #a"),
        ("bob", "MODE #a +n", "482 #a"),
        ("eve", "MODE #a +n", "442 #a"),
        ("eve", "JOIN a", "476 a"),
        ("eve", "JOIN #a\u200b", "476 #a\u200b"),
        ("eve", "PRIVMSG #a :x", "404 #a"),
        ("eve", "PRIVMSG #x :x", "401 #x"),
        ("eve", "NOTICE zoe :x", "401 zoe"),
        ("eve", "TAGMSG #a -", "404 #a"),
        ("zoe", "JOIN #a", "401 zoe"),
    ],
)
def test_what_the_rules_forbid_changes_nothing(replica: Replica, who: str, line: str, numeric: str) -> None:
    assert replica.refused(by(who, line)) == numeric


def test_a_topic_has_its_author_and_time_and_an_empty_one_has_neither(replica: Replica) -> None:
    assert replica.do(by("ana", "TOPIC #A :news")) == [Topic(person("ana"), "#a", "news", 6.0, id=6)]
    room = replica.state.get_room("#a")
    assert (room.topic, room.topic_by) == ("news", ("ana", 6.0))
    replica.do(by("ana", "TOPIC #a :"))
    assert (room.topic, room.topic_by) == ("", None)
    replica.do(by("ana", "MODE #a -t"), by("bob", "TOPIC #a :mine"))
    assert room.topic_by == ("bob", 9.0)
    assert replica.refused(by("eve", "TOPIC #a :x")) == "442 #a"


@pytest.mark.parametrize(
    ("letters", "nicks", "changes"),
    [
        ("-n", "", [ModeChange(False, "n")]),
        ("-nt", "", [ModeChange(False, "n"), ModeChange(False, "t")]),
        ("+n", "", []),
        ("n-t", "", [ModeChange(False, "t")]),
        ("-n+n", "", []),
        ("+o", "bob", [ModeChange(True, "o", "bob")]),
        ("+o-o", "bob bob", []),
        ("+o", "ana", []),
        ("-o", "ANA", [ModeChange(False, "o", "ana")]),
        ("+o-n", "bob", [ModeChange(False, "n"), ModeChange(True, "o", "bob")]),
        ("-o+o", "ana bob", [ModeChange(False, "o", "ana"), ModeChange(True, "o", "bob")]),
    ],
)
def test_of_modes_what_is_another_than_before_is_told(
    replica: Replica, letters: str, nicks: str, changes: list[ModeChange]
) -> None:
    events = replica.do(by("ana", f"MODE #A {letters} {nicks}".rstrip()))
    assert events == ([Mode(person("ana"), "#a", tuple(changes), 6.0, id=6)] if changes else [])
    room = replica.state.get_room("#a")
    for change in changes:
        if change.letter == "o":
            assert ("o" in replica.members("#a")[change.param]) is change.on
        else:
            assert (change.letter in room.modes) is change.on


def test_of_several_modes_a_refused_one_stops_none(replica: Replica) -> None:
    change, *refusals = replica.outcomes(by("ana", "MODE #a +o-n+oo eve bob zoe"))
    assert isinstance(change, Change)
    assert change.event == Mode(person("ana"), "#a", (ModeChange(False, "n"), ModeChange(True, "o", "bob")), 6.0, id=6)
    assert [refusal.numeric.code for refusal in refusals if isinstance(refusal, Refusal)] == ["441", "401"]
    assert len(replica.outcomes(by("ana", "MODE #a +o eve"))) == 1


def test_an_invisible_user_is_so_until_they_say_otherwise(replica: Replica) -> None:
    assert replica.do(by("ana", "MODE ana +i")) == []
    assert replica.state.get_user("ana").invisible
    replica.do(by("ana", "MODE ana -i"))
    assert not replica.state.get_user("ana").invisible


# Words


@pytest.mark.parametrize("kind", list(Kind))
def test_words_go_to_a_room_or_to_one_person_as_they_are_called(replica: Replica, kind: Kind) -> None:
    text = "" if kind is Kind.TAGS else "hello there"
    word = f"{kind.value} {{}} :{text or '-'}"
    (change,) = replica.outcomes(f"@+a=b {by('bob', word.format('#A'))}")
    assert isinstance(change, Change)
    assert change.event == Say(person("bob"), "#a", text, 6.0, kind, "+a=b", 6)
    assert [room.name for room in change.rooms] == ["#a"]
    (change,) = replica.outcomes(by("bob", word.format("EVE")))
    assert isinstance(change, Change)
    assert change.event == Say(person("bob"), "eve", text, 7.0, kind, "", 7)
    assert (list(change.rooms), change.whom) == ([], replica.state.get_user("eve"))
    assert replica.state.get_user("bob").spoke == (2.0 if kind is Kind.TAGS else 7.0)


def test_words_from_outside_reach_a_room_that_allows_them(replica: Replica) -> None:
    replica.do(by("ana", "MODE #a -n"))
    assert replica.do(by("eve", "PRIVMSG #a :hello")) == [Say(person("eve"), "#a", "hello", 7.0, id=7)]


# Presence


def test_away_is_told_when_it_changes(replica: Replica) -> None:
    assert replica.do(by("ana", "AWAY :tea")) == [Away(person("ana"), "tea", 6.0, id=6)]
    assert replica.do(by("ana", "AWAY :tea")) == []
    assert replica.do(by("ana", "AWAY :lunch")) == [Away(person("ana"), "lunch", 8.0, id=8)]
    assert replica.state.get_user("ana").away == "lunch"
    assert replica.do(by("ana", "AWAY"), by("ana", "AWAY")) == [Away(person("ana"), None, 9.0, id=9)]


def test_a_real_name_is_told_in_all_rooms(replica: Replica) -> None:
    replica.do(by("ana", "JOIN #b"))
    (change,) = replica.outcomes(by("ana", "SETNAME :Ana Lee"))
    assert isinstance(change, Change)
    assert change.event == NewRealname(person("ana"), "Ana Lee", 7.0, id=7)
    assert [room.name for room in change.rooms] == ["#a", "#b"]
    assert replica.state.get_user("ana").realname == "Ana Lee"


# The state as text


def test_the_dump_tells_all_that_a_replica_has_to_agree_on() -> None:
    replica = Replica()
    replica.enter("bob", "ana")
    replica.do(by("ana", "JOIN #b"), by("ana", "JOIN #a"), by("bob", "JOIN #a"), by("ana", "TOPIC #a :news"))
    replica.do(by("ana", "AWAY :tea"), by("bob", "MODE bob +i"))
    assert [json.loads(line) for line in replica.state.dump().splitlines()] == [
        {
            "user": "ana!~u@host",
            "id": 2,
            "address": "host",
            "realname": "ana",
            "node": "node",
            "signed_on": 2.0,
            "spoke": 2.0,
            "has_commands": True,
            "invisible": False,
            "operator": "",
            "wallops": False,
            "away": "tea",
            "account": "",
            "bot": False,
            "invited": {},
            "rooms": ["#b", "#a"],
        },
        {
            "user": "bob!~u@host",
            "id": 1,
            "address": "host",
            "realname": "bob",
            "node": "node",
            "signed_on": 1.0,
            "spoke": 1.0,
            "has_commands": True,
            "invisible": True,
            "operator": "",
            "wallops": False,
            "away": None,
            "account": "",
            "bot": False,
            "invited": {},
            "rooms": ["#a"],
        },
        {
            "room": "#a",
            "created": 4.0,
            "creator_host": "host",
            "modes": "nt",
            "keyword": "",
            "limit": 0,
            "lists": {},
            "ranks": {},
            "topic": "news",
            "topic_by": ["ana", 6.0],
            "members": [["ana", "o"], ["bob", ""]],
        },
        {
            "room": "#b",
            "created": 3.0,
            "creator_host": "host",
            "modes": "nt",
            "keyword": "",
            "limit": 0,
            "lists": {},
            "ranks": {},
            "topic": "",
            "topic_by": None,
            "members": [["ana", "o"]],
        },
    ]


def test_a_refusal_says_which_answer_it_is() -> None:
    refusal = Refusal(ERR_NOSUCHNICK, "ana", text="gone")
    assert (str(refusal), refusal.params, refusal.text) == (ERR_NOSUCHNICK.text, ("ana",), "gone")


def test_a_change_shows_its_event() -> None:
    replica = Replica()
    replica.enter("ana")
    (change,) = replica.outcomes(by("ana", "AWAY :x"))
    assert repr(change) == f"Change({Away(person('ana'), 'x', 2.0, id=2)})"
