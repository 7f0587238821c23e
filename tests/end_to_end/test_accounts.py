"""Accounts over real sockets, with the real hashing thread: a password that is checked holds up its sender alone."""

import base64
import threading
from collections.abc import Iterator

import pytest

from chat.server.accounts import verifier
from tests.support import IrcClient, RunningServer, running_server

PASSWORD = "sesame-open"


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running_server(password_iterations=4096) as running:
        yield running


def log_in(client: IrcClient, name: str, password: str = PASSWORD) -> None:
    data = base64.b64encode("\0".join(["", name, password]).encode()).decode()
    client.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {data}")


def test_an_account_is_registered_and_logged_in_to_by_another_connection(server: RunningServer) -> None:
    ana = server.irc("ana", caps="sasl")
    ana.send(f"REGISTER * * {PASSWORD}")
    assert ana.expect("REGISTER").params[:2] == ["SUCCESS", "ana"]
    ana.send("QUIT")
    ana.rest()
    again = server.raw()
    again.send("CAP LS 302", "CAP REQ :sasl", "NICK ana", "USER ana 0 * :Ana")
    log_in(again, "ana")
    again.send("CAP END")
    assert [message.verb for message in again.until("001") if message.verb.isdigit()] == ["900", "903", "001"]


def test_while_a_password_is_checked_its_sender_waits_and_nobody_else(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    proves = verifier.proves

    def slow(password: str, stored: verifier.Verifier) -> bool:
        begun.set()
        assert go.wait(20)
        return proves(password, stored)

    monkeypatch.setattr(verifier, "proves", slow)
    ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl", "#a")
    ana.sync(), bea.sync()
    log_in(ana, "ana")
    ana.send("PRIVMSG #a :after the login")
    assert begun.wait(20)
    bea.say("#a", "meanwhile")
    assert carl.expect("PRIVMSG").params == ["#a", "meanwhile"]
    go.set()
    assert [message.verb for message in ana.until("904")][-1] == "904"
    assert carl.expect("PRIVMSG").params == ["#a", "after the login"]


def test_who_hangs_up_during_the_check_is_gone(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(password: str, stored: verifier.Verifier) -> bool:
        begun.set()
        return go.wait(20)

    monkeypatch.setattr(verifier, "proves", slow)
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    log_in(ana, "ana")
    assert begun.wait(20)
    ana.sock.close()
    go.set()
    assert bea.expect("QUIT").nick == "ana"
    bea.sync()
    assert server.server.loop.node.state.find_user("ana") is None
