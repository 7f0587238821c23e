"""The comparison shows every server that was asked for, with what its run said, and leaves nothing running."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from loadtest.compare import probe, rotated, targets
from loadtest.report.comparison import Target, Turn, comparison, row
from loadtest.run.server import owner
from tests.loadtest.runs import PATIENCE, ROOT, UNHURRIED
from tests.support import running_server

HERE = Target("fanfare", "irc://127.0.0.1:6667")
BRIEF = (
    *UNHURRIED,
    "--users",
    "6",
    "--spawn-rate",
    "100",
    "--settle",
    "0.1",
    "--grace",
    "20",
    "--duration",
    "1",
    "--rate",
    "10",
)


def run_summary(verdict: str = "pass", p50: int = 2_000, **changes: Any) -> dict[str, Any]:
    times = {"count": 10, "p50": p50, "p90": 3_000, "p99": 4_000, "p999": 4_500, "max": 5_000}
    return {
        "verdict": verdict,
        "reasons": [] if verdict == "pass" else ["2 deliveries lost; the requirement is lost=0"],
        "users": 1_000,
        "duration_s": 2.0,
        "messages": {"sent": 10, "delivered": 9_988, "lost": 2},
        "fanout_us": times,
        "complete_us": times,
        "timeline": [
            {"server_cpu_percent": 20.0, "server_memory_bytes": 3 << 20},
            {"server_cpu_percent": None, "server_memory_bytes": None},
            {"server_cpu_percent": 41.0, "server_memory_bytes": 2 << 20},
        ],
        **changes,
    }


def test_a_row_has_the_figures_that_a_run_left_and_the_servers_own() -> None:
    summary = run_summary("fail", p50=3_000)
    rounds = [run_summary(p50=us) for us in (2_900, 3_100, 3_000)]
    turn = Turn(Target("ergo", "irc://e:1"), "ergo-2.15.0", summary, rounds=rounds)
    assert row(turn, Turn(HERE, "v", run_summary(), rounds=[run_summary(p50=us) for us in (1_000, 2_000, 3_000)])) == {
        "server": "ergo",
        "target": "irc://e:1",
        "version": "ergo-2.15.0",
        "verdict": "fail",
        "reasons": ["2 deliveries lost; the requirement is lost=0"],
        "users": 1_000,
        "messages": 10,
        "lost": 2,
        "fanout_us": summary["fanout_us"],
        "complete_us": summary["complete_us"],
        "deliveries_per_s": 4_994.0,
        "server_cpu_percent": 30.5,
        "server_memory_bytes": 3 << 20,
        "complete_ratio": {
            "p50": {"ratio": 1.6504, "low": 0.4367, "high": 6.2364},
            "p99": {"ratio": 1.0, "low": 1.0, "high": 1.0},
        },
    }


def test_the_machines_drift_is_in_both_of_a_round_and_so_not_in_the_ratio() -> None:
    """From round to round all takes four times as long; one server takes a tenth more than the other in each."""
    base, other = ([run_summary(p50=us) for us in each] for each in ((1_000, 4_000, 16_000), (1_100, 4_400, 17_600)))
    made = row(Turn(HERE, "v", base[0], rounds=other), Turn(HERE, "v", base[0], rounds=base))
    assert made["complete_ratio"]["p50"] == {"ratio": 1.1, "low": 1.1, "high": 1.1}


def test_every_round_begins_with_another_server() -> None:
    one, two, three = (Target(name, "irc://h:1") for name in "abc")
    orders = [rotated([one, two, three], number) for number in range(4)]
    assert orders == [[one, two, three], [two, three, one], [three, one, two], [one, two, three]]


def test_one_round_each_gives_no_ratio() -> None:
    turn = Turn(HERE, "v", run_summary(), rounds=[run_summary()])
    assert row(turn, turn)["complete_ratio"] == {"p50": None, "p99": None}


@pytest.mark.parametrize(("one", "other"), [("invalid", "pass"), ("pass", "invalid")])
def test_nothing_is_made_of_an_invalid_run(one: str, other: str) -> None:
    rounds = [run_summary(), run_summary()]
    first, second = ([*rounds, run_summary(word)] for word in (one, other))
    made = row(Turn(HERE, "v", first[2], rounds=first), Turn(HERE, "v", second[2], rounds=second))
    assert made["complete_ratio"]["p50"] == {"ratio": 1.0, "low": 1.0, "high": 1.0}  # of the two others
    made = row(Turn(HERE, "v", first[2], rounds=first[1:]), Turn(HERE, "v", second[2], rounds=second[1:]))
    assert made["complete_ratio"] == {"p50": None, "p99": None}


def test_what_nobody_knows_is_null_and_a_dash() -> None:
    nothing = dict.fromkeys(("count", "p50", "p90", "p99", "p999", "max"), 0)
    unknown = run_summary(timeline=[], fanout_us=nothing, complete_us=nothing, duration_s=0.0)
    made = row(Turn(HERE, "v", unknown), Turn(HERE, "v", unknown))
    assert (made["server_cpu_percent"], made["server_memory_bytes"], made["deliveries_per_s"]) == (None, None, None)
    assert made["complete_ratio"] == {"p50": None, "p99": None}
    assert comparison([made], "fanfare").splitlines()[4].count("–") == 10


def test_every_server_has_a_line_and_each_reason_stands_below() -> None:
    here = Turn(HERE, "fanfare-0.1.0", run_summary(), rounds=[run_summary()] * 3)
    slow = [run_summary("fail", 3_000)] * 3
    rows = [
        row(here, here),
        row(Turn(Target("gone", "irc://g:1"), "", None, "no answer from irc://g:1: refused"), here),
        row(Turn(Target("ergo", "irc://e:1"), "ergo-2.15.0", slow[0], rounds=slow), here),
    ]
    lines, same = comparison(rows, "fanfare").splitlines(), "1.00 [1.00, 1.00]"
    assert [" ".join(line.split()) for line in lines[4:7]] == [
        f"fanfare fanfare-0.1.0 pass 1,000 10 2 2.000 4.000 5.000 2.000 4.000 4,994 30 3.0 {same} {same}",
        " ".join(["gone", "–", "invalid", *"–" * 13]),
        f"ergo ergo-2.15.0 fail 1,000 10 2 3.000 4.000 5.000 3.000 4.000 4,994 30 3.0 1.50 [1.50, 1.50] {same}",
    ]
    assert lines[-2:] == [
        "gone: invalid: no answer from irc://g:1: refused",
        "ergo: fail: 2 deliveries lost; the requirement is lost=0",
    ]
    assert len({len(line) for line in lines[4:7]}) == 1
    assert max(map(len, lines)) <= 180


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ((), "which servers"),
        (("ngircd",), "got 'ngircd'"),
        (("a=http://there:1",), "got 'a=http://there:1'"),
        (("../a=irc://there:1",), "got '../a=irc://there:1'"),
        (("a=irc://there:70000",), "70000"),
        (("a=irc://one:1", "a=irc://two:1"), "two servers are named 'a'"),
    ],
)
def test_a_server_that_cannot_be_read_is_refused(words: tuple[str, ...], fault: str) -> None:
    with pytest.raises(SetupError, match=fault):
        targets(words)


def test_servers_come_in_the_order_given() -> None:
    assert targets(("b=irc://h:1", "a=irc://[::1]:2")) == [Target("b", "irc://h:1"), Target("a", "irc://[::1]:2")]


def test_a_server_says_its_version_and_its_process_is_found() -> None:
    with running_server() as server:
        seen = probe(f"irc://127.0.0.1:{server.ports['irc']}")
    assert seen.version.startswith("fanfare-")
    assert seen.pid == os.getpid()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_who_holds_the_other_end_of_a_connection_is_found(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener, socket.create_connection(listener.getsockname()[:2]) as connection:
        assert owner(connection) is None  # nobody has accepted it yet
        with listener.accept()[0]:
            assert owner(connection) == os.getpid()


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "loadtest.compare", *words]


def compare(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    with running_server() as server:
        yield f"irc://127.0.0.1:{server.ports['irc']}"


@contextmanager
def nobody() -> Iterator[str]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"irc://127.0.0.1:{unused.getsockname()[1]}"


def test_each_server_has_its_turn_and_one_that_is_not_there_is_shown_as_invalid(here: str, tmp_path: Path) -> None:
    (tmp_path / "compare" / "gone").mkdir(parents=True)
    (tmp_path / "compare" / "gone" / "summary.json").write_text("{}")  # of an earlier comparison
    with nobody() as gone:
        done = compare("--report", str(tmp_path), f"one={here}", f"gone={gone}", "--", "--rounds", "2", *BRIEF)
    assert done.returncode == 3, done.stdout + done.stderr
    answer = json.loads((tmp_path / "compare.json").read_text())
    one, other = answer["servers"]
    assert (answer["baseline"], answer["options"], answer["rounds"]) == ("one", list(BRIEF), 2)
    assert (one["server"], one["verdict"], one["users"], one["messages"], one["lost"]) == ("one", "pass", 6, 20, 0)
    assert (one["fanout_us"]["count"], one["deliveries_per_s"]) == (100, 50.0)
    assert one["complete_ratio"]["p50"] == {"ratio": 1.0, "low": 1.0, "high": 1.0}  # of itself
    assert one["server_memory_bytes"] > 0
    assert (other["verdict"], other["users"]) == ("invalid", None)
    assert "Connection refused" in other["reasons"][0]
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.suffix != ".hgrm"}
    assert {
        "compare.json",
        *(f"compare/one/round-{n}/{name}" for n in (1, 2) for name in ("report.html", "result.json")),
    } <= left
    assert not any(path.startswith("compare/gone/") for path in left)
    assert [line.split()[:1] for line in done.stdout.splitlines()[4:6]] == [["one"], ["gone"]]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--",), "compare: which servers? NAME=irc://HOST:PORT, one or more, then -- and Locust's options"),
        (("a=irc://HERE", "--", "--users", "1"), "compare: broadcast needs 2 users or more, got 1: use --users"),
        (("--report", "/proc/no/where", "a=irc://HERE"), "compare: --report /proc/no/where: No such file or directory"),
    ],
)
def test_wrong_use_is_one_line_and_exit_status_2(
    here: str, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    place = () if "--report" in words else ("--report", str(tmp_path))
    done = compare(*place, *(word.replace("irc://HERE", here) for word in words))
    assert (done.returncode, done.stdout) == (2, "")
    assert [line for line in done.stderr.splitlines() if "warm-up" not in line] == [reason]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_however_it_is_stopped_its_locust_ends_with_it(number: signal.Signals, tmp_path: Path) -> None:
    with running_server() as server:
        watcher = server.irc("ann", "#load")
        words = ("--report", str(tmp_path), f"one=irc://127.0.0.1:{server.ports['irc']}", "--", *BRIEF)
        with subprocess.Popen(
            command(*words, "--duration", "3600"), cwd=ROOT, stderr=subprocess.PIPE, text=True
        ) as comparison:
            watcher.until("JOIN")  # the load test's first user is in
            comparison.send_signal(number)
            assert comparison.wait(PATIENCE) == 130
            assert comparison.stderr is not None
            assert comparison.stderr.read().splitlines()[-1] == "compare: stopped before its end"
            assert not locusts(tmp_path)


def locusts(mark: Path) -> list[str]:
    """The processes whose command line has this in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(mark) in words:
            found.append(words)
    return found
