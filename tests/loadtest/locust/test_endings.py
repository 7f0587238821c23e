"""How a run ends that had no time to begin, or that somebody stops: by one line and a status, and no traceback."""

import signal
import subprocess

import pytest

from loadtest.__main__ import main
from tests.loadtest.runs import PATIENCE, QUICK, ROOT, UNHURRIED, command, master_port, port, started

__all__ = ["port"]  # a fixture: pytest finds it by its name here


def test_workers_that_do_not_come_make_the_run_invalid_and_not_a_failure(port: int) -> None:
    few = ("--master", "--expect-workers", "2", "--expect-workers-max-wait", "1", *master_port())
    words = command("--headless", "--host", f"irc://127.0.0.1:{port}", *QUICK, *few)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "0 of 2 workers came in 1 s" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_page_that_cannot_listen_is_one_line_and_no_traceback(port: int) -> None:
    words = command("--host", f"irc://127.0.0.1:{port}", "--web-port", str(port))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"locust: error: --web-host 127.0.0.1, --web-port {port}: Address already in use\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_host_is_one_line_and_not_a_failure_of_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["irc://127.0.0.1:1", "irc://127.0.0.1:2"]) == 2
    assert capsys.readouterr().err == (
        "fanfare load: irc://127.0.0.1:2: several hosts of one network go with commas between\n"
    )


@pytest.mark.parametrize("moment", ["coming in", "window 1"])
def test_an_interrupt_prints_no_traceback(port: int, moment: str) -> None:
    long = ("--duration", "3600", "--progress", "0.2")
    with started("--headless", "--host", f"irc://127.0.0.1:{port}", *QUICK, *UNHURRIED, *long) as locust_:
        assert locust_.stderr
        seen = []
        for line in locust_.stderr:
            seen.append(line)
            if moment in line or "window 1" in line:
                break
        locust_.send_signal(signal.SIGINT)
        out, errors = locust_.communicate(timeout=PATIENCE)
    assert locust_.returncode == 3, out + errors
    assert "Traceback" not in "".join(seen) + errors
    assert "KeyboardInterrupt" not in errors
