"""`fanfare admin account`, beside a running server and on the log of one that does not run."""

import io
import json
import sys
from pathlib import Path

import pytest

from chat import cli
from tests.end_to_end.test_accounts import log_in
from tests.ops.test_admin_command import log
from tests.support import running_server

__all__ = ["log"]
PASSWORD = "sesame-open"


def account(monkeypatch: pytest.MonkeyPatch, *arguments: str, password: str = PASSWORD) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\nnot this line\n"))
    return cli.main(["admin", "account", *arguments])


def listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, list[str]]]:
    capsys.readouterr()
    assert account(monkeypatch, "list", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(row["account"], row["users"]) for row in rows]


def test_accounts_are_made_without_a_server_and_logged_in_to_with_one(
    log: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FANFARE_PASSWORD_ITERATIONS", "4096")
    assert account(monkeypatch, "add", "Ana") == 0
    assert account(monkeypatch, "add", "bea", "--password-stdin") == 0
    assert account(monkeypatch, "password", "BEA", password="another-one") == 0
    assert listed(monkeypatch, capsys) == [("Ana", []), ("bea", [])]
    with running_server(log=log, admin="") as server:
        client = server.irc("carl", caps="sasl")
        log_in(client, "bea", "another-one")
        assert client.expect("900").params[2] == "bea"
        assert listed(monkeypatch, capsys) == [("Ana", []), ("bea", ["carl"])]
        assert account(monkeypatch, "add", "dora") == 0
        assert account(monkeypatch, "remove", "BEA") == 0
        client.send("WHOIS carl")
        assert "330" not in [message.verb for message in client.until("318")]
    assert listed(monkeypatch, capsys) == [("Ana", []), ("dora", [])]
    assert all(
        word not in file.read_bytes()
        for file in Path(log.removeprefix("sqlite:")).parent.iterdir()
        for word in (PASSWORD.encode(), b"another-one")
    )


@pytest.mark.parametrize(
    ("arguments", "password", "status", "words"),
    [
        (("add", "ana"), PASSWORD, 1, "There is an account of that name"),
        (("add", "NickServ"), PASSWORD, 1, "a nickname may have"),
        (("add", "two words"), PASSWORD, 1, "no account's name"),
        (("add", "bea"), "short", 2, "the least is 6"),
        (("add", "bea"), "", 2, "the least is 6"),
        (("add", "bea"), "tab\there-and-there", 2, "control character"),
        (("remove", "nobody"), "", 1, "no account of that name"),
        (("password", "nobody"), PASSWORD, 1, "no account of that name"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    log: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    password: str,
    status: int,
    words: str,
) -> None:
    monkeypatch.setenv("FANFARE_PASSWORD_ITERATIONS", "4096")
    assert account(monkeypatch, "add", "ana") == 0
    capsys.readouterr()
    assert account(monkeypatch, *arguments, password=password) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("fanfare: ")
    assert words in line
