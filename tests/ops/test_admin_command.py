"""`fanfare admin`, beside a running server and on the log of one that does not run."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import chat
from chat import cli
from chat.server.ops.unix_socket import UnixListener
from tests.support import running_server

ROOT = Path(chat.__file__).parent.parent
AS_NOBODY = """
import os, sys
from pathlib import Path
from chat.errors import SetupError
from chat.server.ops.unix_socket import connect
os.setuid(65534)  # who may not read the packages
try:
    connect(Path(sys.argv[1]))
except SetupError as error:
    print(error)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Settings of a server that does not run yet."""
    monkeypatch.delenv("FANFARE_ADMIN")
    monkeypatch.setenv("FANFARE_LOG", f"sqlite:{tmp_path / 'log.sqlite'}")
    return os.environ["FANFARE_LOG"]


def admin(*arguments: str) -> int:
    return cli.main(["admin", *arguments])


def test_it_asks_the_server_while_one_runs_and_else_its_log(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(log=log, admin="") as server:
        ana = server.irc("ana", "#a")
        ana.send("TOPIC #a :what it is about")
        ana.sync()
        assert admin("users", "--json") == 0
        assert [json.loads(line)["nick"] for line in capsys.readouterr().out.splitlines()] == ["ana"]
        assert admin("rooms") == 0
        header, line = capsys.readouterr().out.splitlines()
        assert header.split() == ["room", "members", "modes", "created", "topic"]
        assert line.split()[:3] == ["#a", "1", "nt"]
        assert line.endswith("  what it is about")
        assert admin("status") == 0
        assert f"process                 {os.getpid()}\n" in capsys.readouterr().out
    assert admin("users") == 0
    assert capsys.readouterr().out == ""
    assert admin("rooms", "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["members"], json.loads(line)["topic"]) == (0, "what it is about")
    assert admin("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["server"] is None


def test_what_the_server_refuses_is_one_line_and_status_1(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in running_and_not(log):
        assert admin("users", "--room", "#none") == 1
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "fanfare: there is no room #none, or nobody is in it\n")


def running_and_not(log: str) -> Iterator[None]:
    with running_server(log=log, admin=""):
        yield
    yield


def test_without_server_and_log_it_says_where_it_looked(
    log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin("users") == 2
    path = tmp_path / "log"
    none = f"fanfare: no server runs here: there is no admin socket {path}.sock; and"
    assert capsys.readouterr().err == f"{none} there is no log {path}.sqlite\n"
    UnixListener(Path(f"{path}.sock")).sock.close()
    assert admin("users", "--log", "memory:", "--admin", f"{path}.sock") == 2
    left = f"fanfare: no server runs here: the admin socket {path}.sock was left by one that crashed; and"
    assert capsys.readouterr().err == f"{left} the log memory: leaves nothing\n"
    assert not Path(f"{path}.sqlite").exists()
    assert admin("users", "--log", "redis://127.0.0.1:1/0") == 2
    assert capsys.readouterr().err.endswith("; a shared log is worked on by a server's own socket\n")


def test_a_server_whose_socket_is_off_keeps_its_log_to_itself(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(log=log, admin="off"):
        assert admin("users") == 2
    assert "is in use by another server, process " in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_is_told_that_it_may_not(log: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder, "server.sock")
        with running_server(log=log, admin=str(path)):
            command = [sys.executable, "-c", AS_NOBODY, str(path)]
            said = subprocess.check_output(command, cwd=ROOT, text=True)
    assert said == f"the admin socket {path} cannot be used: Permission denied\n"
