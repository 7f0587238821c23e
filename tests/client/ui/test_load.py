"""A flood of messages: what the client must still have at the end. Counts only; `bench.client_load` looks at times."""

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from bench.client_load import LATEST, Flood, goals, measure
from chat.client.irc.address import Address
from chat.client.irc.session import Session
from chat.client.model.changes import Appended
from chat.client.model.connection import Stage
from chat.client.model.network import Network
from chat.client.model.talk import SCROLLBACK
from tests.support import PATIENCE, running_server

BURST = 20_000
AMPLE = 64 << 20  # bytes of outbox: the test is to lose nothing, however slow this machine is


def test_of_a_burst_the_newest_lines_are_there_and_no_more_than_the_scrollback() -> None:
    with running_server(lag_limit=AMPLE) as server:
        ben = server.irc("ben", "#lobby")
        session = Session(Address("127.0.0.1", server.ports["irc"]), "ana")
        network = Network("ana", "#lobby", "server")
        session.start()
        while network.connection.stage is not Stage.ONLINE or not network.current.joined:
            network.take(session.news.get(timeout=PATIENCE))
        burst = b"".join(b"PRIVMSG #lobby :message %d\r\n" % number for number in range(BURST))
        sender = threading.Thread(target=ben.sock.sendall, args=(burst,))
        sender.start()
        before = len(network.current.lines)
        appended = pushed_out = most = 0
        while appended < BURST:
            for change in network.take(session.news.get(timeout=PATIENCE)):
                if isinstance(change, Appended) and change.line.nick == "ben":
                    appended += 1
                    pushed_out += change.pushed_out
            most = max(most, len(network.current.lines))
        session.close()
        sender.join(PATIENCE)
        assert session.join(PATIENCE)
    assert [line.text for line in network.current.lines] == [f"message {n}" for n in range(BURST - SCROLLBACK, BURST)]
    assert (most, pushed_out) == (SCROLLBACK, before + BURST - SCROLLBACK)


@pytest.mark.gui
def test_the_benchmark_finds_the_latest_messages_in_the_real_window(tmp_path: Path) -> None:
    if not os.environ.get("DISPLAY") and shutil.which("Xvfb") is None:
        (pytest.fail if os.environ.get("REQUIRE_DISPLAY") else pytest.skip)("no display, and no Xvfb to make one")
    flood, report = measure(seconds=1.0, rate=1500, senders=3, folder=tmp_path)
    assert flood.sent >= LATEST
    assert report["caught_up"] is not None
    assert report["tokens"][-LATEST:] == flood.latest()
    assert len(report["ticks"]) > 0
    assert len(report["work"]) > 0
    assert report["memory"][0][1] > 1 << 20


class Sent(Flood):
    """A flood that was, without its sockets."""

    def __init__(self, messages: int) -> None:
        self._latest = [f"m{number:07d}" for number in range(messages)][-LATEST:]

    def latest(self) -> list[str]:
        return self._latest


GOOD: dict[str, Any] = {
    "ticks": [1.0, 99.0],
    "keys": [2.0, 100.0],
    "work": [0.1, 100.0],
    "memory": [(float(second), 40 << 20) for second in range(60)],
    "tokens": [f"m{number:07d}" for number in range(5000)],
}


def missed(report: dict[str, Any], messages: int = 5000) -> list[str]:
    return [goal.name for goal in goals(Sent(messages), GOOD | report) if not goal.met]


def test_goals_that_are_met() -> None:
    assert missed({}) == []
    assert missed({"keys": []}) == [], "without xdotool nobody presses keys"
    assert missed({"memory": [(second, (second if second < 10 else 40) << 20) for second in range(60)]}) == []


@pytest.mark.parametrize(
    ("report", "name"),
    [
        ({"ticks": [1.0, 101.0]}, "answers a callback, worst"),
        ({"work": [101.0]}, "works in a callback, worst"),
        ({"keys": [101.0]}, "answers a key, worst"),
        ({"memory": [(float(second), second << 20) for second in range(60)]}, "grows, once full"),
        ({"tokens": GOOD["tokens"][:-1]}, "of the last 1,000 not in place"),
        ({"tokens": [*GOOD["tokens"][:-2], "m0004999", "m0004998"]}, "of the last 1,000 not in place"),
        ({"tokens": []}, "of the last 1,000 not in place"),
    ],
)
def test_a_missed_goal_is_told(report: dict[str, Any], name: str) -> None:
    assert missed(report) == [name]


def test_too_short_a_flood_is_no_proof() -> None:
    assert missed({"tokens": GOOD["tokens"][:900]}, messages=900) == ["of the last 900 not in place"]
