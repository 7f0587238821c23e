"""Users and wires of a person's own: the guide's examples, taken out of it as they stand, against a real server."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loadtest.core import stamps
from tests.loadtest.runs import QUICK, ROOT, UNHURRIED, run, summary
from tests.support import IrcClient, RunningServer, running_server

GUIDE = (ROOT / "docs" / "write-your-own.md").read_text()
FOUR = ("--users", "4", "--spawn-rate", "10", "--run-time", "45")  # the end that only a fault reaches

# Ends the run once the rows have counted so much without a failure: as soon as a quick machine can, and a slow one.
ENOUGH = """
import gevent
from locust import events

@events.test_start.add_listener
def end_with_enough(environment, **_):
    def done():
        went_well = dict.fromkeys(wanted, 0)
        for (_, row), entry in environment.stats.entries.items():
            if row in wanted:
                went_well[row] += entry.num_requests - entry.num_failures
        return all(went_well[row] >= count for row, count in wanted.items())

    def watch():
        while not done():
            gevent.sleep(0.1)
        environment.runner.quit()

    gevent.spawn(watch)
"""
HEARD = {"connect": 4, "join": 4, "send": 8, "deliver": 12}


def examples(heading: str) -> list[str]:
    """The Python programs in one section of the guide."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.S)


def play(
    server: RunningServer, scheme: str, source: str, directory: Path, *options: str, until: dict[str, int] | None = None
) -> dict[str, Any]:
    """Run a locustfile, `until` its rows have counted so much; gives Locust's rows by their kind."""
    own = directory / "own.py"
    own.write_text(source if until is None else f"{source}\n{ENOUGH}\nwanted = {until}\n")
    host = ("--host", f"{scheme}://127.0.0.1:{server.ports[scheme]}")
    done = run(0, *host, *FOUR, "--json-file", str(directory / "locust"), *options, locustfile=own)
    assert "Traceback" not in done.stderr, done.stderr
    rows: dict[str, Any] = {}
    for row in json.loads((directory / "locust.json").read_text()):
        rows.setdefault(row["method"], Counter()).update(asked=row["num_requests"], failed=row["num_failures"])
    return rows


def overheard(witness: IrcClient) -> tuple[int, int]:
    """What users of the server said, and how many deliveries that makes: a room has one order, and so one truth."""
    present: set[str] = set()
    sent = due = 0
    for message in witness.sync():
        if message.verb == "JOIN":
            present.add(message.nick)
        elif message.verb == "NICK":
            present = present - {message.nick} | {message.params[0]}
        elif message.verb in ("QUIT", "PART"):
            present.discard(message.nick)
        elif message.verb == "PRIVMSG":
            sent, due = sent + 1, due + len(present) - 1
    return sent, due


def test_a_locustfile_of_ones_own_needs_ten_lines(server: RunningServer, tmp_path: Path) -> None:
    source = examples("Users")[0]
    assert len([line for line in source.splitlines() if line]) <= 10
    witness = server.irc("witness", "#lobby")
    rows = play(server, "irc", source, tmp_path, until=HEARD)
    sent, due = overheard(witness)
    assert rows["connect"] == rows["join"] == {"asked": 4, "failed": 0}
    assert 8 <= sent == rows["send"]["asked"]
    assert 12 <= rows["deliver"]["asked"] <= due  # what is said at the very end may be left unread


def test_users_wait_for_words_and_answer_them(server: RunningServer, tmp_path: Path) -> None:
    heard = {"receive": 1, "deliver": 20}
    rows = play(server, "irc", examples("Users")[1], tmp_path, until=heard)
    assert rows["receive"]["asked"] - rows["receive"]["failed"] > 0
    assert rows["deliver"]["asked"] > rows["receive"]["asked"]


def test_tags_choose_among_several_classes(server: RunningServer, tmp_path: Path) -> None:
    rows = play(server, "irc", examples("Users")[1], tmp_path, "--exclude-tags", "ask", until={"connect": 4, "send": 4})
    assert rows["connect"]["asked"] == 4
    assert rows["send"]["asked"] > 0
    assert "receive" not in rows


WANDERER = """
import gevent
from locust import task
from locust.exception import StopUser
from loadtest import ChatUser

arrived = []

class Wanderer(ChatUser):
    room = "#one"

    @task
    def wander(self):
        self.enter("#two")
        self.say("beside", "#two")
        self.say("first")
        self.leave()
        self.enter("#three")
        self.say("anew")
        self.connection.send(self._wire.goodbye())
        try:
            self.wait_for("what nobody says", seconds=50)
        except StopUser:
            self.enter("#three")
            self.say("back")
        arrived.append(self)
        if len(arrived) == 4:
            gevent.spawn(self.environment.runner.quit)
        self.gone.wait()
"""


def test_a_task_enters_further_rooms_leaves_and_returns_even_after_a_lost_connection(
    server: RunningServer, tmp_path: Path
) -> None:
    witness = server.irc("witness", "#one", "#two", "#three")
    rows = play(server, "irc", WANDERER, tmp_path)
    said = Counter((m.params[0], stamps.without(m.params[1])) for m in witness.sync() if m.verb == "PRIVMSG")
    assert said == dict.fromkeys([("#two", "beside"), ("#one", "first"), ("#three", "anew"), ("#three", "back")], 4)
    assert rows["connect"] == {"asked": 12, "failed": 0}
    assert rows["join"] == {"asked": 16, "failed": 0}


@pytest.mark.parametrize(("scheme", "example"), [("relay", 0), ("nick", 1)])
def test_a_wire_of_ones_own_is_driven_timed_and_counted(scheme: str, example: int, tmp_path: Path) -> None:
    source = examples("A wire")[example]
    assert len([line for line in source.splitlines() if line]) <= 25
    with running_server(("irc", scheme)) as server:
        witness = server.irc("witness", "#lobby")
        rows = play(server, scheme, source, tmp_path, until=HEARD)
        sent, due = overheard(witness)
    if scheme == "relay":
        due = 3 * sent  # who connects there hears the room before their first words
    assert rows["connect"] == rows["join"] == {"asked": 4, "failed": 0}
    assert 8 <= sent == rows["send"]["asked"]
    assert 12 <= rows["deliver"]["asked"] <= due


def test_broadcast_runs_on_another_wire_with_exact_accounts(tmp_path: Path) -> None:
    with running_server(("relay",)) as server:
        relay = ("--host", f"relay://127.0.0.1:{server.ports['relay']}", "--settle", "2", "--report", str(tmp_path))
        done = run(0, *QUICK, *UNHURRIED, *relay)
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["sent"], messages["expected_deliveries"], messages["delivered"]) == (10, 190, 190)


def test_a_scenario_that_a_wire_cannot_carry_is_refused_in_one_line() -> None:
    done = run(0, "--host", "relay://127.0.0.1:1", "--scenario", "room", *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "locust: error: room needs irc:// or ircs:// or ws:// or wss://, got 'relay://127.0.0.1:1': "
        "relay tells nothing of rooms\n"
    )
