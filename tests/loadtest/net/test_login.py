"""Users who log in to a real server's accounts, and by its password: who may is in, and who may not is told why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loadtest.runs import QUICK, UNHURRIED, run, summary
from tests.support import RunningServer, running_server

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """With an account, and a password of its own."""
    with running_server(password_iterations=4096, password="open sesame") as running:
        ana = running.raw()
        ana.send("PASS :open sesame", "NICK ana", "USER ana 0 * :ana")
        ana.expect("001")
        ana.send(f"REGISTER * * {PASSWORD}")
        assert ana.expect("REGISTER").params[:2] == ["SUCCESS", "ana"]
        yield running


def words(secret: str, password: str) -> tuple[str, ...]:
    return ("--sasl-account", "ana", "--sasl-password", secret, "--server-password", password)


def test_who_has_both_passwords_is_in_and_no_report_has_them(server: RunningServer, tmp_path: Path) -> None:
    login = words(PASSWORD, "open sesame")
    done = run(server.ports["irc"], *QUICK, *UNHURRIED, "--users", "5", *login, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["sent"], messages["delivered"]) == (10, 40)
    for path in (tmp_path / "latest").iterdir():
        text = path.read_text(errors="replace")
        assert PASSWORD not in text
        assert "open sesame" not in text


@pytest.mark.parametrize(
    ("secret", "password", "said"),
    [("wrong", "open sesame", "SASL authentication failed"), (PASSWORD, "wrong", "Password incorrect")],
)
def test_who_has_not_is_told_what_the_server_said(server: RunningServer, secret: str, password: str, said: str) -> None:
    done = run(server.ports["irc"], *QUICK, *UNHURRIED, "--users", "2", *words(secret, password))
    assert done.returncode == 3, done.stdout + done.stderr
    assert said in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr
