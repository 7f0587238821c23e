"""Asking who is in a room, by a member that goes on listening."""

from types import SimpleNamespace
from typing import Any

import pytest

from loadtest.run.role import Unanswered, names_at_all, names_in

HEAD = "fa1b"


class AnsweringConnection:
    """Answers whatever is sent with these pieces, whole lines each, as a server's socket would hand them up."""

    is_open = True

    def __init__(self, *pieces: bytes) -> None:
        self.sent: list[bytes] = []
        self.heard: list[bytes] = []
        self.on_lines: Any = lambda data, now_ns: self.heard.append(data)
        self._pieces = pieces

    def send(self, data: bytes) -> bool:
        self.sent.append(data)
        for piece in self._pieces:
            self.on_lines(piece, 0)
        return True


def member(connection: AnsweringConnection, node: int = 0) -> Any:
    return SimpleNamespace(connection=connection, receiver=SimpleNamespace(room="#load"), gone_why="", node=node)


def test_numbers_are_read_out_of_names_whatever_stands_before_them() -> None:
    connection = AnsweringConnection(
        b":s 353 fa1b0 = #load :@fa1b0 +fa1b1 fa1b10 fa1bz!~u@h\r\n:ana!u@h PRIVMSG #load :fa1b5 366\r\n",
        b":s 353 fa1b0 = #load :anna fc2d7 xfa1b6 &fa1b11\r\n:s 366 fa1b0 #load :End of /NAMES list\r\n",
    )
    assert names_in(member(connection), HEAD, 20) == [0, 1, 35, 36, 37]
    assert connection.sent == [b"NAMES #load\r\n"]


def test_a_server_that_tags_its_lines_is_understood() -> None:
    tags = b"@time=2026-01-01T00:00:00.000Z;ledger=ana "  # as those with server-time do
    connection = AnsweringConnection(
        tags + b":s 353 fa1b0 = #load :fa1b0 @fa1b1!u@h\r\n" + tags + b":s 366 fa1b0 #load :End of /NAMES list\r\n"
    )
    assert names_in(member(connection), HEAD, 20) == [0, 1]


def test_what_comes_meanwhile_is_still_heard_and_the_listener_is_put_back() -> None:
    piece = b":ana!u@h PRIVMSG #load :hi\r\n:s 366 fa1b0 #load :End\r\n"
    connection = AnsweringConnection(piece)
    listening = connection.on_lines
    assert names_in(member(connection), HEAD, 20) == []
    assert connection.heard == [piece]
    assert connection.on_lines is listening


def test_a_server_that_does_not_answer_is_named() -> None:
    connection = AnsweringConnection(b":ana!u@h PRIVMSG #load :hi\r\n")
    listening = connection.on_lines
    with pytest.raises(Unanswered, match=r"NAMES #load: no answer within 0\.01 s"):
        names_in(member(connection), HEAD, 0.01)
    assert connection.on_lines is listening


def test_every_node_is_asked_once_and_who_is_listed_by_any_counts() -> None:
    listed = (b"fa1b0 fa1b1", b"fa1b0 fa1b2")
    at = [AnsweringConnection(b":s 353 x = #load :" + who + b"\r\n:s 366 x #load :End\r\n") for who in listed]
    members = [member(connection, node) for node, connection in enumerate(at)]
    assert names_at_all([*members, *members], HEAD, 20) == {"#load": [0, 1, 2]}
    assert [connection.sent for connection in at] == [[b"NAMES #load\r\n"]] * 2


def test_who_has_no_connection_cannot_ask() -> None:
    nobody: Any = SimpleNamespace(connection=None, gone_why="")
    with pytest.raises(Unanswered, match="no connection"):
        names_in(nobody, HEAD, 1)
