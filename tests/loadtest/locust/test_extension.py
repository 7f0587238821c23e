"""A wire or a scenario of one's own is one class, and has everything: ledger, verdict, report."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.loadtest.runs import PATIENCE, QUICK, ROOT, UNHURRIED, run, summary
from tests.support import running_server

EXAMPLES = ROOT / "examples"


def load(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "chat.cli", "load", *words, "--skip-log"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_a_wire_of_ones_own_has_ledger_verdict_and_report_without_a_line_more(tmp_path: Path) -> None:
    with running_server(("nick",)) as server:
        url = f"nick://127.0.0.1:{server.ports['nick']}"
        asked = ("-f", str(EXAMPLES / "nick.py"), "--scenario", "broadcast", "--report", str(tmp_path))
        done = load(url, *asked, *QUICK, *UNHURRIED, "--settle", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["sent"], messages["expected_deliveries"], messages["delivered"]) == (10, 190, 190)
    assert (messages["stray"], messages["corrupt"], messages["diverged"]) == (0, 0, 0)
    assert "all 190 deliveries arrived, once, whole and in one order" in done.stdout


def test_a_scenario_of_ones_own_has_too(tmp_path: Path) -> None:
    short = tmp_path / "lecture.py"
    text = (EXAMPLES / "lecture.py").read_text()
    short.write_text(text.replace("(10)", "(1)").replace("(5)", "(0.2)"))
    with running_server() as server:
        url = f"irc://127.0.0.1:{server.ports['irc']}"
        asked = ("-f", str(short), "--scenario", "lecture", "--report", str(tmp_path / "report"))
        done = load(url, *asked, *QUICK, *UNHURRIED)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path / "report")
    assert (report["scenario"], report["duration_s"], report["messages"]["delivered"]) == ("lecture", 2.0, 380)


def test_a_scenario_says_what_its_wire_must_tell() -> None:
    with running_server(("nick",)) as server:
        url = f"nick://127.0.0.1:{server.ports['nick']}"
        done = load(url, "-f", str(EXAMPLES / "nick.py"), "--scenario", "crash", "--users", "10")
    assert done.returncode == 2
    assert "crash needs irc://" in done.stderr
    assert "nick tells nothing of leaves, names" in done.stderr


@pytest.mark.parametrize("schedule", ["poisson", "bursts", "replay"])
def test_any_schedule_has_exact_accounts_over_processes(tmp_path: Path, schedule: str) -> None:
    log = tmp_path / "chat.log"
    log.write_text("".join(f"{100 + n / 20} {60 + 9 * n}\n" for n in range(18)))
    how = ("--replay", str(log)) if schedule == "replay" else ("--schedule", schedule, "--rate", "20", "--burst", "6")
    with running_server() as server:
        port = server.ports["irc"]
        done = run(port, *QUICK, *UNHURRIED, *how, "--announcers", "3", "--report", str(tmp_path / "report"))
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path / "report")["messages"]
    assert messages["delivered"] == messages["expected_deliveries"] == 19 * messages["sent"] > 0
    assert messages["corrupt"] == 0
    assert messages["sent"] == {"replay": 18, "bursts": 60}.get(schedule, messages["sent"])


def test_a_warm_up_is_played_and_not_counted(tmp_path: Path) -> None:
    with running_server() as server:
        done = run(server.ports["irc"], *QUICK, *UNHURRIED, "--warm-up", "0.5", "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert summary(tmp_path)["messages"]["sent"] == 10


def test_the_package_itself_takes_no_time_and_loads_nothing() -> None:
    """Counted by modules: a time would be the machine's."""
    words = (
        "import sys, loadtest; print(len([m for m in sys.modules if m.startswith(('loadtest', 'locust', 'gevent'))]))"
    )
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 1


@pytest.mark.parametrize("scheme", ["relay", "joined", "tilde", "nick"])
def test_each_tutorials_wire_is_built_in(tmp_path: Path, scheme: str) -> None:
    with running_server((scheme,)) as server:
        url = f"{scheme}://127.0.0.1:{server.ports[scheme]}"
        done = load(url, "--report", str(tmp_path), *QUICK, *UNHURRIED, "--settle", "1.5", "--message-size", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["delivered"], messages["expected_deliveries"], messages["corrupt"]) == (190, 190, 0)
