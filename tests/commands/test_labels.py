"""labeled-response: which answers belong to which command. https://ircv3.net/specs/extensions/labeled-response"""

import pytest

from chat.wires.message import Message, parse, parse_tags
from tests.support import IrcClient, RunningServer

CAPS = "labeled-response batch"
ANA = ":ana!~ana@127.0.0.1"


def talk(client: IrcClient, *lines: str) -> list[str]:
    """Send these lines; what the server answered."""
    client.send(*lines)
    return client.sync_lines()


def test_one_answer_carries_the_label(server: RunningServer) -> None:
    ana = server.irc("ana", caps=CAPS)
    assert talk(ana, "@label=x1 PING token") == ["@label=x1 :fanfare.local PONG fanfare.local token"]
    assert talk(ana, "@label=x2 MODE ana") == ["@label=x2 :fanfare.local 221 ana +"]
    assert talk(ana, "@label=x3 NICK anna") == [f"@label=x3 {ANA} NICK anna"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("FOO", "421 ana FOO :Unknown command"),
        ("JOIN", "461 ana JOIN :Not enough parameters"),
        ("JOIN bad", "476 ana bad :Bad Channel Mask"),
        ("PRIVMSG nobody :x", "401 ana nobody :No such nick/channel"),
        ("PRIVMSG", "411 ana :No recipient given (PRIVMSG)"),
        ("CAP FOO", "410 ana FOO :Invalid CAP command"),
        ("CAP REQ no-such", "CAP ana NAK no-such"),
        ("MODE bea +i", "401 ana bea :No such nick/channel"),
    ],
)
def test_an_error_carries_the_label(server: RunningServer, line: str, answer: str) -> None:
    assert talk(server.irc("ana", caps=CAPS), f"@label=a {line}") == [f"@label=a :fanfare.local {answer}"]


def check_batch(lines: list[str], label: str) -> list[Message]:
    """The lines are one batch with this label; what stands in it."""
    first, *inside, last = [parse(line) for line in lines]
    name = first.params[0].removeprefix("+")
    assert (first.verb, first.params) == ("BATCH", [f"+{name}", "labeled-response"])
    assert parse_tags(first.tags) == {"label": label}
    assert (last.verb, last.params, last.tags) == ("BATCH", [f"-{name}"], "")
    assert all(message.tag("batch") == name and message.tag("label") is None for message in inside)
    assert name.isalnum()
    return inside


@pytest.mark.parametrize(
    ("line", "verbs"),
    [
        ("WHOIS ana", ["311", "319", "312", "317", "318"]),
        ("WHOIS nobody", ["401", "318"]),
        ("WHO #a", ["352", "315"]),
        ("NAMES #a", ["353", "366"]),
        ("JOIN #b", ["JOIN", "353", "366"]),
        ("JOIN #b,#c", ["JOIN", "353", "366", "JOIN", "353", "366"]),
        ("JOIN 0", ["PART", "PART"]),
        ("MODE #a", ["324", "329"]),
        ("MODE #a -n+x", ["MODE", "472"]),
        ("LUSERS", ["251", "252", "254", "255", "265", "266"]),
        ("PRIVMSG nobody,#no :x", ["401", "401"]),
    ],
)
def test_several_answers_stand_in_one_batch(server: RunningServer, line: str, verbs: list[str]) -> None:
    ana = server.irc("ana", "#a", caps=CAPS)
    if line == "JOIN 0":
        ana.join("#b")
    assert [message.verb for message in check_batch(talk(ana, f"@label=a {line}"), "a")] == verbs


@pytest.mark.parametrize(
    "line",
    [
        "PONG x", "PRIVMSG bea :x", "NOTICE bea :x", "NOTICE nobody :x", "NOTICE", "TAGMSG bea", "JOIN #a", "NICK ana",
        "CAP END", "MODE #a +n",
    ],
)  # fmt: skip
def test_a_command_without_an_answer_is_acknowledged(server: RunningServer, line: str) -> None:
    server.irc("bea")
    assert talk(server.irc("ana", "#a", caps=CAPS), f"@label=a {line}") == ["@label=a :fanfare.local ACK"]


def test_what_one_does_in_a_room_is_the_answer_and_the_others_see_no_label(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a", caps=f"{CAPS} setname"), server.irc("bea", "#a", caps=f"{CAPS} setname")
    ana.sync()
    for line in ("TOPIC #a :new", "MODE #a -n", "NICK anna", "SETNAME :Anna", "PART #a :bye"):
        (mine,) = talk(ana, f"@label=a {line}")
        (theirs,) = bea.sync_lines()
        assert mine == f"@label=a {theirs}"


def test_an_echo_carries_the_label_and_nothing_else_does(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps=f"{CAPS} echo-message message-tags server-time")
    bea = server.irc("bea", "#a", caps=f"{CAPS} echo-message message-tags")
    ana.sync()
    for line in ("PRIVMSG #a :x", "NOTICE bea :x", "PRIVMSG bea :x", "TAGMSG #a", "TAGMSG bea"):
        (mine,) = talk(ana, f"@label=a;+b=c {line}")
        (theirs,) = bea.sync_lines()
        assert list(parse_tags(parse(mine).tags)) == ["label", "time", "msgid", "+b"]  # the client's own come last
        msgid = parse(mine).tag("msgid")
        assert msgid
        assert parse_tags(parse(theirs).tags) == {"msgid": msgid, "+b": "c"}
        assert mine.partition(" ")[2] == theirs.partition(" ")[2]


def test_of_words_to_oneself_the_echo_alone_carries_the_label(server: RunningServer) -> None:
    ana = server.irc("ana", caps=f"{CAPS} echo-message")
    assert talk(ana, "@label=a PRIVMSG ana :x") == [f"{ANA} PRIVMSG ana :x", f"@label=a {ANA} PRIVMSG ana :x"]


def test_echoes_to_several_targets_are_one_batch(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a", caps=f"{CAPS} echo-message"), server.irc("bea", "#a")
    ana.sync()
    inside = check_batch(talk(ana, "@label=a PRIVMSG #a,bea,nobody :x"), "a")
    assert [(message.verb, message.params[-2]) for message in inside] == [
        ("PRIVMSG", "#a"),
        ("PRIVMSG", "bea"),
        ("401", "nobody"),
    ]
    assert bea.sync_lines() == [f"{ANA} PRIVMSG #a :x", f"{ANA} PRIVMSG bea :x"]


def test_each_label_belongs_to_its_own_command_among_what_others_do(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a", caps=f"{CAPS} echo-message"), server.irc("bea", "#a")
    ana.sync()
    bea.send(*[f"PRIVMSG #a :{number}" for number in range(100)])
    lines = talk(ana, *[f"@label={number} PRIVMSG #a :{number}" for number in range(100)])
    bea.sync()
    lines += ana.sync_lines()
    own = [line for line in lines if ANA in line]
    assert own == [f"@label={number} {ANA} PRIVMSG #a :{number}" for number in range(100)]
    assert [line for line in lines if ANA not in line] == [f":bea!~bea@127.0.0.1 PRIVMSG #a :{n}" for n in range(100)]


def test_quitting_is_acknowledged_before_the_end(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps=CAPS)
    ana.send("@label=a QUIT :bye")
    assert ana.rest() == ["@label=a :fanfare.local ACK", "ERROR :Closing link: Quit: bye"]


def test_registering_may_be_labelled(server: RunningServer) -> None:
    client = server.raw()
    client.send(f"CAP REQ :{CAPS}", "NICK ana", "@label=u USER a 0 * :Ana")
    assert client.sync_lines() == [f":fanfare.local CAP * ACK :{CAPS}", "@label=u :fanfare.local ACK"]
    inside = check_batch(talk(client, "@label=e CAP END"), "e")
    assert (inside[0].verb, inside[-1].verb) == ("001", "422")


def test_a_label_is_repeated_as_it_was_escaped(server: RunningServer) -> None:
    ana = server.irc("ana", caps=CAPS)
    assert talk(ana, r"@label=a\:\s\\b PONG") == [r"@label=a\:\s\\b :fanfare.local ACK"]


@pytest.mark.parametrize(
    ("label", "labelled"), [("x" * 64, True), ("x" * 65, False), ("☕" * 21, True), ("☕" * 22, False)]
)
def test_a_label_of_more_than_64_bytes_is_none(server: RunningServer, label: str, labelled: bool) -> None:
    """So that what the server adds of tags stays within its own share of the limit."""
    ana = server.irc("ana", caps=CAPS)
    assert talk(ana, f"@label={label} PONG") == ([f"@label={label} :fanfare.local ACK"] if labelled else [])


@pytest.mark.parametrize("tags", ["label", "label=", "+label=x", "other=x"])
def test_a_label_without_a_value_is_none(server: RunningServer, tags: str) -> None:
    assert talk(server.irc("ana", caps=CAPS), f"@{tags} PONG") == []


@pytest.mark.parametrize("caps", ["", "batch", "labeled-response", "message-tags"])
def test_labels_need_both_capabilities(server: RunningServer, caps: str) -> None:
    assert talk(server.irc("ana", caps=caps), "@label=a MODE ana") == [":fanfare.local 221 ana +"]


def test_an_answer_with_label_keeps_the_limit_of_a_line(server: RunningServer) -> None:
    ana = server.irc("ana", caps=CAPS)
    (line,) = talk(ana, "@label=a PRIVMSG " + "x" * 490 + " :x")
    assert len(line) == len("@label=a ") + 510


def test_a_kick_is_the_answer_for_who_caused_it_and_the_kicked_sees_no_label(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a", caps=CAPS), server.irc("bea", "#a", caps=CAPS)
    ana.sync(), bea.sync()
    kick = f"{ANA} KICK #a bea :ana"
    assert talk(ana, "@label=a KICK #a bea") == [f"@label=a {kick}"]
    assert bea.sync_lines() == [kick]
