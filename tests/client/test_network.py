"""The client's state: news in, changes out; and what the person types. No display, no sockets."""

import pytest

from chat.client.irc.news import (
    Connecting,
    Join,
    Kick,
    Kind,
    Leave,
    Lost,
    Member,
    Names,
    NamesEnd,
    News,
    NickRefused,
    Person,
    Quit,
    Refused,
    Rename,
    Say,
    Topic,
    Welcomed,
)
from chat.client.model import commands
from chat.client.model.changes import Appended, Change, MembersChanged, StageChanged, TopicChanged
from chat.client.model.connection import Stage
from chat.client.model.network import Network
from chat.client.model.talk import SCROLLBACK, Line, LineKind
from chat.client.text.clean import LINE_BYTES
from chat.wires.message import parse

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
ECHO = frozenset({"echo-message"})


def connecting() -> Network:
    return Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)


def inside(*others: str, capabilities: frozenset[str] = ECHO) -> Network:
    """A model of someone who is in the room, with nothing in the transcript yet."""
    model = connecting()
    take(model, Welcomed("ana", capabilities, 1.0), Join(ANA, "#lobby", 2.0))
    take(model, names("ana", *others), NamesEnd("#lobby"))
    model.current.lines.clear()
    return model


def names(*nicks: str, room: str = "#lobby") -> Names:
    return Names(room, tuple(Member(nick) for nick in nicks))


def take(model: Network, *news: News) -> list[Change]:
    return [change for one in news for change in model.take(one)]


def texts(model: Network) -> list[str]:
    return [line.text for line in model.current.lines]


def test_the_way_into_the_room() -> None:
    model = connecting()
    assert take(model, Connecting("irc.example:6667")) == [StageChanged()]
    assert model.status == "Connecting to irc.example:6667 …"
    take(model, Welcomed("ana", ECHO, 1.0))
    assert model.status == "Joining #lobby …"
    changes = take(model, Join(ANA, "#lobby", 2.0), names("carl", "Ana"), names("ben"))
    assert MembersChanged(model.current) in changes
    assert take(model, NamesEnd("#lobby")) == [MembersChanged(model.current)]
    assert model.connection.stage is Stage.ONLINE
    assert model.current.joined
    assert model.current.members.nicks() == ["Ana", "ben", "carl"]
    assert texts(model) == ["You joined #lobby"]
    assert model.status == "irc.example:6667 · you are ana"


MEMBERS = [
    (Join(Person("carl", "c", "h"), "#Lobby", 3.0), ["ana", "ben", "carl"], "carl joined"),
    (Leave(BEN, "#lobby", 3.0), ["ana"], "ben left"),
    (Leave(BEN, "#lobby", 3.0, "lunch"), ["ana"], "ben left (lunch)"),
    (Quit(BEN, 3.0, "Quit: bye"), ["ana"], "ben quit (bye)"),
    (Quit(BEN, 3.0, "Ping timeout"), ["ana"], "ben quit (Ping timeout)"),
    (Kick(ANA, "#lobby", BEN, 3.0, "spam"), ["ana"], "ben was removed by ana (spam)"),
    (Rename(BEN, "zoe", 3.0), ["ana", "zoe"], "ben is now zoe"),
    (Rename(ANA, "zoe", 3.0), ["ben", "zoe"], "You are now zoe"),
]


@pytest.mark.parametrize(("news", "members", "text"), MEMBERS)
def test_the_list_of_members_follows_what_happens(news: News, members: list[str], text: str) -> None:
    model = inside("ben")
    changes = take(model, news)
    assert model.current.members.nicks() == members
    assert Appended(model.current, Line(3.0, LineKind.EVENT, text), 0) in changes
    assert MembersChanged(model.current) in changes


ELSEWHERE = [
    Join(BEN, "#other", 3.0),
    Leave(BEN, "#other", 3.0),
    Kick(ANA, "#other", BEN, 3.0),
    names("zoe", room="#other"),
    NamesEnd("#other"),
    Say(BEN, "#other", "hi", 3.0),
    Topic(BEN, "#other", "cats", 3.0),
    Quit(Person("zoe", "z", "h"), 3.0),
    Rename(Person("zoe", "z", "h"), "eve", 3.0),
    Say(BEN, "#lobby", "", 3.0, Kind.TAGS, "+unknown=x"),
    Say(BEN, "ana", "\x01VERSION\x01", 3.0),
]


@pytest.mark.parametrize("news", ELSEWHERE)
def test_what_does_not_concern_the_room_changes_nothing(news: News) -> None:
    model = inside("ben")
    assert take(model, news) == []
    assert model.current.members.nicks() == ["ana", "ben"]
    assert texts(model) == []


SAID = [
    (Say(BEN, "#lobby", "hi", 3.0), Line(3.0, LineKind.SAY, "hi", "ben")),
    (Say(ANA, "#LOBBY", "hi", 3.0), Line(3.0, LineKind.SAY, "hi", "ana", mine=True)),
    (Say(BEN, "#lobby", "\x01ACTION waves\x01", 3.0), Line(3.0, LineKind.ACTION, "waves", "ben")),
    (Say(BEN, "#lobby", "\x01ACTION cut off", 3.0), Line(3.0, LineKind.ACTION, "cut off", "ben")),
    (Say(BEN, "#lobby", "beep", 3.0, Kind.NOTICE), Line(3.0, LineKind.NOTICE, "beep", "ben")),
    (Say(BEN, "@#lobby", "psst", 3.0), Line(3.0, LineKind.SAY, "psst", "ben")),
    (Say(Person("irc.example", "", ""), "#lobby", "note", 3.0, Kind.NOTICE), Line(3.0, LineKind.SERVER, "note")),
    (
        Say(BEN, "#lobby", "\x02bold\x02 \x0304,01red\x03 a\tb\r\x07", 3.0),
        Line(3.0, LineKind.SAY, "bold red a b ", "ben"),
    ),
    (Say(BEN, "#lobby", "psst, Ana!", 3.0), Line(3.0, LineKind.SAY, "psst, Ana!", "ben", mention=True)),
    (Refused("bob", "No such nick", 3.0), Line(3.0, LineKind.TROUBLE, "bob: No such nick")),
    (Refused("", "Too long", 3.0), Line(3.0, LineKind.TROUBLE, "Too long")),
]


@pytest.mark.parametrize(("news", "line"), SAID)
def test_what_is_said_becomes_one_line(news: News, line: Line) -> None:
    model = inside("ben")
    assert take(model, news) == [Appended(model.current, line, 0)]
    assert list(model.current.lines) == [line]


def test_the_scrollback_has_a_limit_and_says_what_it_pushed_out() -> None:
    model = inside("ben")
    for number in range(SCROLLBACK):
        assert model.take(Say(BEN, "#lobby", str(number), 3.0)) == [
            Appended(model.current, Line(3.0, LineKind.SAY, str(number), "ben"), 0)
        ]
    (change,) = model.take(Say(BEN, "#lobby", "one more", 3.0))
    assert isinstance(change, Appended)
    assert change.pushed_out == 1
    assert len(model.current.lines) == SCROLLBACK
    assert model.current.lines[0].text == "1"


def test_a_name_in_use_before_the_welcome_needs_another_before_anything_else() -> None:
    model = connecting()
    take(model, NickRefused("ana", "Nickname is already in use", True, 1.0))
    assert model.connection.stage is Stage.NAMELESS
    assert model.connection.reason == "The name ana is already in use. Please choose another, as ana_."
    assert model.connection.suggestion == "ana_"
    assert not model.online


def test_a_name_refused_later_leaves_the_old_one() -> None:
    model = inside()
    take(model, NickRefused("9", "Erroneous nickname", False, 1.0))
    assert model.connection.stage is Stage.ONLINE
    assert texts(model) == [
        "The name 9 is not allowed here (Erroneous nickname). You are still ana; try another, as /nick guest."
    ]


def test_a_room_that_refuses_us_can_be_asked_again() -> None:
    model = connecting()
    take(model, Welcomed("ana", ECHO, 1.0), Refused("#lobby", "Cannot join channel (+i)", 2.0))
    assert model.outside == "#lobby did not let you in: Cannot join channel (+i)"
    assert model.status == "irc.example:6667 · you are ana, not in #lobby"
    assert model.online
    assert model.rooms == ()
    model.join()
    assert model.take_output() == [b"JOIN #lobby\r\n"]
    assert model.status == "Joining #lobby …"
    take(model, Join(ANA, "#lobby", 3.0))
    assert model.status == "irc.example:6667 · you are ana"


@pytest.mark.parametrize("news", [Kick(BEN, "#lobby", ANA, 3.0, "spam"), Leave(ANA, "#lobby", 3.0)])
def test_someone_removed_from_the_room_sees_no_members_and_may_join_again(news: News) -> None:
    model = inside("ben")
    assert MembersChanged(model.current) in take(model, news)
    assert not model.current.joined
    assert model.outside
    assert model.current.members.nicks() == []


def test_a_lost_connection_gives_its_reason_in_every_talk_and_keeps_the_transcripts() -> None:
    model = inside("ben")
    take(model, Say(BEN, "#lobby", "hi", 2.0), Say(BEN, "ana", "psst", 2.0), Lost("out of power", 3.0))
    assert model.connection.stage is Stage.LOST
    assert model.connection.reason == "Connection lost: out of power"
    assert texts(model) == ["hi", "Connection lost: out of power."]
    assert [[line.text for line in talk.lines][-1] for talk in model.talks] == ["Connection lost: out of power."] * 3
    assert model.current.members.nicks() == []
    assert model.rooms == ("#lobby",)
    model.begin_again()
    assert model.status == "Connecting to irc.example:6667 …"
    assert texts(model) == ["hi", "Connection lost: out of power."]


def test_that_an_attempt_failed_is_said_in_the_talk_of_the_server() -> None:
    model = connecting()
    take(model, Lost("refused", 3.0))
    assert model.connection.reason == "Could not connect: refused"
    assert texts(model) == []
    assert [line.text for line in model.talks.server.lines] == ["Could not connect: refused."]


@pytest.mark.parametrize(
    ("who", "text"), [(Person("", "", ""), "The topic is: cats"), (BEN, "ben changed the topic to: cats")]
)
def test_a_topic_is_kept_and_told(who: Person, text: str) -> None:
    model = inside("ben")
    changes = take(model, Topic(who, "#lobby", "cats", 3.0))
    assert changes == [TopicChanged(model.current), Appended(model.current, Line(3.0, LineKind.EVENT, text), 0)]
    assert model.current.topic == "cats"


@pytest.mark.parametrize("letter", ["x", "ä", "日", "😀", "word "])
@pytest.mark.parametrize("command", ["", "/me "])
def test_long_words_are_split_so_that_the_server_relays_each_line_whole(letter: str, command: str) -> None:
    model = inside(capabilities=frozenset())
    text = (letter * 700).strip()
    answer = commands.answer(model, command + text)
    said = [parse(data.decode().removesuffix("\r\n")).params[1] for data in answer.send[:-1]]
    assert answer.send[-1] == b"PING said-1\r\n"
    assert len(said) > 1
    assert all(len(f":{ANA.mask} ".encode() + data) <= LINE_BYTES for data in answer.send)
    pieces = [piece.removeprefix("\x01ACTION ").removesuffix("\x01") for piece in said]
    assert (" " if letter == "word " else "").join(pieces) == text
    assert texts(model) == pieces


TYPED = [
    ("//me", [b"PRIVMSG #lobby /me\r\n"]),
    ("  indented", [b"PRIVMSG #lobby :  indented\r\n"]),
    ("two\nlines\n\n", [b"PRIVMSG #lobby two\r\n", b"PRIVMSG #lobby lines\r\n"]),
    ("pasted\n/quit", [b"PRIVMSG #lobby pasted\r\n", b"PRIVMSG #lobby /quit\r\n"]),
    ("\ud83d\ude00", ["PRIVMSG #lobby 😀\r\n".encode()]),
    ("/nick zoe", [b"NICK zoe\r\n"]),
    ("/NICK zoe", [b"NICK zoe\r\n"]),
    ("", []),
    ("  \t ", []),
]


@pytest.mark.parametrize(("typed", "sent"), TYPED)
def test_what_is_typed_is_sent(typed: str, sent: list[bytes]) -> None:
    answer = commands.answer(inside(), typed)
    assert answer.send == sent
    assert answer.taken
    assert answer.leave is None


EXPLAINED = [
    ("/dance", "There is no command /dance."),
    ("/me", "Say what you do"),
    ("/nick a b", "is not a name"),
]


@pytest.mark.parametrize(("typed", "words"), EXPLAINED)
def test_what_cannot_be_done_is_explained_and_stays_in_the_box(typed: str, words: str) -> None:
    model = inside()
    answer = commands.answer(model, typed)
    assert answer.send == []
    assert not answer.taken
    assert words in texts(model)[0]


def test_a_name_cannot_be_changed_without_a_connection_and_the_text_stays() -> None:
    model = connecting()
    answer = commands.answer(model, "/nick zoe")
    assert answer.send == []
    assert not answer.taken
    assert len(texts(model)) == 1


def test_quit_leaves_with_the_last_words() -> None:
    assert commands.answer(inside(), "/quit good night").leave == "good night"
    assert commands.answer(inside(), "/quit").leave == ""
