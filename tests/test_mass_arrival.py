"""When thousands come at once none is lost, and what each of them costs does not grow with their number."""

import socket
from pathlib import Path

import pytest

from chat.errors import SetupError
from chat.server.acceptor import BACKLOG
from chat.server.server import Server
from chat.settings import Settings, parse_address
from tests.support import running_server

ESTABLISHED = 1


def test_five_thousand_connect_while_the_acceptor_is_held_up_and_none_is_lost() -> None:
    if int(Path("/proc/sys/net/core/somaxconn").read_text()) < BACKLOG:
        pytest.skip("the kernel's limit of waiting connections (somaxconn) is lower than its default")
    clients: list[socket.socket] = []
    with running_server() as server:
        try:
            with server.server.gate._lock:  # where the acceptor asks who may come in
                for _ in range(5000):
                    client = socket.socket()
                    clients.append(client)
                    client.setblocking(False)
                    client.connect_ex(("127.0.0.1", server.ports["irc"]))
                states = [client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] for client in clients]
                assert states.count(ESTABLISHED) == 5000  # the others would dial again after a second
            for client in clients:
                client.settimeout(20)
                client.sendall(b"PING here\r\n")
            for client in clients:
                assert client.recv(100).endswith(b"here\r\n")
        finally:
            for client in clients:
                client.close()


def test_two_servers_do_not_share_an_address_as_the_queues_of_one_do() -> None:
    with running_server() as server:
        place = parse_address(f"irc://127.0.0.1:{server.ports['irc']}")
        with pytest.raises(SetupError, match="Address already in use"):
            Server(Settings(listen=(place,))).start()
