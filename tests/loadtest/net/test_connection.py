"""Whole lines come out however the bytes come in; nothing waits; a lost connection is told once."""

import importlib
import socket
from collections.abc import Iterator

import gevent
import gevent.monkey
import pytest
from gevent.event import AsyncResult
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.errors import SetupError
from loadtest.net.addresses import resolve
from loadtest.net.connection import Connection

PATIENCE = 50.0  # s; a bound that only a fault reaches


class Wired:
    """A connection and the far end of its socket."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.connection = Connection(near)
        self.blobs: list[bytes] = []
        self.lost: AsyncResult[str] = AsyncResult()
        self.connection.on_lines = lambda data, at: self.blobs.append(data)
        self.connection.on_lost = self.lost.set
        self.connection.start()

    def close(self) -> None:
        self.connection.close()
        self.far.close()


@pytest.fixture
def wired() -> Iterator[Wired]:
    pair = Wired()
    yield pair
    pair.close()


@given(st.lists(st.sampled_from([b"a", b"PING :x", b"\n", b"\r\n", b""]), max_size=12), st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_only_whole_lines_come_out_and_none_is_lost(pieces: list[bytes], size: int) -> None:
    sent = b"".join(pieces)
    pair = Wired()
    for at in range(0, len(sent), size):
        pair.far.sendall(sent[at : at + size])
        gevent.sleep(0)
    pair.far.close()
    assert pair.lost.get(timeout=PATIENCE) == "closed by the server"
    assert all(blob.endswith(b"\n") for blob in pair.blobs)
    assert b"".join(pair.blobs) == sent[: sent.rfind(b"\n") + 1]


def test_what_the_socket_does_not_take_goes_out_when_it_does(wired: Wired) -> None:
    data = bytes(range(256)) * 40_000
    assert wired.connection.send(data[:5_000_000])
    assert wired.connection.send(data[5_000_000:])
    got = bytearray()
    wired.far.setblocking(False)
    while len(got) < len(data):
        try:
            got += wired.far.recv(1_000_000)
        except BlockingIOError:
            gevent.sleep(0)
    assert got == data


def test_a_peer_without_line_ends_is_cut_off(wired: Wired) -> None:
    wired.far.sendall(b"x" * 65_536)
    gevent.sleep(0)
    assert wired.connection.is_open
    wired.far.sendall(b"x")
    assert wired.lost.get(timeout=PATIENCE) == "65,537 bytes without a line end, the limit is 65,536"
    assert wired.blobs == []


def test_sending_on_a_lost_connection_is_refused(wired: Wired) -> None:
    wired.far.close()
    wired.lost.get(timeout=PATIENCE)
    assert not wired.connection.is_open
    assert not wired.connection.send(b"x\r\n")


def test_a_closed_connection_may_be_closed_again(wired: Wired) -> None:
    wired.connection.close()
    wired.connection.close()
    assert not wired.lost.ready()


def test_connecting_to_a_port_that_nobody_listens_on_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            Connection.open(resolve(f"irc://127.0.0.1:{unused.getsockname()[1]}"), PATIENCE)


def test_of_several_addresses_the_first_that_takes_a_connection_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where `localhost` is `::1` first, and the server listens on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        places = [nobody.getsockname(), server.getsockname()]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert resolve(f"irc://two.example:{places[1][1]}") == (socket.AF_INET, places[1])
        found.reverse()
        assert resolve(f"irc://one.example:{places[1][1]}") == (socket.AF_INET, places[1])
    found[:] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in (("127.0.0.1", 1), ("127.0.0.1", 2))]
    assert resolve("irc://none.example:1") == (socket.AF_INET, ("127.0.0.1", 1)), "connecting there says why"


def test_an_address_without_port_means_the_irc_port() -> None:
    assert resolve("irc://127.0.0.1") == (socket.AF_INET, ("127.0.0.1", 6667))
    assert resolve("127.0.0.1:7000") == (socket.AF_INET, ("127.0.0.1", 7000))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "irc://", "irc://127.0.0.1:x", "irc://127.0.0.1:99999", ""])
def test_what_is_no_irc_address_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(SetupError, match="--host must be irc://HOST:PORT"):
        resolve(url)


def test_the_tests_own_process_keeps_the_systems_threads_and_sockets() -> None:
    """Importing Locust makes them gevent's, also for the servers that other tests run in this process."""
    importlib.import_module("loadtest.locust.chat_user")
    assert not gevent.monkey.is_module_patched("threading")
    assert not gevent.monkey.is_module_patched("socket")
