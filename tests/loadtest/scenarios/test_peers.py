"""The load test against the servers of others, where they are installed: small, and every delivery counted.

With REQUIRE_PEERS=1 ngIRCd and InspIRCd must be there. Ergo is in Debian 13 and later only: tests/test_compose.py has
it, and the other two in newer versions.
"""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port, serving
from bench.servers import Ergo, InspIrcd, NgIrcd, Packaged
from loadtest.compare import probe
from tests.loadtest.runs import UNHURRIED, run, summary

PEERS: dict[str, type[Packaged]] = {"ngircd": NgIrcd, "inspircd": InspIrcd, "ergo": Ergo}
REQUIRED = ("ngircd", "inspircd")
VERSIONS = {"ngircd": "ngircd-", "inspircd": "InspIRCd-", "ergo": "ergo-"}
CAPABILITIES = ("--capabilities", "server-time,echo-message,message-tags,batch")
# InspIRCd looks at newcomers once a second: 12 at a time take one, 8 at a time two.
BRIEF = (
    *UNHURRIED,
    *("--users", "12", "--spawn-rate", "100", "--connecting", "12"),
    *("--settle", "0.1", "--grace", "20", "--duration", "1"),
)


def installed(name: str) -> Packaged:
    peer = PEERS[name](name)
    if why := peer.missing():
        (pytest.fail if name in REQUIRED and os.environ.get("REQUIRE_PEERS") == "1" else pytest.skip)(f"{name}: {why}")
    return peer


@pytest.fixture(scope="module", params=list(PEERS))
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The name of a server that is running, and its port."""
    server, port, folder = installed(request.param), free_port(), tmp_path_factory.mktemp(request.param)
    with serving(server.command(port, folder), port, folder / "log"):
        yield server.name, port


def test_it_says_what_it_is(peer: tuple[str, int]) -> None:
    name, port = peer
    seen = probe(f"irc://127.0.0.1:{port}")
    assert seen.version.startswith(VERSIONS[name])
    assert seen.pid is not None


@pytest.mark.parametrize("capabilities", [(), CAPABILITIES], ids=["plain", "capabilities"])
def test_every_delivery_is_accounted_for(peer: tuple[str, int], capabilities: tuple[str, ...], tmp_path: Path) -> None:
    done = run(peer[1], *BRIEF, *capabilities, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["sent"], messages["delivered"], messages["lost"], messages["duplicated"]) == (10, 110, 0, 0)


def test_a_death_is_noticed_and_nobody_is_left_on_the_list_be_its_lines_tagged(
    peer: tuple[str, int], tmp_path: Path
) -> None:
    options = ("--scenario", "crash", "--ways", "fin", "--victims", "2", "--before", "1", "--after", "0")
    done = run(peer[1], *BRIEF, *CAPABILITIES, *options, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (death,) = summary(tmp_path)["disconnects"]
    assert (death["informed"], death["observers"], death["ghosts"], death["false_deaths"]) == (10, 10, 0, 0)


@pytest.mark.parametrize(("name", "status"), [("ngircd", "0"), ("inspircd", "10"), ("ergo", "0")])
def test_it_is_restarted_and_all_come_back(name: str, status: str, tmp_path: Path) -> None:
    server, port = installed(name), free_port()
    command = shlex.join(server.command(port, tmp_path))
    # Without a database, Ergo keeps its history in memory.
    forgets = ("--require", "history_missed>=0") if name == "ergo" else ()
    options = (
        *forgets,
        "--scenario",
        "stampede",
        "--before",
        "1",
        "--after",
        "1",
        "--server-exit-status",
        status,
    )
    done = run(port, *BRIEF, *options, "--server-command", command, "--report", str(tmp_path / "report"))
    assert done.returncode == 0, done.stdout + done.stderr
    stampede: Any = summary(tmp_path / "report")["stampede"]
    assert (stampede["users"], stampede["returned"]) == (12, 12)
    history = summary(tmp_path / "report")["history"]
    assert (history["readers"] + history["not_offered"], history["unanswered"]) == (12, 0)
