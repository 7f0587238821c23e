"""A server that drains sends its clients away one after another, tells each why, and serves those who remain."""

import signal
import socket
import threading

import pytest

from bench.still import still_server
from tests.end_to_end.test_stop import SHUT_DOWN, client_of, served
from tests.support import PATIENCE, IrcClient, PlainClient, running_server

SCHEMES = ("irc", "relay", "joined", "tilde", "nick")
REASON = "Server is shutting down"


def test_a_drain_spreads_the_closings_evenly_over_its_time() -> None:
    with still_server() as server:
        for number in range(200):
            server.connect(f"user{number}", "#a")
        server.loop.stop(REASON, 100.0, 5.0)
        server.settle()
        left = []
        for _ in range(100):
            server.advance(1.0)
            left.append(len(server.node.state.users))
    assert left[-1] == 0
    portions = [before - after for before, after in zip([200, *left], left, strict=False)]
    assert max(portions) <= 4  # two a second; a bucket of the timers more or less


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_client_of_each_wire_gets_the_reason_in_a_drain(scheme: str) -> None:
    with running_server(tuple({"irc", scheme}), drain=0.5) as server:
        clients = [server.plain(scheme) for _ in range(40)]
        observer = server.irc("observer")
        while server.server.gate.total <= len(clients):  # until the acceptor has taken all of them
            observer.sync()
        thread = threading.Thread(target=server.server.stop)
        thread.start()
        for client in clients:
            assert REASON in client.rest()
            client.sock.close()
        assert observer.rest()[-1] == SHUT_DOWN
        observer.sock.close()
        thread.join()


def test_in_a_drain_no_new_client_comes_in_those_there_talk_on_and_a_second_signal_ends_it() -> None:
    options = [word for scheme in SCHEMES for word in ("--listen", f"{scheme}://127.0.0.1:0")]
    with served(*options, "--drain", "6000") as (process, ports):  # a minute between two closings
        clients = [client_of(ports[0]) for _ in range(200)]
        clients[0].register("host")
        clients[0].join("#lobby")
        plain = [PlainClient(socket.create_connection(("127.0.0.1", port), PATIENCE)) for port in ports[1:]]
        for scheme, guest in zip(SCHEMES[1:], plain, strict=True):
            guest.send({"joined": "joined:jo"}.get(scheme, scheme))
            clients[0].expect("JOIN")
        for number, client in enumerate(clients[1:]):
            client.register(f"user{number}")
            client.join("#lobby")
        process.send_signal(signal.SIGTERM)
        leavers = _leavers(clients[-1])  # one goes at once, and by then nobody comes in
        assert leavers <= 4
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), PATIENCE)
        assert any(_hears(one, other) for one, other in zip(clients[:10:2], clients[1:10:2], strict=True))
        process.send_signal(signal.SIGTERM)
        lasts = [client.rest()[-1:] for client in clients]
        assert all(last in ([], [SHUT_DOWN]) for last in lasts)
        assert lasts.count([]) <= leavers, "only who has been read to the end above, as one of those who went at once"
        for client in clients:
            client.sock.close()
        for guest in plain:
            assert guest.rest().rstrip().endswith(REASON)
            guest.sock.close()
        assert process.wait(50) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def _leavers(observer: IrcClient) -> int:
    """How many the observer has seen leave by the time that it has seen the first; itself, should it be that."""
    message = observer.read()
    while message is not None and message.verb != "QUIT":
        message = observer.read()
    return 1 if message is None else 1 + sum(message.verb == "QUIT" for message in observer.sync())


def _hears(one: IrcClient, other: IrcClient) -> bool:
    """A word from one reaches the other; not when either of them has left already."""
    one.say("#lobby", "still here")
    while (message := other.read()) is not None:
        if message.verb == "PRIVMSG":
            return True
        if message.verb == "QUIT" and message.nick == one.nick:
            return False
    return False
