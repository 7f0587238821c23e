"""The client's state: news in, changes out; and what the person types. No display, no sockets."""

import pytest

from chat.client.irc.news import (
    Join,
    Kick,
    Kind,
    Leave,
    Member,
    Names,
    NamesEnd,
    News,
    Person,
    Quit,
    Rename,
    Say,
    Topic,
)
from chat.client.irc.server_news import Connecting, Lost, NickRefused, Refused, Welcomed
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
    """A network of someone who is in the room, with nothing in the transcript yet."""
    network = connecting()
    take(network, Welcomed("ana", capabilities, 1.0), Join(ANA, "#lobby", 2.0))
    take(network, names("ana", *others), NamesEnd("#lobby"))
    network.current.lines.clear()
    return network


def names(*nicks: str, room: str = "#lobby") -> Names:
    return Names(room, tuple(Member(nick) for nick in nicks))


def take(network: Network, *news: News) -> list[Change]:
    return [change for one in news for change in network.take(one)]


def texts(network: Network) -> list[str]:
    return [line.text for line in network.current.lines]


def test_the_way_into_the_room() -> None:
    network = connecting()
    assert take(network, Connecting("irc.example:6667")) == [StageChanged()]
    assert network.status == "Connecting to irc.example:6667 …"
    take(network, Welcomed("ana", ECHO, 1.0))
    assert network.status == "Joining #lobby …"
    changes = take(network, Join(ANA, "#lobby", 2.0), names("carl", "Ana"), names("ben"))
    assert MembersChanged(network.current) in changes
    assert take(network, NamesEnd("#lobby")) == [MembersChanged(network.current)]
    assert network.connection.stage is Stage.ONLINE
    assert network.current.joined
    assert network.current.members.nicks() == ["Ana", "ben", "carl"]
    assert texts(network) == ["You joined #lobby"]
    assert network.status == "irc.example:6667 · you are ana"


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
    network = inside("ben")
    changes = take(network, news)
    assert network.current.members.nicks() == members
    assert Appended(network.current, Line(3.0, LineKind.EVENT, text), 0) in changes
    assert MembersChanged(network.current) in changes


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
    network = inside("ben")
    assert take(network, news) == []
    assert network.current.members.nicks() == ["ana", "ben"]
    assert texts(network) == []


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
    network = inside("ben")
    assert take(network, news) == [Appended(network.current, line, 0)]
    assert list(network.current.lines) == [line]


def test_the_scrollback_has_a_limit_and_says_what_it_pushed_out() -> None:
    network = inside("ben")
    for number in range(SCROLLBACK):
        assert network.take(Say(BEN, "#lobby", str(number), 3.0)) == [
            Appended(network.current, Line(3.0, LineKind.SAY, str(number), "ben"), 0)
        ]
    (change,) = network.take(Say(BEN, "#lobby", "one more", 3.0))
    assert isinstance(change, Appended)
    assert change.pushed_out == 1
    assert len(network.current.lines) == SCROLLBACK
    assert network.current.lines[0].text == "1"


def test_a_name_in_use_before_the_welcome_needs_another_before_anything_else() -> None:
    network = connecting()
    take(network, NickRefused("ana", "Nickname is already in use", True, 1.0))
    assert network.connection.stage is Stage.NAMELESS
    assert network.connection.reason == "The name ana is already in use. Please choose another, as ana_."
    assert network.connection.suggestion == "ana_"
    assert not network.online


def test_a_name_of_somebodys_account_is_not_said_to_be_in_use() -> None:
    network = connecting()
    take(network, NickRefused("ana", "Nickname is registered: log in to its account", True, 1.0))
    why = "The name ana is not free (Nickname is registered: log in to its account). Please choose another, as ana_."
    assert network.connection.reason == why


def test_a_name_refused_later_leaves_the_old_one() -> None:
    network = inside()
    take(network, NickRefused("9", "Erroneous nickname", False, 1.0))
    assert network.connection.stage is Stage.ONLINE
    assert texts(network) == [
        "The name 9 is not allowed here (Erroneous nickname). You are still ana; try another, as /nick guest."
    ]


def test_a_room_that_refuses_us_can_be_asked_again() -> None:
    network = connecting()
    take(network, Welcomed("ana", ECHO, 1.0), Refused("#lobby", "Cannot join channel (+i)", 2.0))
    assert network.outside == "#lobby did not let you in: Cannot join channel (+i)"
    assert network.status == "irc.example:6667 · you are ana, not in #lobby"
    assert network.online
    assert network.rooms == ()
    network.join()
    assert network.take_output() == [b"JOIN #lobby\r\n"]
    assert network.status == "Joining #lobby …"
    take(network, Join(ANA, "#lobby", 3.0))
    assert network.status == "irc.example:6667 · you are ana"


@pytest.mark.parametrize("news", [Kick(BEN, "#lobby", ANA, 3.0, "spam"), Leave(ANA, "#lobby", 3.0)])
def test_someone_removed_from_the_room_sees_no_members_and_may_join_again(news: News) -> None:
    network = inside("ben")
    assert MembersChanged(network.current) in take(network, news)
    assert not network.current.joined
    assert network.outside
    assert network.current.members.nicks() == []


def test_a_lost_connection_gives_its_reason_in_every_talk_and_keeps_the_transcripts() -> None:
    network = inside("ben")
    take(network, Say(BEN, "#lobby", "hi", 2.0), Say(BEN, "ana", "psst", 2.0), Lost("out of power", 3.0))
    assert network.connection.stage is Stage.LOST
    assert network.connection.reason == "Connection lost: out of power"
    assert texts(network) == ["hi", "Connection lost: out of power."]
    assert [[line.text for line in talk.lines][-1] for talk in network.talks] == ["Connection lost: out of power."] * 3
    assert network.current.members.nicks() == []
    assert network.rooms == ("#lobby",)
    network.begin_again()
    assert network.status == "Connecting to irc.example:6667 …"
    assert texts(network) == ["hi", "Connection lost: out of power."]


def test_that_an_attempt_failed_is_said_in_the_talk_of_the_server() -> None:
    network = connecting()
    take(network, Lost("refused", 3.0))
    assert network.connection.reason == "Could not connect: refused"
    assert texts(network) == []
    assert [line.text for line in network.talks.server.lines] == ["Could not connect: refused."]


@pytest.mark.parametrize(
    ("who", "text"), [(Person("", "", ""), "The topic is: cats"), (BEN, "ben changed the topic to: cats")]
)
def test_a_topic_is_kept_and_told(who: Person, text: str) -> None:
    network = inside("ben")
    changes = take(network, Topic(who, "#lobby", "cats", 3.0))
    assert changes == [TopicChanged(network.current), Appended(network.current, Line(3.0, LineKind.EVENT, text), 0)]
    assert network.current.topic == "cats"


@pytest.mark.parametrize("letter", ["x", "ä", "日", "😀", "word "])
@pytest.mark.parametrize("command", ["", "/me "])
def test_long_words_are_split_so_that_the_server_relays_each_line_whole(letter: str, command: str) -> None:
    network = inside(capabilities=frozenset())
    text = (letter * 700).strip()
    answer = commands.answer(network, command + text)
    said = [parse(data.decode().removesuffix("\r\n")).params[1] for data in answer.send[:-1]]
    assert answer.send[-1] == b"PING said-1\r\n"
    assert len(said) > 1
    assert all(len(f":{ANA.mask} ".encode() + data) <= LINE_BYTES for data in answer.send)
    pieces = [piece.removeprefix("\x01ACTION ").removesuffix("\x01") for piece in said]
    assert (" " if letter == "word " else "").join(pieces) == text
    assert texts(network) == pieces


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
    network = inside()
    answer = commands.answer(network, typed)
    assert answer.send == []
    assert not answer.taken
    assert words in texts(network)[0]


def test_a_name_cannot_be_changed_without_a_connection_and_the_text_stays() -> None:
    network = connecting()
    answer = commands.answer(network, "/nick zoe")
    assert answer.send == []
    assert not answer.taken
    assert len(texts(network)) == 1


def test_quit_leaves_with_the_last_words() -> None:
    assert commands.answer(inside(), "/quit good night").leave == "good night"
    assert commands.answer(inside(), "/quit").leave == ""
