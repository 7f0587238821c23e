"""Accounts over real sockets, with the real hashing thread: a password that is checked holds up its sender alone."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.server.accounts import verifier
from tests.support import IrcClient, RunningServer, running_server
from tests.tls import Authority, secure, secure_irc

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
        assert go.wait(50)
        return proves(password, stored)

    monkeypatch.setattr(verifier, "proves", slow)
    ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl", "#a")
    ana.sync(), bea.sync()
    log_in(ana, "ana")
    ana.send("PRIVMSG #a :after the login")
    assert begun.wait(50)
    bea.say("#a", "meanwhile")
    assert carl.expect("PRIVMSG").params == ["#a", "meanwhile"]
    go.set()
    assert [message.verb for message in ana.until("904")][-1] == "904"
    assert carl.expect("PRIVMSG").params == ["#a", "after the login"]


def test_who_hangs_up_during_the_check_is_gone(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(password: str, stored: verifier.Verifier) -> bool:
        begun.set()
        return go.wait(50)

    monkeypatch.setattr(verifier, "proves", slow)
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    log_in(ana, "ana")
    assert begun.wait(50)
    ana.sock.close()
    go.set()
    assert bea.expect("QUIT").nick == "ana"
    bea.sync()
    assert server.server.loop.node.state.find_user("ana") is None


def test_a_self_signed_certificate_logs_in_where_its_account_knows_it_and_is_welcome_where_none_does(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    settings = {"password_iterations": 4096, "tls_client_certificates": "on", **authority.settings}
    with running_server(("irc", "ircs"), **settings) as server:
        context = authority.self_signed_client("ana")
        ana = secure_irc(server, context, "ana")
        ana.send(f"REGISTER * * {PASSWORD}", "NS CERT ADD", "QUIT")
        assert any("The certificate is added" in line for line in ana.rest())
        for client, mechanisms, verb in (
            (IrcClient(secure(server, context)), "PLAIN,SCRAM-SHA-256,EXTERNAL", "903"),
            (IrcClient(secure(server, authority.self_signed_client("bea"))), "PLAIN,SCRAM-SHA-256,EXTERNAL", "904"),
            (server.raw(), "PLAIN,SCRAM-SHA-256", "904"),
        ):
            client.send("CAP LS 302", "CAP REQ :sasl", "NICK ana", "USER ana 0 * :Ana", "AUTHENTICATE EXTERNAL")
            client.send("AUTHENTICATE +", "PING x")
            lines = client.until("PONG")
            listed = " ".join(message.params[-1] for message in lines if message.verb == "CAP").split()
            assert f"sasl={mechanisms}" in listed
            assert verb in [message.verb for message in lines]


def test_on_an_unframed_wire_a_registered_nickname_is_somebody_elses(tmp_path: Path) -> None:
    with running_server(("irc", "tilde"), password_iterations=4096) as server:
        ana = server.irc("ana", "#lobby")
        ana.send(f"NS REGISTER {PASSWORD}", "QUIT")
        ana.rest()
        thief, bea = server.plain("tilde"), server.irc("bea", "#lobby")
        thief.send("ana")
        assert bea.expect("JOIN").nick == "ana2"
