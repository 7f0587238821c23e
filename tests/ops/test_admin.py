"""The admin socket of a running server: who may use it, what it answers, and that it holds nobody up."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from chat.server.ops.admin import MOST_CONNECTIONS, REQUEST_BYTES
from chat.server.ops.operation import PORTION, Operation, Rows
from chat.server.ops.unix_socket import UnixListener, connect
from chat.server.ops.verb_table import VERBS, Verb
from chat.server.server import Server
from chat.settings import Settings, parse_address
from chat.wires.message import Message
from tests.support import PATIENCE, RunningServer, running_server


class Administrator:
    """Asks one request after the other on one connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self.sock = sock
        self._lines = sock.makefile("rb")

    def ask(self, verb: str, **arguments: object) -> list[dict[str, Any]]:
        """The rows; fails on an error."""
        rows, end = self.answer(json.dumps({"verb": verb, **arguments}).encode())
        assert end == {"end": len(rows)}
        return rows

    def refused(self, verb: str, **arguments: object) -> str:
        rows, end = self.answer(json.dumps({"verb": verb, **arguments}).encode())
        assert rows == []
        return str(end["error"])

    def answer(self, request: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        self.sock.sendall(request + b"\n")
        rows = []
        while "row" in (line := self.line()):
            rows.append(line["row"])
        return rows, line

    def line(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self._lines.readline())
        return line

    def ended(self) -> bool:
        try:
            return not self._lines.readline()
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._lines.close()
        self.sock.close()


@contextmanager
def administered(path: Path, **settings: Any) -> Iterator[tuple[RunningServer, Administrator]]:
    with running_server(admin=str(path), **settings) as server:
        administrator = Administrator(connect(path))
        try:
            yield server, administrator
        finally:
            administrator.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.sock"


def test_users_and_rooms_are_listed_with_what_an_administrator_wants_to_know(path: Path) -> None:
    with administered(path) as (server, administrator):
        ana, bea = server.irc("ana", "#a", "#b"), server.irc("bea", "#a")
        ana.send("TOPIC #a :words", "AWAY :gone for lunch")
        ana.sync()
        first, second = administrator.ask("users")
        assert (first["nick"], first["host"], first["address"]) == ("ana", "127.0.0.1", "127.0.0.1")
        assert (first["rooms"], first["away"], first["realname"]) == (["#a", "#b"], "gone for lunch", "ana the tester")
        assert (second["nick"], second["away"]) == (bea.nick, None)
        assert [row["nick"] for row in administrator.ask("users", room="#B")] == ["ana"]
        assert administrator.refused("users", room="#none") == "there is no room #none, or nobody is in it"
        rows = administrator.ask("rooms")
        assert [(row["room"], row["members"], row["topic"]) for row in rows] == [("#a", 2, "words"), ("#b", 1, "")]
        (status,) = administrator.ask("status")
        assert (status["users"], status["rooms"], status["connections"]) == (2, 2, 2)


def test_only_the_servers_own_user_may_use_it_and_it_goes_with_the_server(path: Path) -> None:
    mask = os.umask(0)
    try:
        with administered(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_ISSOCK(path.stat().st_mode)
            assert os.listdir(path.parent) == [path.name]
    finally:
        os.umask(mask)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (b"status", "a request is one line of JSON"),
        (b"[" * 60_000, "a request is one line of JSON"),
        (b"[]", 'a request is a JSON object: {"verb": "status"}'),
        (b"{}", "there is no verb None: "),
        (b'{"verb": "sing"}', "there is no verb 'sing': "),
        (b'{"verb": ["users"]}', "there is no verb ['users']: "),
        (b'{"verb": "users", "room": 7}', "room must be a text of one line"),
        (b'{"verb": "users", "room": "#a\\nb"}', "room must be a text of one line"),
    ],
)
def test_a_wrong_request_is_answered_and_the_next_one_too(path: Path, request_: bytes, complaint: str) -> None:
    with administered(path) as (_, administrator):
        rows, end = administrator.answer(request_)
        assert rows == []
        assert end["error"].startswith(complaint)
        assert administrator.ask("users") == []


def test_a_request_without_an_end_is_cut_off(path: Path) -> None:
    with administered(path) as (_, administrator):
        administrator.sock.sendall(b"x" * (REQUEST_BYTES + 1))
        assert administrator.line() == {"error": f"the request is longer than {REQUEST_BYTES:,} bytes, the limit"}
        assert administrator.ended()


def test_more_administrators_than_there_is_room_for_are_told(path: Path) -> None:
    with administered(path) as (_, first):
        others = [Administrator(connect(path)) for _ in range(MOST_CONNECTIONS - 1)]
        for one in (first, *others):
            assert one.ask("users") == []
        late = Administrator(connect(path))
        assert late.line() == {"error": f"{MOST_CONNECTIONS} administrators are at work"}
        for one in (*others, late):
            one.close()


@contextmanager
def verb(name: str, handler: Any) -> Iterator[None]:
    VERBS[name] = Verb(handler, True)
    try:
        yield
    finally:
        del VERBS[name]


def test_a_long_answer_is_made_a_portion_at_a_time_as_it_is_taken(path: Path) -> None:
    """Of an answer that nobody takes one portion is made, and meanwhile the loop serves others."""
    made: list[int] = []

    def endless(operation: Operation) -> Rows:
        while True:
            made.append(len(made))
            yield {"number": len(made), "filling": "x" * 100_000}  # a portion is more than the kernel holds

    with verb("endless", endless), administered(path) as (server, administrator):
        administrator.sock.sendall(b'{"verb": "endless"}\n')
        assert administrator.line()["row"]["number"] == 1
        server.irc("ana").sync()
        assert len(made) == PORTION
        for number in range(2, PORTION + 2):
            assert administrator.line()["row"]["number"] == number
        assert len(made) == 2 * PORTION


def test_a_handler_may_answer_later_and_through_the_log(path: Path) -> None:
    def lift(operation: Operation) -> None:
        user = operation.node.state.get_user(operation.text("for"))
        operation.ask(Message("UNBAN", [operation.text("mask")], operation.node.name), {"for": user.nick})

    with verb("lift", lift), administered(path) as (server, administrator):
        server.irc("ana").sync()
        administrator.ask("ban-add", mask="10.9.9.9", seconds=0, reason="no")
        assert administrator.ask("lift", mask="10.9.9.9", **{"for": "ana"}) == [{"for": "ana"}]
        assert administrator.ask("ban-list") == []
        assert administrator.refused("lift", mask="x", **{"for": "bea"}) == "bea: No such nick/channel"
        assert administrator.refused("lift", mask="x", **{"for": "ana"}) == "There is no server ban of x"
        assert administrator.refused("lift", **{"for": "ana"}) == "lift needs mask"


def test_with_a_log_that_answers_later_the_answer_waits_for_the_disk(path: Path, tmp_path: Path) -> None:
    def end(operation: Operation) -> None:
        user = operation.node.state.get_user("ana")
        operation.ask(Message("KILL", [user.mask, "enough"], operation.node.name))

    log = f"sqlite:{tmp_path / 'log'}"
    with verb("end", end), administered(path, log=log, durability="strict") as (server, administrator):
        ana = server.irc("ana", "#a")
        assert administrator.ask("end") == []
        assert "enough" in ana.expect("ERROR").params[-1]


@pytest.mark.filterwarnings("ignore")
def test_a_fault_of_a_handler_ends_its_request_and_nothing_else(path: Path) -> None:
    def faulty(operation: Operation) -> Rows:
        yield from [{"number": number} for number in range(PORTION)]
        raise RuntimeError("ours")

    def worse(operation: Operation) -> None:
        raise RuntimeError("ours")

    with verb("faulty", faulty), verb("worse", worse), administered(path) as (server, administrator):
        rows, end = administrator.answer(b'{"verb": "faulty"}')
        assert (len(rows), end) == (PORTION, {"error": "internal error; the server's log says more"})
        assert administrator.refused("worse") == "internal error; the server's log says more"
        server.irc("ana").sync()
        assert administrator.ask("users") != []


def test_a_request_that_waits_ends_with_the_server(path: Path) -> None:
    with verb("never", lambda operation: None), administered(path) as (server, administrator):
        administrator.sock.sendall(b'{"verb": "never"}\n')
        waiting = Administrator(connect(path))
        assert waiting.ask("users") == []
        server.server.stop()
        assert administrator.line() == {"error": "the server stops"}
        assert waiting.ended()
        waiting.close()


def test_a_socket_that_a_crash_left_is_replaced_and_a_living_servers_is_not(path: Path) -> None:
    crashed = UnixListener(path)
    crashed.sock.close()
    with administered(path) as (_, administrator):
        with pytest.raises(SetupError, match="is another server's; --admin names another path"):
            Server(Settings(listen=(parse_address("irc://127.0.0.1:0"),), log="memory:", admin=str(path))).start()
        crashed.unlink()  # not its own any longer
        assert administrator.ask("users") == []
        assert path.exists()


def test_another_file_of_that_name_stays(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(SetupError, match="there is another file of this name"):
        UnixListener(path)
    assert path.read_text() == "mine"


def test_a_path_may_be_longer_than_a_sockets_name_can_be(tmp_path: Path) -> None:
    with administered(tmp_path / ("folder" * 20) / "server.sock") as (_, administrator):
        assert administrator.ask("users") == []


def test_a_server_without_a_place_for_it_serves_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "file"
    place.write_text("")
    monkeypatch.setenv("FANFARE_DATA_HOME", str(place))
    with running_server(admin="") as server:
        server.irc("ana").sync()
    assert "no admin socket: the admin socket" in caplog.text
