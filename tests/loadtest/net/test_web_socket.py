"""IRC over WebSocket: a run is what it is without, and a server that wants none says so in one line."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from websockets.exceptions import PayloadTooBig
from websockets.frames import Close, Frame, Opcode
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from loadtest.net.web_socket import WebSocket, take
from tests.loadtest.runs import QUICK, UNHURRIED, master_port, run, summary
from tests.support import PATIENCE, running_server
from tests.tls import Authority


def frame(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


TALK = (
    frame(Opcode.TEXT, b":s 001 ana :hi")
    + frame(Opcode.BINARY, b"PRIVMSG #r :in ", fin=False)
    + frame(Opcode.PING, b"?")
    + frame(Opcode.CONT, b"parts\r\n")
    + frame(Opcode.TEXT, b"")
    + frame(Opcode.TEXT, b"x" * 300)
)
LINES = b":s 001 ana :hi\r\nPRIVMSG #r :in parts\r\n" + b"x" * 300 + b"\r\n"


@contextmanager
def opened(chosen: str = "text.ircv3.net", behind: bytes = b"") -> Iterator[tuple[WebSocket, bytes, ServerProtocol]]:
    """A WebSocket that a server has agreed to, what it had from it at once, and the server's side."""
    far, near = socket.socketpair()
    for sock in (far, near):
        sock.settimeout(PATIENCE)
    server = ServerProtocol(select_subprotocol=lambda protocol, offered: Subprotocol(chosen))
    layer = WebSocket("ws://chat.example/there?x=1", 8067, None)

    def answer() -> None:
        while not (events := server.events_received()):
            server.receive_data(far.recv(65_536))
        server.send_response(server.accept(events[0]))  # type: ignore[arg-type]
        far.sendall(b"".join(server.data_to_send()) + behind)
        requests.append(f"{events[0].path} {events[0].headers['Host']}")  # type: ignore[union-attr]

    requests: list[str] = []
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        first = layer.open(near)
        thread.join()
        assert requests == ["/there?x=1 chat.example:8067"]
        yield layer, first, server
    finally:
        thread.join()
        far.close()
        near.close()


@pytest.mark.parametrize("size", [1, 3, 100, 1_000])
def test_messages_are_lines_however_the_bytes_are_cut(size: int) -> None:
    with opened() as (layer, first, server):
        assert first == b""
        parts = [layer.received(TALK[at : at + size]) for at in range(0, len(TALK), size)]
        assert b"".join(parts) == LINES
        assert all(part.endswith(b"\r\n") for part in parts if part)
        server.receive_data(layer.take_own())
        (pong,) = server.events_received()
        assert (pong.opcode, pong.data) == (Opcode.PONG, b"?")  # type: ignore[union-attr]
        assert layer.take_own() == b""


def test_what_comes_right_behind_the_answer_is_not_lost() -> None:
    with opened(behind=TALK) as (layer, first, _):
        assert first + layer.received(TALK) == LINES + LINES


@pytest.mark.parametrize(("chosen", "opcode"), [("text.ircv3.net", Opcode.TEXT), ("binary.ircv3.net", Opcode.BINARY)])
def test_each_line_is_a_message_of_the_chosen_kind(chosen: str, opcode: Opcode) -> None:
    with opened(chosen) as (layer, _, server):
        server.receive_data(layer.sealed(b"NICK ana\r\nUSER ana\r\n"))
        said = [(event.opcode, bytes(event.data)) for event in server.events_received()]  # type: ignore[union-attr]
        assert said == [(opcode, b"NICK ana"), (opcode, b"USER ana")]


def test_all_members_who_read_the_same_bytes_get_the_same_line() -> None:
    one, other = (bytes(bytearray(TALK)) for _ in range(2))
    assert one is not other
    assert take(one).lines is take(other).lines


def test_the_reason_for_closing_is_kept() -> None:
    with opened() as (layer, _, server):
        line = layer.received(
            frame(Opcode.TEXT, b"ERROR :enough") + frame(Opcode.CLOSE, Close(1009, "big\x1b").serialize())
        )
        assert line == b"ERROR :enough\r\n"
        assert "closed by the server: WebSocket 1009 (message too big) big?" in layer.last_words
        server.receive_data(layer.take_own())
        assert server.close_rcvd == Close(1009, "")


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 200 OK\r\n" * 9, Frame(Opcode.TEXT, b"x").serialize(mask=True)], ids=["http", "masked"]
)
def test_what_is_no_frame_of_a_server_ends_the_connection(data: bytes) -> None:
    with opened() as (layer, _, _), pytest.raises(ConnectionResetError, match="no WebSocket frame: "):
        layer.received(data)


def test_a_message_at_the_limit_is_taken_and_none_above_it() -> None:
    with opened() as (layer, _, _):
        assert layer.received(frame(Opcode.TEXT, b"x" * 65_536)) == b"x" * 65_536 + b"\r\n"
        with pytest.raises(ConnectionResetError, match=f"no WebSocket frame: .*{PayloadTooBig(65_537, 65_536)}"[:40]):
            layer.received(frame(Opcode.TEXT, b"x" * 65_537))
    with opened() as (layer, _, _):
        layer.received(frame(Opcode.TEXT, b"x" * 65_000, fin=False))
        layer.received(frame(Opcode.CONT, b"x" * 65_000, fin=False))
        with pytest.raises(ConnectionResetError, match="bytes without a message's end"):
            layer.received(frame(Opcode.CONT, b"x" * 65_000, fin=False))


@pytest.mark.parametrize(("scheme", "processes"), [("ws", "1"), ("wss", "2")])
def test_every_delivery_is_accounted_for(scheme: str, processes: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = authority.settings if scheme == "wss" else {}
    with running_server((scheme,), **settings) as server:
        place = ("--host", f"{scheme}://localhost:{server.ports[scheme]}", "--report", str(tmp_path))
        trust = ("--tls-ca", authority.write_ca()) if scheme == "wss" else ()
        several = ("--processes", processes, *master_port()) if processes != "1" else ()
        done = run(0, *QUICK, *UNHURRIED, *place, *trust, *several)
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["sent"], messages["delivered"], messages["expected_deliveries"]) == (10, 190, 190)
    assert (messages["corrupt"], messages["stray"], messages["duplicated"]) == (0, 0, 0)


def refused(url: str) -> str:
    """What a run that nobody got into says: one line of it."""
    done = run(0, *QUICK, "--host", url)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stdout.split())


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with running_server(("wss",), **Authority(tmp_path).settings) as server:
        assert "certificate verify failed" in refused(f"wss://localhost:{server.ports['wss']}")


NO_CHAT = b"no chat \x1b here\n"


class NotHere(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(404, "Not here")
        self.send_header("Content-Length", str(len(NO_CHAT)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(NO_CHAT)

    def log_message(self, *words: object) -> None:
        pass


def test_a_server_that_answers_the_request_otherwise_is_quoted() -> None:
    with HTTPServer(("127.0.0.1", 0), NotHere) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        try:
            said = refused(f"ws://127.0.0.1:{web.server_port}/chat")
        finally:
            web.shutdown()
            thread.join()
    assert "only 0 of 20 users were in: connect: no WebSocket: HTTP 404 Not here: no chat ? here" in said, said


def test_a_listener_for_another_wire_is_named_as_none() -> None:
    with running_server(("irc",)) as server:
        said = refused(f"ws://127.0.0.1:{server.ports['irc']}")
    assert "only 0 of 20 users were in: connect: no WebSocket: closed by the server, which said: ERROR :" in said
