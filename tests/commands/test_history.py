"""CHATHISTORY and what newcomers are shown: the lines as they were seen, to those who may read them."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.server.disk import reader
from chat.server.log.entry import Entry
from chat.settings import Settings
from chat.wires.message import Message
from tests.disk.test_sqlite import MODES, keeping
from tests.support import IrcClient, RunningServer, running_server

CAPS = "batch message-tags server-time echo-message draft/chathistory"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with keeping(tmp_path / "log") as running:
        yield running


def asked(client: IrcClient, question: str) -> list[Message]:
    """The lines of the one batch that answers."""
    client.send(f"CHATHISTORY {question}")
    start = client.expect("BATCH")
    assert start.params[0].startswith("+")
    lines: list[Message] = []
    while True:
        message = client.read()
        assert message is not None
        if message.verb == "BATCH":
            assert message.params == ["-" + start.params[0][1:]]
            return lines
        assert message.tag("batch") == start.params[0][1:]
        lines.append(message)


def texts(client: IrcClient, question: str) -> list[str]:
    return [message.params[1] for message in asked(client, question)]


def spoken(server: RunningServer, words: int) -> tuple[IrcClient, list[Message]]:
    """A client that has said `1`, `2`, ... in #a, and what it saw of that."""
    ana = server.irc("ana", "#a", caps=CAPS)
    ana.send(*(f"PRIVMSG #a :{number}" for number in range(1, words + 1)))
    return ana, [message for message in ana.sync() if message.verb == "PRIVMSG"]


@MODES
def test_history_is_what_was_seen_line_by_line_also_after_a_restart(tmp_path: Path, durability: str) -> None:
    with keeping(tmp_path / "log", durability) as server:
        ana, seen = spoken(server, 20)
        assert [(m.source, m.params, m.tag("msgid"), m.tag("time")) for m in asked(ana, "LATEST #A * 100")] == [
            (m.source, m.params, m.tag("msgid"), m.tag("time")) for m in seen
        ]
    with keeping(tmp_path / "log", durability) as server:
        bea = server.irc("bea", "#a", caps=CAPS)
        assert [(m.params, m.tag("msgid")) for m in asked(bea, "LATEST #a * 100")] == [
            (m.params, m.tag("msgid")) for m in seen
        ]


def test_each_question_gives_the_lines_that_the_standard_says(server: RunningServer) -> None:
    ana, seen = spoken(server, 9)
    ids = [f"msgid={message.tag('msgid')}" for message in seen]
    expected = {
        "LATEST #a * 3": "789",
        f"LATEST #a {ids[4]} 3": "789",
        f"LATEST #a {ids[6]} 3": "89",
        f"BEFORE #a {ids[4]} 2": "34",
        f"BEFORE #a {ids[0]} 2": "",
        f"AFTER #a {ids[4]} 2": "67",
        f"AFTER #a {ids[8]} 2": "",
        f"AROUND #a {ids[4]} 5": "34567",
        f"AROUND #a {ids[4]} 1": "5",
        f"AROUND #a {ids[0]} 4": "12",
        f"BETWEEN #a {ids[1]} {ids[6]} 3": "345",
        f"BETWEEN #a {ids[6]} {ids[1]} 3": "456",
        f"BETWEEN #a {ids[1]} {ids[6]} 100": "3456",
        "LATEST #a timestamp=2000-01-01T00:00:00.000Z 2": "89",
        "BEFORE #a timestamp=2000-01-01T00:00:00.000Z 2": "",
        "AFTER #a timestamp=2000-01-01T00:00:00.000Z 2": "12",
    }
    for question, wanted in expected.items():
        assert "".join(texts(ana, question)) == wanted, question


def test_a_time_stands_for_its_whole_millisecond(server: RunningServer) -> None:
    ana, seen = spoken(server, 30)
    for message in seen[10:20]:
        at = message.tag("time")
        earlier = [m.params[1] for m in seen if (m.tag("time") or "") < (at or "")]
        later = [m.params[1] for m in seen if (m.tag("time") or "") > (at or "")]
        assert texts(ana, f"BEFORE #a timestamp={at} 100") == earlier
        assert texts(ana, f"AFTER #a timestamp={at} 100") == later


def test_no_more_than_the_promised_number_comes_and_the_promise_is_in_isupport(server: RunningServer) -> None:
    ana, _ = spoken(server, 130)
    assert len(texts(ana, "LATEST #a * 1000")) == 100
    bea = server.raw()
    tokens = [param for message in bea.register("bea") if message.verb == "005" for param in message.params]
    assert "CHATHISTORY=100" in tokens
    assert "MSGREFTYPES=msgid,timestamp" in tokens


def test_events_are_played_back_to_those_who_asked_for_them(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps=f"{CAPS} draft/event-playback")
    bea = server.irc("bea", "#a", "#b")
    bea.send("NICK bee", "PRIVMSG #a :hello", "PART #a :tired", "JOIN #a", "QUIT :bye")
    ana.until("QUIT")
    ana.send("TOPIC #a :news", "MODE #a -t+E", "MODE #a -E", "NOTICE #a :heard")
    ana.sync()
    carl = server.irc("carl", "#a")
    ana.send("KICK #a carl :out")
    carl.expect("KICK")
    lines = [f":{m.source.partition('!')[0]} {m.verb} {' '.join(m.params)}" for m in asked(ana, "LATEST #a * 100")]
    assert lines == [
        ":ana JOIN #a",
        ":bea JOIN #a",
        ":bea NICK bee",
        ":bee PRIVMSG #a hello",
        ":bee PART #a tired",
        ":bee JOIN #a",
        ":bee QUIT Quit: bye",
        ":ana TOPIC #a news",
        ":ana MODE #a -E",
        ":ana NOTICE #a heard",
        ":carl JOIN #a",
        ":ana KICK #a carl out",
    ]
    dora = server.irc("dora", "#a", caps=CAPS)
    assert texts(dora, "LATEST #a * 100") == ["hello", "heard"]


def test_only_members_may_read_and_of_a_room_made_again_nothing_from_before(server: RunningServer) -> None:
    ana, seen = spoken(server, 3)
    bea = server.irc("bea", caps=CAPS)
    for question in ("LATEST #a * 10", "LATEST #no * 10", "LATEST ana * 10"):
        bea.send(f"CHATHISTORY {question}")
        assert bea.expect("FAIL").params[:3] == ["CHATHISTORY", "INVALID_TARGET", "LATEST"]
    bea.join("#a")  # today's rules let everybody in
    assert texts(bea, "LATEST #a * 10") == ["1", "2", "3"]
    for client in (ana, bea):
        client.send("PART #a")
        client.sync()
    server.server.loop.node.state.remembered.clear()  # as many other empty rooms would have it
    ana.join("#a")
    assert asked(ana, "LATEST #a * 10") == []
    assert asked(ana, f"AROUND #a msgid={seen[1].tag('msgid')} 10") == []


@pytest.mark.parametrize(
    ("shut", "numeric", "opened"),
    [("+i", "473", "INVITE bea #a"), ("+k secret", "475", "MODE #a -k *"), ("+b bea!*@*", "474", "MODE #a -b bea!*@*")],
)
def test_whom_the_room_keeps_out_reads_nothing_of_it_until_they_are_let_in(
    tmp_path: Path, shut: str, numeric: str, opened: str
) -> None:
    with keeping(tmp_path / "log", replay=10) as server:
        ana, _ = spoken(server, 3)
        bea, carl = server.irc("bea", caps=CAPS), server.irc("carl", "#a")
        ana.send(f"MODE #a {shut}", "KICK #a carl")
        ana.sync(), carl.expect("KICK")
        for client in (bea, carl):
            client.send("CHATHISTORY LATEST #a * 10")
            assert client.expect("FAIL").params[:3] == ["CHATHISTORY", "INVALID_TARGET", "LATEST"]
        bea.send("JOIN #a")
        bea.expect(numeric)
        bea.send("CHATHISTORY LATEST #a * 10")
        assert bea.expect("FAIL").params[:3] == ["CHATHISTORY", "INVALID_TARGET", "LATEST"]
        assert asked(bea, "TARGETS timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 9") == []
        ana.send(opened)
        ana.sync()
        bea.join("#a")
        assert texts(bea, "LATEST #a * 10") == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("", ["INVALID_PARAMS", "*", "Unknown command"]),
        ("NEWEST #a * 10", ["INVALID_PARAMS", "NEWEST", "Unknown command"]),
        ("LATEST", ["INVALID_PARAMS", "LATEST", "Insufficient parameters"]),
        ("LATEST #a *", ["INVALID_PARAMS", "LATEST", "Insufficient parameters"]),
        ("BETWEEN #a msgid=1 10", ["INVALID_PARAMS", "BETWEEN", "Insufficient parameters"]),
        ("LATEST #a * 10 10", ["INVALID_PARAMS", "LATEST", "Too many parameters"]),
        ("LATEST #b * 10", ["INVALID_TARGET", "LATEST", "#b"]),
        ("LATEST * * 10", ["INVALID_TARGET", "LATEST", "*"]),
        ("LATEST #a * none", ["INVALID_PARAMS", "LATEST", "none"]),
        ("LATEST #a * 0", ["INVALID_PARAMS", "LATEST", "0"]),
        ("LATEST #a * -1", ["INVALID_PARAMS", "LATEST", "-1"]),
        ("LATEST #a * 99999999999999", ["INVALID_PARAMS", "LATEST", "99999999999999"]),
        ("BEFORE #a * 10", ["INVALID_PARAMS", "BEFORE", "*"]),
        ("BEFORE #a id=5 10", ["INVALID_MSGREFTYPE", "BEFORE", "#a", "id=5"]),
        ("BETWEEN #a msgid=1 id=5 10", ["INVALID_MSGREFTYPE", "BETWEEN", "#a", "id=5"]),
        ("BEFORE #a msgid=xyz 10", ["INVALID_PARAMS", "BEFORE", "msgid=xyz"]),
        (f"BEFORE #a msgid={'f' * 300} 10", ["INVALID_PARAMS", "BEFORE", f"msgid={'f' * 300}"]),
        ("BEFORE #a timestamp=yesterday 10", ["INVALID_PARAMS", "BEFORE", "timestamp=yesterday"]),
        ("BEFORE #a timestamp=2000-01-01T00:00:00 10", ["INVALID_PARAMS", "BEFORE", "timestamp=2000-01-01T00:00:00"]),
        ("TARGETS * * 10", ["INVALID_PARAMS", "TARGETS", "*"]),
        ("TARGETS msgid=1 msgid=2 10", ["INVALID_PARAMS", "TARGETS", "msgid=1"]),
        (":not one word", ["INVALID_PARAMS", "*", "Unknown command"]),
        ("LATEST #a * :10 or so", ["INVALID_PARAMS", "LATEST", "*"]),
    ],
)
def test_a_wrong_question_fails_with_the_standards_code(
    server: RunningServer, question: str, answer: list[str]
) -> None:
    ana = server.irc("ana", "#a", caps=CAPS)
    ana.send(f"CHATHISTORY {question}")
    told = ana.expect("FAIL").params[1:]
    assert told[:-1] == answer or told == answer


def test_targets_are_the_rooms_that_have_spoken_between_two_times_oldest_first(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", "#B", "#quiet", caps=CAPS)
    bea = server.irc("bea", "#other", "#b")
    for room in ("#other", "#b"):
        bea.say(room, "hello")
    bea.sync()
    ana.say("#a", "hello")
    seen = [message for message in ana.sync() if message.verb == "PRIVMSG"]
    ages = "timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z"
    found = asked(ana, f"TARGETS {ages} 10")
    assert [message.params for message in found] == [["TARGETS", m.params[0], m.tag("time")] for m in seen]
    assert {message.params[1] for message in found} == {"#a", "#B"}
    backwards = " ".join(reversed(ages.split(" ")))
    assert [message.params for message in asked(ana, f"TARGETS {backwards} 10")] == [m.params for m in found]
    assert [message.params[1] for message in asked(ana, f"TARGETS {ages} 1")] == [found[0].params[1]]
    assert [message.params[1] for message in asked(ana, f"TARGETS {backwards} 1")] == [found[1].params[1]]
    assert asked(ana, "TARGETS timestamp=2100-01-01T00:00:00.000Z timestamp=2101-01-01T00:00:00.000Z 9") == []


def test_the_answer_to_a_labelled_question_is_a_batch_within_a_batch(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", caps=f"{CAPS} labeled-response")
    ana.say("#a", "hello")
    ana.sync()
    ana.send("@label=x CHATHISTORY LATEST #a * 5")
    outer = ana.expect("BATCH")
    assert (outer.tag("label"), outer.params[1]) == ("x", "labeled-response")
    inner, line, end = ana.read(), ana.read(), ana.read()
    assert inner is not None
    assert line is not None
    assert end is not None
    assert (inner.verb, inner.params[1:]) == ("BATCH", ["chathistory", "#a"])
    assert inner.tag("batch") == outer.params[0][1:]
    assert line.tag("batch") == inner.params[0][1:]
    assert end.params == ["-" + inner.params[0][1:]]


def test_a_command_behind_a_question_is_answered_behind_its_answer(server: RunningServer) -> None:
    ana, _ = spoken(server, 100)
    ana.send("CHATHISTORY LATEST #a * 100", "PING behind")
    seen = ana.until("PONG")
    assert [m.verb for m in seen] == ["BATCH", *["PRIVMSG"] * 100, "BATCH", "PONG"]


def test_who_goes_while_a_question_waits_leaves_nothing_behind(server: RunningServer) -> None:
    spoken(server, 100)
    bea = server.irc("bea", "#a", caps=CAPS)
    carl = server.irc("carl", "#a")
    bea.send(*["CHATHISTORY LATEST #a * 100"] * 20)
    bea.sock.close()
    carl.until("QUIT")
    assert server.server.loop.node.state.find_user("bea") is None


def test_without_a_log_on_disk_there_is_no_history_and_nothing_says_so() -> None:
    with running_server() as server:
        ana = server.raw()
        ana.send("CAP LS 302")
        assert not re.search("draft/(chathistory|event)", ana.expect("CAP").params[-1])
        ana.send("CAP END")
        assert not any("CHATHISTORY" in param for message in ana.register("ana") for param in message.params)
        ana.send("CHATHISTORY LATEST #a * 5")
        assert ana.expect("FAIL").params[:2] == ["CHATHISTORY", "MESSAGE_ERROR"]


def test_newcomers_whose_program_cannot_ask_are_shown_the_last_lines(tmp_path: Path) -> None:
    assert Settings().replay == 0
    with keeping(tmp_path / "log", replay=3) as server:
        ana, seen = spoken(server, 9)
        bea = server.irc("bea", caps="server-time message-tags")
        bea.send("JOIN #a")
        joined = bea.until("366") + bea.sync()
        shown = [message for message in joined if message.verb == "PRIVMSG"]
        assert [(m.params, m.tag("time"), m.tag("msgid")) for m in shown] == [
            (m.params, m.tag("time"), m.tag("msgid")) for m in seen[-3:]
        ]
        assert joined.index(shown[0]) > [message.verb for message in joined].index("366")
        ana.sync()
        ana.send("PART #a", "JOIN #a")
        assert all(message.verb != "PRIVMSG" for message in ana.sync())


def test_while_the_file_is_slow_to_read_nobody_but_the_asker_waits(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, stuck = threading.Event(), threading.Event()

    def select(*arguments: Any) -> list[Entry]:
        stuck.set()
        free.wait()
        return original(*arguments)

    original = reader.select
    monkeypatch.setattr(reader, "select", select)
    ana, _ = spoken(server, 60)
    bea = server.irc("bea", "#a")
    ana.send(*["CHATHISTORY LATEST #a * 60"] * 60, "PRIVMSG #a :behind")
    stuck.wait()
    carl = server.irc("carl", "#a")
    carl.say("#a", "meanwhile")
    assert [m.params[1] for m in bea.sync() if m.verb == "PRIVMSG"] == ["meanwhile"]
    free.set()
    seen = ana.until("BATCH") + [message for _ in range(119) for message in ana.until("BATCH")]
    assert sum(message.verb == "PRIVMSG" for message in seen) == 60 * 60 + 1  # `meanwhile` as it happened, once
    assert bea.expect("PRIVMSG").params[1] == "behind"
