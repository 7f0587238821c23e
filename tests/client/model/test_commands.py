"""What the person may type after a slash: each command, and how what cannot be done is explained."""

import pytest

from chat.client.irc.news import Join, Kind, Leave, Member, Names, News, Person, Say, Topic
from chat.client.irc.server_news import Listed, ListEnd, Lost, Refused, Welcomed
from chat.client.model import commands
from chat.client.model.changes import Appended, Change, Cleared, Opened, RoomsListed, TalksChanged
from chat.client.model.commands import HELP, NAMES
from chat.client.model.network import Network
from chat.client.model.talk import Delivery, TalkKind
from chat.client.model.talk_commands import Answer

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")


def inside(*rooms: str) -> Network:
    """A network of ana, in #lobby, which is shown, and these rooms; nothing is in the transcripts yet."""
    network = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    take(network, Welcomed("ana", frozenset({"echo-message"}), 1.0))
    for room in ("#lobby", *rooms):
        take(network, Join(ANA, room, 2.0), Names(room, (Member("ana", "@"), Member("ben"))))
    for talk in network.talks:
        talk.lines.clear()
    return network


def take(network: Network, *news: News) -> list[Change]:
    return [change for one in news for change in network.take(one)]


def hints(answer: Answer) -> list[str]:
    return [change.line.text for change in answer.changes if isinstance(change, Appended)]


SENT = [
    ("/join cats", [b"JOIN #cats\r\n"]),
    ("/j #cats", [b"JOIN #cats\r\n"]),
    ("/JOIN #cats secret", [b"JOIN #cats secret\r\n"]),
    ("/join", []),
    ("/part", [b"PART #lobby\r\n"]),
    ("/leave see you later", [b"PART #lobby :see you later\r\n"]),
    ("/part #LOBBY bye", [b"PART #lobby bye\r\n"]),
    ("/close", [b"PART #lobby\r\n"]),
    ("/nick zoe", [b"NICK zoe\r\n"]),
    ("/me waves", [b"PRIVMSG #lobby :\x01ACTION waves\x01\r\n"]),
    ("/msg ben hello there", [b"PRIVMSG ben :hello there\r\n"]),
    ("/msg #lobby hello", [b"PRIVMSG #lobby hello\r\n"]),
    ("/query ben", []),
    ("/query ben hello", [b"PRIVMSG ben hello\r\n"]),
    ("/topic all about cats", [b"TOPIC #lobby :all about cats\r\n"]),
    ("/away", [b"AWAY away\r\n"]),
    ("/away out for lunch", [b"AWAY :out for lunch\r\n"]),
    ("/back", [b"AWAY\r\n"]),
    ("/names", []),
    ("/clear", []),
    ("/help", []),
    ("/notice ben beep", [b"NOTICE ben beep\r\n"]),
    ("/invite ben", [b"INVITE ben #lobby\r\n"]),
    ("/invite ben #cats", [b"INVITE ben #cats\r\n"]),
    ("/whois ben", [b"WHOIS ben\r\n"]),
    ("/list", [b"LIST\r\n"]),
    ("/list *cat*", [b"LIST *cat*\r\n"]),
    ("/kick ben", [b"KICK #lobby ben\r\n"]),
    ("/kick ben too loud", [b"KICK #lobby ben :too loud\r\n"]),
    ("/ban", [b"MODE #lobby +b\r\n"]),
    ("/ban ben", [b"MODE #lobby +b ben!*@*\r\n"]),
    ("/ban *!*@bad.example", [b"MODE #lobby +b *!*@bad.example\r\n"]),
    ("/unban ben", [b"MODE #lobby -b ben!*@*\r\n"]),
    ("/op ben", [b"MODE #lobby +o ben\r\n"]),
    ("/deop a b c d", [b"MODE #lobby -ooo a b c\r\n", b"MODE #lobby -o d\r\n"]),
    ("/voice ben", [b"MODE #lobby +v ben\r\n"]),
    ("/mode", [b"MODE #lobby\r\n"]),
    ("/mode +i", [b"MODE #lobby +i\r\n"]),
    ("/mode ana +x", [b"MODE ana +x\r\n"]),
    ("/ctcp ben version", [b"PRIVMSG ben \x01VERSION\x01\r\n"]),
    ("/ctcp ben ping", [b"PRIVMSG ben :\x01PING 7.000\x01\r\n"]),
    ("/ns info ana", [b"PRIVMSG NickServ :info ana\r\n"]),
    ("/register geheim word", [b"PRIVMSG NickServ :REGISTER geheim word\r\n"]),
    ("/oper ana hunter2", [b"OPER ana hunter2\r\n"]),
    ("/quote STATS u", [b"STATS u\r\n"]),
    ("/ignore ben", []),
    ("/ignore", []),
    ("//help", [b"PRIVMSG #lobby /help\r\n"]),
    ("//", [b"PRIVMSG #lobby /\r\n"]),
]


@pytest.mark.parametrize(("typed", "sent"), SENT)
def test_what_each_command_sends(typed: str, sent: list[bytes]) -> None:
    answer = commands.answer(inside(), typed)
    assert answer.send == sent
    assert answer.taken


EXPLAINED = [
    ("/jion cats", "There is no command /jion. Did you mean /join? To say it, double the slash: //jion cats"),
    ("/xyzzy", "There is no command /xyzzy. /help tells which there are. To say it, double the slash: //xyzzy"),
    ("/", "There is no command /. /help tells which there are. To say it, double the slash: //"),
    ("/msg ben", "Write to a person or room, and stay here: /msg NAME TEXT"),
    ("/query", "Open the talk with a person: /query NAME [TEXT]"),
    ("/msg #cats hello", "You are not in #cats. /join #cats goes there."),
    ("/part #cats", "You are not in #cats."),
    ("/join a,b", "'a,b' is not a room: its name may hold no space and no comma"),
    ("/me", "Say what you do, as in: /me waves: /me TEXT"),
    ("/help dance", "There is no command /dance. /help tells which there are."),
    ("/topic " + "x" * 600, "This topic has 600 bytes, the limit is 472."),
    ("/query a,b", "'a,b' is not a name: it may hold no space and no comma, and not begin with a colon."),
]


@pytest.mark.parametrize(("typed", "words"), EXPLAINED)
def test_what_cannot_be_done_is_explained_and_stays_in_the_box(typed: str, words: str) -> None:
    answer = commands.answer(inside(), typed)
    assert hints(answer) == [words]
    assert answer.send == []
    assert not answer.taken


@pytest.mark.parametrize(
    "typed", ["/nick zoe", "/topic cats", "/away", "/back", "/quote X", "/list", "/op ben", "/whois ben"]
)
def test_what_needs_a_connection_says_so_without_one(typed: str) -> None:
    network = inside()
    take(network, Lost("cut", 3.0))
    answer = commands.answer(network, typed)
    assert hints(answer) == ["You are not connected: nothing is changed."]
    assert not answer.taken


def test_a_room_joined_without_a_connection_is_joined_with_the_next() -> None:
    network = inside()
    take(network, Lost("cut", 3.0))
    assert commands.answer(network, "/join cats secret").send == []
    assert network.rooms == ("#lobby", "#cats secret")


def test_help_tells_of_every_command_and_of_one() -> None:
    assert {name for name, _ in HELP} >= {"/me TEXT", "/quit [TEXT]", "/clear"}
    assert hints(commands.answer(inside(), "/help")) == [f"{usage} - {text}" for usage, text in HELP]
    assert hints(commands.answer(inside(), "/help /nick")) == ["/nick NAME - Take another name"]
    assert len(NAMES) == len(set(NAMES)) == len(HELP)


@pytest.mark.parametrize("name", NAMES)
def test_no_command_fails_anywhere_with_or_without_words(name: str) -> None:
    """In each kind of talk, in and out of the room, with and without a connection."""
    for argument in ("", "x", "#lobby", "#cats y", ":", "x" * 1000):
        for where in ("#lobby", "#gone", "ben", ""):
            for news in ([], [Lost("cut", 4.0)]):
                network = inside("#gone")
                take(network, Leave(ANA, "#gone", 3.0), Say(BEN, "ana", "psst", 3.0), *news)
                network.open(network.talks.find(where) or network.talks.server)
                assert isinstance(commands.answer(network, f"/{name} {argument}"), Answer)


def test_a_query_shows_the_talk_and_a_message_does_not() -> None:
    network = inside()
    answer = commands.answer(network, "/msg ben hello")
    ben = network.talks.find("ben")
    assert ben
    assert ben.kind is TalkKind.PERSON
    assert [line.text for line in ben.lines] == ["hello"]
    assert network.current.name == "#lobby"
    assert answer.changes[0] == TalksChanged()
    answer = commands.answer(network, "/query BEN again")
    assert answer.changes[0] == Opened(ben)
    assert [line.text for line in ben.lines] == ["hello", "again"]


def test_a_closed_room_is_left_and_forgotten() -> None:
    network = inside("#cats")
    cats = network.talks.find("#cats")
    assert cats
    network.open(cats)
    commands.answer(network, "never to be sent")
    assert commands.answer(network, "/close").send == [b"PART #cats\r\n"]
    assert network.talks.find("#cats") is None
    assert network.current.name == "#lobby"
    assert take(network, Leave(ANA, "#cats", 3.0), Say(BEN, "#cats", "late", 3.0)) == []
    take(network, Lost("cut", 3.0))
    assert network.outgoing.unsent(cats) == []


def test_a_person_is_closed_without_a_word_and_the_server_not_at_all() -> None:
    network = inside()
    commands.answer(network, "/query ben")
    assert commands.answer(network, "/close").send == []
    assert network.talks.find("ben") is None
    network.open(network.talks.server)
    assert not commands.answer(network, "/close").taken
    assert network.current is network.talks.server


def test_after_a_part_the_room_stays_in_sight_and_is_joined_again_by_name_or_where_it_is_shown() -> None:
    network = inside()
    take(network, Leave(ANA, "#lobby", 3.0, "bye"))
    assert network.outside == "You left #lobby (bye)"
    assert hints(commands.answer(network, "/part")) == ["You are not in #lobby. /close takes it from the list."]
    assert commands.answer(network, "/join").send == [b"JOIN #lobby\r\n"]
    assert network.rooms == ("#lobby",)


def test_names_are_written_out_up_to_a_limit() -> None:
    network = inside()
    assert hints(commands.answer(network, "/names")) == ["In #lobby: @ana, ben"]
    take(network, Names("#lobby", tuple(Member(f"user{number}") for number in range(500))))
    (text,) = hints(commands.answer(network, "/names"))
    assert text.endswith(" and 402 others")


def test_the_topic_is_told() -> None:
    network = inside()
    assert hints(commands.answer(network, "/topic")) == ["#lobby has no topic."]
    take(network, Topic(BEN, "#lobby", "cats", 86_400.0 / 2))
    assert hints(commands.answer(network, "/topic")) == ["The topic is: cats (set by ben, 01 January 1970)"]


def test_a_cleared_transcript_keeps_what_is_not_sent() -> None:
    network = inside()
    commands.answer(network, "refused")
    commands.answer(network, "pending")
    take(network, Say(BEN, "#lobby", "hi", 3.0), Refused("#lobby", "no", 3.0, "404"))
    assert commands.answer(network, "/clear").changes == [Cleared(network.current)]
    assert [(line.text, line.delivery) for line in network.current.lines] == [
        ("refused", Delivery.UNSENT),
        ("pending", Delivery.PENDING),
    ]
    take(network, Say(ANA, "#lobby", "pending", 4.0))
    assert [line.text for line in network.current.lines] == ["refused", "pending"]


def test_a_list_of_rooms_gathers_and_is_shown() -> None:
    network = inside()
    answer = commands.answer(network, "/list")
    assert answer.browse
    changes = take(network, Listed("#cats", 5, "miaow"), Listed("#dogs", 3, ""), ListEnd())
    assert changes == [RoomsListed(complete=True)]
    assert [(one.room, one.members) for one in network.room_list] == [("#cats", 5), ("#dogs", 3)]
    commands.answer(network, "/list")
    assert network.room_list == []


CTCP = [
    ("\x01VERSION\x01", b"NOTICE ben :\x01VERSION Fanfare client\x01\r\n"),
    ("\x01PING 17 4\x01", b"NOTICE ben :\x01PING 17 4\x01\r\n"),
    ("\x01DANCE\x01", b""),
]


@pytest.mark.parametrize(("question", "answer"), CTCP)
def test_programs_get_their_answers(question: str, answer: bytes) -> None:
    network = inside()
    assert take(network, Say(BEN, "ana", question, 3.0)) == []
    assert b"".join(network.take_output()) == answer
    take(network, Say(BEN, "ana", question, 3.0, Kind.NOTICE))
    assert network.take_output() == [], "an answer is not answered"


def test_nobody_can_have_us_answer_without_end() -> None:
    network = inside()
    take(network, *[Say(BEN, "ana", "\x01TIME\x01", 3.0)] * 50)
    assert len(network.take_output()) == 3


def test_what_others_programs_answer_is_shown() -> None:
    network = inside()
    take(
        network,
        Say(BEN, "ana", "\x01PING 4.5\x01", 3.0, Kind.NOTICE),
        Say(BEN, "ana", "\x01VERSION X\x01", 3.0, Kind.NOTICE),
    )
    assert [line.text for line in network.current.lines] == ["ben answers PING after 2.50 s", "ben answers VERSION: X"]
