"""What the server says about itself, and that whatever it answers is a line that IRC allows."""

import re

import pytest

from chat import __version__
from chat.wires.irc import LINE_BYTES
from tests.support import IrcClient, RunningServer, running_server


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("NICK :not a nick", "432 ana * :Erroneous nickname"),
        ("NICK ::x", "432 ana * :Erroneous nickname"),
        ("JOIN :#a b", "476 ana * :Bad Channel Mask"),
        ("PART :#a b", "403 ana * :No such channel"),
        ("TOPIC :#a b", "403 ana * :No such channel"),
        ("TOPIC :", "403 ana * :No such channel"),
        ("MODE :a b", "401 ana * :No such nick/channel"),
        ("NAMES :#a b", "366 ana * :End of /NAMES list"),
        ("WHO ::x", "315 ana * :End of WHO list"),
        ("CAP :x y", "410 ana * :Invalid CAP command"),
    ],
)
def test_what_cannot_stand_in_an_answer_is_a_star_there(server: RunningServer, command: str, answer: str) -> None:
    client = server.irc("ana")
    client.send(command)
    assert client.sync_lines() == [f":fanfare.local {answer}"]


@pytest.mark.parametrize(
    "command",
    [
        "x" * 510,
        "PRIVMSG " + "x" * 490 + " :x",
        "JOIN #" + "é" * 250,
        "NAMES " + "#é" * 160,
        "WHO " + "☕" * 160,
        "WHOIS " + "☕" * 160,
        "MODE " + "☕" * 160,
        "CAP REQ :" + "é " * 160,
        "PING " + "x" * 500,
    ],
)
def test_an_answer_that_repeats_what_was_sent_is_cut_to_512_bytes(server: RunningServer, command: str) -> None:
    client = server.irc("ana")
    client.send(command)
    lines = client.sync_lines()
    assert lines
    assert all(len(line.encode()) + 2 <= LINE_BYTES for line in lines)  # as UTF-8, which reading them has proved
    assert max(len(line.encode()) for line in lines) > 500


def talk(client: IrcClient, *lines: str) -> list[str]:
    """Send these lines; what the server answered, without its name in front."""
    client.send(*lines)
    return [line.removeprefix(":fanfare.local ") for line in client.sync_lines()]


# The message of the day


def test_without_a_message_of_the_day_it_is_missing(server: RunningServer) -> None:
    assert talk(server.irc("ana"), "MOTD") == ["422 ana :MOTD File is missing"]


def test_the_message_of_the_day_comes_line_by_line() -> None:
    with running_server(motd="Hello\n\n  né ☕\n" + "x" * 600) as server:
        ana = server.raw()
        welcome = [message.params[-1] for message in ana.register("ana") if message.verb in ("375", "372", "376")]
        first, *lines, long, last = talk(ana, "MOTD")
        assert first == "375 ana :- fanfare.local Message of the day -"
        assert lines == ["372 ana :- Hello", "372 ana :- ", "372 ana :-   né ☕"]
        assert long.startswith("372 ana :- xxxx")
        assert len(f":fanfare.local {long}\r\n") == LINE_BYTES
        assert last == "376 ana :End of /MOTD command"
        assert welcome == [line.partition(" :")[2] for line in (first, *lines, long, last)]


# Numbers, version, time


def test_lusers_counts_people_and_rooms(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a", "#b"), server.irc("bea", "#b")
    server.raw().send("NICK carl")
    for line in ("MODE bea +i", "MODE bea -i", "MODE bea +i"):
        bea.send(line)
        bea.sync()
        hidden = int("+" in line)
        assert talk(ana, "LUSERS")[-6] == f"251 ana :There are {2 - hidden} users and {hidden} invisible on 1 server"
    bea.send("QUIT")
    bea.rest()
    assert talk(ana, "LUSERS")[-6:] == [
        "251 ana :There are 1 users and 0 invisible on 1 server",
        "252 ana 0 :operator(s) online",
        "254 ana 2 :channels formed",
        "255 ana :I have 1 clients and 0 servers",
        "265 ana 1 2 :Current local users 1, max 2",
        "266 ana 1 2 :Current global users 1, max 2",
    ]


def test_version_tells_the_version_and_what_is_supported(server: RunningServer) -> None:
    version, *tokens = talk(server.irc("ana"), "VERSION")
    assert version == f"351 ana fanfare-{__version__} fanfare.local :a threaded broadcast server"
    assert tokens
    assert all(line.startswith("005 ana ") for line in tokens)


def test_time_is_told_in_utc(server: RunningServer) -> None:
    (line,) = talk(server.irc("ana"), "TIME")
    assert re.fullmatch(r"391 ana fanfare\.local :\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", line)


@pytest.mark.parametrize("verb", ["MOTD", "VERSION", "TIME"])
def test_a_question_to_another_server_finds_none(server: RunningServer, verb: str) -> None:
    ana = server.irc("ana")
    assert talk(ana, f"{verb} else.where") == ["402 ana else.where :No such server"]
    kinds = [line[:4] for line in talk(ana, verb)]
    for target in ("fanfare.local", "FANFARE.local", "*.local", "ana"):
        assert [line[:4] for line in talk(ana, f"{verb} {target}")] == kinds


# What is supported


def tokens(server: RunningServer) -> dict[str, str]:
    lines = [message.params for message in server.raw().register("ana") if message.verb == "005"]
    assert all(len(params) <= 15 and params[-1] == "are supported by this server" for params in lines)
    return dict(token.partition("=")[::2] for params in lines for token in params[1:-1])


def test_the_promised_lengths_and_numbers_are_all_there(server: RunningServer) -> None:
    assert tokens(server) == {
        "ACCOUNTEXTBAN": "a",
        "AWAYLEN": "250",
        "BOT": "B",
        "CASEMAPPING": "ascii",
        "CHANLIMIT": "#:100",
        "CHANMODES": "beI,k,l,EimnRst",
        "CHANNELLEN": "64",
        "CHANTYPES": "#",
        "ELIST": "CMNTU",
        "EXCEPTS": "e",
        "EXTBAN": "~,aq",
        "INVEX": "I",
        "KEYLEN": "23",
        "KICKLEN": "250",
        "MAXLIST": "beI:100",
        "MODES": "4",
        "MONITOR": "100",
        "NAMELEN": "150",
        "NETWORK": "Fanfare",
        "NICKLEN": "30",
        "PREFIX": "(qov)~@+",
        "SAFELIST": "",
        "STATUSMSG": "~@+",
        "TARGMAX": "JOIN:,KICK:4,LIST:,NAMES:,NOTICE:8,PART:,PRIVMSG:8,TAGMSG:8,WHOIS:1",
        "TOPICLEN": "300",
        "USERLEN": "10",
        "UTF8ONLY": "",
        "WHOX": "",
    }


def test_a_network_of_several_words_is_one_token() -> None:
    with running_server(network="Our Own \\ Network") as server:
        assert tokens(server)["NETWORK"] == r"Our\x20Own\x20\x5C\x20Network"


def test_the_modes_that_there_are_stand_in_the_welcome(server: RunningServer) -> None:
    myinfo = next(message for message in server.raw().register("ana") if message.verb == "004")
    assert myinfo.params == ["ana", "fanfare.local", f"fanfare-{__version__}", "Biow", "EIRbeiklmnoqstv", "Ibekloqv"]


def test_a_server_has_the_name_that_it_is_given() -> None:
    with running_server(name="chat.example.org") as server:
        assert {message.source for message in server.raw().register("ana")} == {"chat.example.org"}
