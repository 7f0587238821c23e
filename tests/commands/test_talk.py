"""Words: PRIVMSG, NOTICE, TAGMSG with their echoes and tags; AWAY and SETNAME."""

import re

import pytest

from chat.wires.irc import LINE_BYTES
from chat.wires.message import CLIENT_TAG_BYTES, parse, parse_tags
from tests.core.chat import Chat
from tests.support import IrcClient, RunningServer

ANA = ":ana!~ana@127.0.0.1"
BEA = ":bea!~bea@127.0.0.1"


def talk(client: IrcClient, *lines: str) -> list[str]:
    """Send these lines; what the server answered, without its name in front."""
    client.send(*lines)
    return [line.removeprefix(":fanfare.local ") for line in client.sync_lines()]


# PRIVMSG and NOTICE


@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_words_to_a_room_reach_its_other_members(server: RunningServer, verb: str) -> None:
    ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl", "#b")
    ana.sync()
    assert talk(ana, f"{verb} #A :né  ☕ :)") == []
    assert bea.sync_lines() == [f"{ANA} {verb} #a :né  ☕ :)"]
    assert carl.sync_lines() == []


@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_words_to_a_person_reach_that_one(server: RunningServer, verb: str) -> None:
    ana, bea, carl = server.irc("ana"), server.irc("bea"), server.irc("carl")
    assert talk(ana, f"{verb} BEA word") == []
    assert bea.sync_lines() == [f"{ANA} {verb} bea :word"]
    assert carl.sync_lines() == []


def test_words_to_oneself_come_back(server: RunningServer) -> None:
    assert talk(server.irc("ana"), "PRIVMSG Ana :note") == [f"{ANA} PRIVMSG ana :note"]


@pytest.mark.parametrize("text", ["\x01ACTION waves\x01", "\x01VERSION\x01", "\x02bold\x0f \x0304red", " ", "\t", "::"])
def test_what_programs_mean_by_the_text_is_their_own_affair(server: RunningServer, text: str) -> None:
    ana, bea = server.irc("ana"), server.irc("bea")
    assert talk(ana, f"PRIVMSG bea :{text}") == []
    assert bea.sync_lines() == [f"{ANA} PRIVMSG bea :{text}"]


def test_several_targets_get_it_and_a_refused_one_stops_none(server: RunningServer) -> None:
    ana, bea, carl = server.irc("ana"), server.irc("bea", "#a"), server.irc("carl")
    bea.sync()
    assert talk(ana, "PRIVMSG carl,nobody,#a,,bea,#no :hi") == [
        "401 ana nobody :No such nick/channel",
        "404 ana #a :Cannot send to channel",
        "401 ana #no :No such nick/channel",
    ]
    assert bea.sync_lines() == [f"{ANA} PRIVMSG bea :hi"]
    assert carl.sync_lines() == [f"{ANA} PRIVMSG carl :hi"]


def test_as_many_targets_as_are_promised_and_one_more(server: RunningServer) -> None:
    ana, bea = server.irc("ana"), server.irc("bea")
    others = [server.irc(f"m{number}") for number in range(8)]
    eight = ",".join(client.nick for client in others)
    assert talk(ana, f"PRIVMSG {eight} :hi") == []
    assert [client.sync_lines() for client in others] == [[f"{ANA} PRIVMSG {client.nick} :hi"] for client in others]
    assert talk(ana, f"PRIVMSG {eight},bea :hi") == [f"407 ana {eight},bea :Too many targets: the limit is 8"]
    assert [client.sync_lines() for client in (*others, bea)] == [[]] * 9


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("PRIVMSG", "411 ana :No recipient given (PRIVMSG)"),
        ("PRIVMSG :", "411 ana :No recipient given (PRIVMSG)"),
        ("PRIVMSG , :x", "411 ana :No recipient given (PRIVMSG)"),
        ("TAGMSG", "411 ana :No recipient given (TAGMSG)"),
        ("PRIVMSG bea", "412 ana :No text to send"),
        ("PRIVMSG bea :", "412 ana :No text to send"),
        ("PRIVMSG nobody :x", "401 ana nobody :No such nick/channel"),
        ("TAGMSG nobody", "401 ana nobody :No such nick/channel"),
        ("PRIVMSG #no :x", "401 ana #no :No such nick/channel"),
        ("PRIVMSG @#no :x", "401 ana @#no :No such nick/channel"),
        ("PRIVMSG @#a :x", "404 ana #a :Cannot send to channel"),
        ("PRIVMSG bea!~bea@127.0.0.1 :x", "401 ana bea!~bea@127.0.0.1 :No such nick/channel"),
        ("PRIVMSG #a :x", "404 ana #a :Cannot send to channel"),
        ("TAGMSG #A", "404 ana #a :Cannot send to channel"),
    ],
)
def test_words_that_cannot_be_delivered_are_answered(server: RunningServer, line: str, answer: str) -> None:
    bea, ana = server.irc("bea", "#a", caps="message-tags"), server.irc("ana")
    assert talk(ana, line) == [answer]
    assert bea.sync_lines() == []


@pytest.mark.parametrize(
    "line",
    [
        "NOTICE",
        "NOTICE :",
        "NOTICE bea",
        "NOTICE nobody :x",
        "NOTICE #no :x",
        "NOTICE #a :x",
        "NOTICE a,b,c,d,e,f,g,h,i :x",
    ],
)
def test_a_notice_is_never_answered(server: RunningServer, line: str) -> None:
    bea, ana = server.irc("bea", "#a"), server.irc("ana")
    talk(bea, "AWAY :lunch")
    assert talk(ana, line, "NOTICE bea :x") == []
    assert bea.sync_lines() == [f"{ANA} NOTICE bea :x"]


def test_strangers_may_speak_in_a_room_without_mode_n(server: RunningServer) -> None:
    bea, ana = server.irc("bea", "#a"), server.irc("ana", caps="echo-message")
    talk(bea, "MODE #a -n")
    assert talk(ana, "PRIVMSG #a :from outside") == [f"{ANA} PRIVMSG #a :from outside"]
    assert bea.sync_lines() == [f"{ANA} PRIVMSG #a :from outside"]


@pytest.mark.parametrize("letter", ["x", "é", "☕", "😃"])
def test_the_longest_line_is_cut_for_its_readers_at_a_characters_edge(server: RunningServer, letter: str) -> None:
    ana, bea = server.irc("ana"), server.irc("bea", caps="server-time")
    text = letter * ((LINE_BYTES - len("PRIVMSG bea :\r\n")) // len(letter.encode()))
    assert talk(ana, f"PRIVMSG bea :{text}") == []
    (line,) = bea.sync_lines()
    line = line.partition(" ")[2]
    got = line.removeprefix(f"{ANA} PRIVMSG bea :")
    assert text.startswith(got)
    assert LINE_BYTES - len(letter.encode()) < len(line.encode()) + 2 <= LINE_BYTES
    assert talk(ana, f"PRIVMSG bea :{text}{'x' * 5}") == ["417 ana :Input line was too long"]
    assert bea.sync_lines() == []


def test_invalid_utf_8_is_relayed_as_replacement_characters(server: RunningServer) -> None:
    ana, bea = server.irc("ana"), server.irc("bea")
    ana.sock.sendall(b"PRIVMSG bea :caf\xe9 \xff\xfe\r\n")
    assert ana.sync() == []
    assert bea.sync_lines() == [f"{ANA} PRIVMSG bea :caf\ufffd \ufffd\ufffd"]


# Echoes and tags


@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_with_echo_message_ones_own_words_come_back_as_the_others_got_them(server: RunningServer, verb: str) -> None:
    ana, bea = server.irc("ana", "#a", caps="echo-message"), server.irc("bea", "#a")
    ana.sync()
    long = "x" * 490
    assert talk(ana, f"{verb} #a :one", f"{verb} bea :two", f"{verb} nobody :three")[:2] == [
        f"{ANA} {verb} #a :one",
        f"{ANA} {verb} bea :two",
    ]
    assert bea.sync_lines() == [f"{ANA} {verb} #a :one", f"{ANA} {verb} bea :two"]
    assert talk(ana, f"{verb} #a :{long}") == bea.sync_lines()


def test_words_to_oneself_come_twice_with_echo_message(server: RunningServer) -> None:
    assert talk(server.irc("ana", caps="echo-message"), "PRIVMSG ana :note") == [f"{ANA} PRIVMSG ana :note"] * 2


def test_everything_relayed_has_its_time_for_those_who_want_it(server: RunningServer) -> None:
    bea = server.irc("bea", "#a", caps="server-time away-notify setname message-tags")
    ana = server.irc("ana", "#a")
    bea.send("MODE #a +o ana")
    ana.expect("MODE")
    talk(ana, "PRIVMSG #a :x", "NOTICE bea :x", "PRIVMSG bea :x", "@+a TAGMSG #a", "AWAY :x", "SETNAME :A")
    talk(ana, "TOPIC #a :x", "NICK anna", "KICK #a anna", "JOIN #a", "PART #a :x")
    bea.send("JOIN #a,#b", "MODE #a +n", "PRIVMSG #a :x")
    ana.send("JOIN #a", "QUIT")
    ana.rest()
    lines = [message for message in bea.sync() if message.source != "fanfare.local"]
    assert [message.verb for message in lines if message.nick != "bea"] == [
        "JOIN", "PRIVMSG", "NOTICE", "PRIVMSG", "TAGMSG", "AWAY", "SETNAME", "TOPIC", "NICK", "KICK", "JOIN", "AWAY",
        "PART", "JOIN", "AWAY", "QUIT",
    ]  # fmt: skip
    assert [message.verb for message in lines if message.nick == "bea"] == ["MODE", "JOIN"]
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    assert all(stamp.fullmatch(message.tag("time") or "") for message in lines)


MSGID = re.compile(r"msgid=[0-9a-f]+(;| )")


def without_ids(lines: list[str]) -> list[str]:
    """The lines without the msgid that each of them has to have."""
    assert all(MSGID.search(line) for line in lines), lines
    return [MSGID.sub("", line).removeprefix("@") for line in lines]


def test_client_tags_are_relayed_and_all_others_dropped(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps="message-tags")
    bea, carl = server.irc("bea", "#a", caps="message-tags"), server.irc("carl", "#a")
    ana.sync(), bea.sync()
    assert talk(ana, r"@+a=b;secret=1;+v.org/c;time=x;label=1;+d=\:\s\\ PRIVMSG #a :x") == []
    assert without_ids(bea.sync_lines()[-1:]) == [rf"+a=b;+v.org/c;+d=\:\s\\ {ANA} PRIVMSG #a :x"]
    assert carl.sync_lines()[-1] == f"{ANA} PRIVMSG #a :x"
    talk(ana, "@secret=1 PRIVMSG bea :x", "@+a=1 NOTICE bea :x", "@+;+=x;+ok PRIVMSG bea :x")
    assert without_ids(bea.sync_lines()) == [
        f"{ANA} PRIVMSG bea :x",
        f"+a=1 {ANA} NOTICE bea :x",
        f"+ok {ANA} PRIVMSG bea :x",  # a tag without a name is none
    ]


def test_tagmsg_is_for_clients_with_message_tags(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps="message-tags echo-message")
    bea, carl = server.irc("bea", "#a", caps="message-tags"), server.irc("carl", "#a")
    for client in (ana, bea, carl):
        client.sync()
    line = f"+typing=active {ANA} TAGMSG"
    told = talk(ana, "@+typing=active;x=y TAGMSG #A :ignored", "@+typing=active TAGMSG BEA,carl")
    assert without_ids(told) == [f"{line} #a", f"{line} bea", f"{line} carl"]
    assert without_ids(bea.sync_lines()) == [f"{line} #a", f"{line} bea"]
    assert carl.sync_lines() == []


def test_every_message_has_an_id_of_its_own_which_is_the_same_for_everybody(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps="message-tags echo-message")
    bea = server.irc("bea", "#a", caps="message-tags server-time")
    ana.sync()
    mine = talk(ana, *["PRIVMSG #a :x"] * 3, "NOTICE bea :x")
    theirs = bea.sync_lines()
    ids = [parse(line).tag("msgid") for line in mine]
    assert ids == [parse(line).tag("msgid") for line in theirs]
    assert len(set(ids)) == 4
    assert ids == sorted(ids, key=lambda word: int(word or "", 16))


def test_tags_at_their_limit_are_relayed_whole_and_one_byte_more_is_refused(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps="message-tags")
    bea = server.irc("bea", "#a", caps="message-tags server-time")
    ana.sync()
    tag = "+x=" + "y" * (CLIENT_TAG_BYTES - 3)
    padding = ";x=" + "y" * (4094 - CLIENT_TAG_BYTES - 3)
    assert talk(ana, f"@{tag}{padding} PRIVMSG #a :{'z' * 400}") == []
    (line,) = bea.sync_lines()
    assert parse_tags(parse(line).tags)["+x"] == "y" * (CLIENT_TAG_BYTES - 3)
    assert parse(line).params[1] == "z" * 400
    assert talk(ana, f"@{tag}{padding}y PRIVMSG #a :z") == ["417 ana :Input line was too long"]
    assert bea.sync_lines() == []
    assert talk(ana, f"@+a;{tag} PRIVMSG #a :z") == []  # of client tags that is too much
    assert list(parse_tags(parse(bea.sync_lines()[0]).tags)) == ["time", "msgid", "+a"]


# AWAY


@pytest.mark.parametrize("back", ["AWAY", "AWAY :"])
def test_who_is_away_says_so_to_whoever_writes(server: RunningServer, back: str) -> None:
    ana, bea = server.irc("ana"), server.irc("bea", "#a")
    assert talk(bea, "AWAY :gone to lunch") == ["306 bea :You have been marked as being away"]
    assert talk(ana, "PRIVMSG bea :hi") == ["301 ana bea :gone to lunch"]
    assert talk(ana, "@+a TAGMSG bea") == []
    assert talk(bea, back) == [f"{ANA} PRIVMSG bea :hi", "305 bea :You are no longer marked as being away"]
    assert talk(ana, "PRIVMSG bea :hi") == []


def test_away_notify_tells_whoever_shares_a_room(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", "#b", caps="away-notify")
    bea = server.irc("bea", "#a", "#b", caps="away-notify")
    carl, dora = server.irc("carl", "#a"), server.irc("dora", "#d", caps="away-notify")
    for client in (ana, bea, carl):
        client.sync()
    assert (
        talk(bea, "AWAY :lunch", "AWAY :tea", "AWAY :tea", "AWAY")[0] == "306 bea :You have been marked as being away"
    )
    assert ana.sync_lines() == [f"{BEA} AWAY :lunch", f"{BEA} AWAY :tea", f"{BEA} AWAY"]
    assert carl.sync_lines() == dora.sync_lines() == []


def test_away_notify_tells_of_who_is_away_already_when_joining(server: RunningServer) -> None:
    ana, carl = server.irc("ana", "#a", caps="away-notify"), server.irc("carl", "#a")
    bea = server.irc("bea", caps="away-notify")
    ana.sync(), carl.sync()
    talk(bea, "AWAY :lunch")
    assert "AWAY" not in [message.verb for message in bea.join("#a")]
    assert ana.sync_lines() == [f"{BEA} JOIN #a", f"{BEA} AWAY :lunch"]
    assert carl.sync_lines() == [f"{BEA} JOIN #a"]
    assert bea.sync_lines() == []


def test_an_away_message_is_cut_to_what_is_promised(server: RunningServer) -> None:
    ana, bea = server.irc("ana"), server.irc("bea")
    talk(bea, "AWAY :" + "x" * 251)
    assert talk(ana, "PRIVMSG bea :hi") == ["301 ana bea :" + "x" * 250]


# SETNAME


def test_setname_tells_those_who_asked_for_it_and_shows_in_whois(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", "#b", caps="setname")
    bea, carl = server.irc("bea", "#a", "#b", caps="setname"), server.irc("carl", "#a")
    for client in (ana, bea, carl):
        client.sync()
    assert talk(ana, "SETNAME :Ana  Ána ☕") == [f"{ANA} SETNAME :Ana  Ána ☕"]
    assert bea.sync_lines() == [f"{ANA} SETNAME :Ana  Ána ☕"]
    assert talk(carl, "WHOIS ana")[0] == "311 carl ana ~ana 127.0.0.1 * :Ana  Ána ☕"
    assert talk(carl, "SETNAME Carl") == []
    assert bea.sync_lines() == [":carl!~carl@127.0.0.1 SETNAME :Carl"]


@pytest.mark.parametrize("caps", ["setname", ""])
def test_setname_works_outside_of_rooms(server: RunningServer, caps: str) -> None:
    ana = server.irc("ana", caps=caps)
    assert talk(ana, "SETNAME :A") == ([f"{ANA} SETNAME :A"] if caps else [])
    assert talk(ana, "WHOIS ana")[0].endswith(" * :A")


@pytest.mark.parametrize("length", [0, 151])
def test_a_real_name_of_another_length_than_promised_is_refused(server: RunningServer, length: int) -> None:
    ana = server.irc("ana", caps="setname")
    assert talk(ana, f"SETNAME :{'x' * length}") == [
        f"FAIL SETNAME INVALID_REALNAME :Real name is {length} bytes, it may be 1 to 150"
    ]
    assert talk(ana, f"SETNAME :{'x' * 150}") == [f"{ANA} SETNAME :{'x' * 150}"]


def test_words_without_a_colon_are_the_first_one() -> None:
    """They once ended the speaker's connection."""
    chat = Chat()
    ana, bea = chat.member("ana", "#a"), chat.member("bea", "#a")
    for verb in ("PRIVMSG", "NOTICE", "TAGMSG"):
        assert chat.answers(ana, f"{verb} #a good morning all") == []
    assert chat.told(bea)[-2:] == [":ana!~u@host PRIVMSG #a :good", ":ana!~u@host NOTICE #a :good"]
