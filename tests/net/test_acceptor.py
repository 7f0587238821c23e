"""The acceptor: a fault of its thread ends the server, and refusals are counted, whatever their number."""

import errno
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chat.server.net.acceptor import Acceptor
from chat.server.net.gate import Gate
from chat.server.net.listeners import Listener, listen
from chat.settings import Settings, parse_address
from tests.support import PATIENCE, running_server


class Failures:
    """Called like a server's `failed`; keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.called = threading.Event()

    def __call__(self, reason: str) -> None:
        self.reasons.append(reason)
        self.called.set()


def broken_adopt(sock: socket.socket, host: str, listener: Listener) -> None:
    sock.close()
    raise RuntimeError("the loop is gone")


@contextmanager
def accepting(gate: Gate, failed: Failures) -> Iterator[int]:
    """An acceptor whose loop takes nothing; gives its port."""
    listener = listen(parse_address("irc://127.0.0.1:0"), Settings())
    acceptor = Acceptor([listener], broken_adopt, gate, failed)
    acceptor.start()
    try:
        yield listener.address.port
    finally:
        acceptor.stop()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def test_a_fault_of_its_thread_is_reported_and_closes_the_listeners(caplog: pytest.LogCaptureFixture) -> None:
    failed = Failures()
    with accepting(Gate(10, 10, 10), failed) as port:
        with connect(port) as client:
            assert client.recv(10) == b""
        failed.called.wait(PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        connect(port)
    assert failed.reasons == ["the acceptor failed: RuntimeError: the loop is gone"]
    assert "the acceptor ends after an internal error" in caplog.text


def test_a_listener_that_accepts_no_more_ends_the_server_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    with running_server() as server:
        client = server.irc("ana")
        assert server.server._acceptor is not None
        queue = server.server._acceptor._listeners[0].socks[0]
        queue.shutdown(socket.SHUT_RDWR)  # each `accept` fails from now on
        assert server.server.wait() is False
        assert server.server.failure == f"the acceptor failed: OSError: [Errno {errno.EINVAL}] Invalid argument"
        client.sync()  # the others are served until the server is stopped
    assert "the acceptor ends after an internal error" in caplog.text


def test_a_thousand_refusals_are_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    failed = Failures()
    with caplog.at_level(logging.WARNING), accepting(Gate(0, 10, 10), failed) as port:
        for _ in range(1000):
            with connect(port) as client:
                assert client.recv(200) == b"ERROR :Closing link: server is full: 0 connections, the limit is 0\r\n"
    lines = caplog.messages
    assert lines[0] == "refused a connection: server is full: 0 connections, the limit is 0"
    counts = [int(line.split()[1].replace(",", "")) for line in lines[1:] if "connections in" in line]
    assert sum(counts) == 999
    assert len(lines) <= 20
    assert failed.reasons == []


def test_a_spare_descriptor_that_another_thread_took_costs_a_moment_and_no_thread() -> None:
    gate, failed = Gate(10, 10, 10), Failures()
    listener = listen(parse_address("irc://127.0.0.1:0"), Settings())
    acceptor = Acceptor([listener], broken_adopt, gate, failed)
    assert acceptor._spare is not None
    os.close(acceptor._spare)
    acceptor._spare = None
    with connect(listener.address.port) as client:
        assert acceptor._refuse_one(listener.socks[0], listener) or acceptor._refuse_one(listener.socks[1], listener)
        assert acceptor._spare is not None
        assert acceptor._refuse_one(listener.socks[0], listener)
        assert acceptor._refuse_one(listener.socks[1], listener)
        assert client.recv(200) == b"ERROR :Closing link: server is out of file descriptors\r\n"
    acceptor.start()
    acceptor.stop()
    assert failed.reasons == []
