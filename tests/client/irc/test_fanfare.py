"""The client's network and model against the real server: accounts, TLS, what was said during a cut."""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chat.client.irc.address import Address
from chat.client.irc.login import WANTED, Login, Mechanism, Plain, ScramSha256
from chat.client.irc.news import News
from chat.client.irc.server_news import Lost, Problem
from chat.client.irc.session import Patience, Session
from chat.client.model import commands
from chat.client.model.network import Network
from tests.support import PATIENCE, RunningServer, running_server
from tests.tls import Authority, write_self_signed

PASSWORD = "sesame-open"
SETTINGS = {"password_iterations": 4096, "memory_length": 100}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[RunningServer]:
    """Ana has an account there."""
    with running_server(("irc", "ircs"), **SETTINGS, **authority.settings) as running:
        register(running, "ana")
        yield running


def register(server: RunningServer, nick: str) -> None:
    client = server.irc(nick, caps="sasl")
    client.send(f"REGISTER * * {PASSWORD}", "QUIT")
    assert client.expect("REGISTER").params[0] == "SUCCESS"
    client.rest()


class Person:
    """Somebody at a client without a window, whose sessions come one after the other."""

    def __init__(self, nick: str, room: str = "#lobby") -> None:
        self.network = Network(nick, room, "the server")
        self.nick, self.room = nick, room

    def connect(self, address: Address, login: Login | None = None) -> None:
        self.session = Session(
            address, self.nick, Patience(goodbye=PATIENCE), rooms=(self.room,), login=lambda: login or Login()
        )
        self.session.start()

    def until(self, seen: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not seen():
            assert time.monotonic() < deadline, (self.said(self.room), self.said(""), self.said("NickServ"))
            try:
                self.network.take(self.session.news.get(timeout=0.5))
            except queue.Empty:
                continue
            for data in self.network.take_output():
                self.session.send(data)

    def said(self, name: str) -> list[str]:
        """The texts in this talk; those of the server where there is no name."""
        talk = self.network.talks.find(name) if name else self.network.talks.server
        return [line.text for line in talk.lines] if talk else []


def ended(session: Session) -> Lost:
    """How a session ends that cannot begin."""
    session.start()
    news: News | None = None
    while not isinstance(news, Lost):
        news = session.news.get(timeout=PATIENCE)
    return news


def at(server: RunningServer, scheme: str = "irc") -> Address:
    return Address("127.0.0.1", server.ports[scheme], tls=scheme == "ircs")


@pytest.mark.parametrize("mechanism", [ScramSha256, Plain])
def test_an_account_is_logged_in_to_by_each_mechanism(
    server: RunningServer, mechanism: Callable[[Login], Mechanism], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.client.irc.login.mechanism", lambda login, offered: mechanism(login))
    ana = Person("ana")
    ana.connect(at(server), Login(account="ana", secret=PASSWORD))
    ana.until(lambda: ana.network.online)
    assert ana.said("").count("You are now logged in as ana.") == 1
    ana.session.close()


def typed(person: Person, text: str) -> None:
    """What is typed at the message box, sent."""
    for data in commands.answer(person.network, text).send:
        person.session.send(data)


_WITHOUT = WANTED - {"draft/account-registration"}


@pytest.mark.parametrize(
    ("capabilities", "where", "answer"),
    [(WANTED, "#lobby", "You have registered the account zoe"), (_WITHOUT, "NickServ", "zoe is registered")],
)
def test_an_account_is_registered_and_logged_in_to(
    server: RunningServer, capabilities: frozenset[str], where: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's own command, or by NickServ where the client does not know of it."""
    monkeypatch.setattr("chat.client.irc.login.WANTED", capabilities)
    zoe = Person("zoe")
    zoe.connect(at(server))
    zoe.until(lambda: zoe.network.online)
    typed(zoe, f"/register {PASSWORD}")
    zoe.until(lambda: any(answer in text for text in zoe.said(where)))
    assert not any(PASSWORD in text for name in ("#lobby", "", "NickServ") for text in zoe.said(name))
    zoe.session.close()
    zoe.until(lambda: not zoe.network.online)
    zoe.connect(at(server), Login(account="zoe", secret=PASSWORD))
    zoe.until(lambda: zoe.network.online)
    assert "You are now logged in as zoe." in zoe.said("")
    zoe.session.close()


def test_a_registration_that_is_refused_says_why(server: RunningServer) -> None:
    zoe = Person("zoe")
    zoe.connect(at(server))
    zoe.until(lambda: zoe.network.online and zoe.network.current.joined)
    typed(zoe, "/register short")
    zoe.until(lambda: any("password" in text.lower() for text in zoe.said("#lobby")))
    zoe.session.close()


@pytest.mark.parametrize("account", ["ana", "nobody"])
def test_a_wrong_password_is_named_and_the_password_is_not(server: RunningServer, account: str) -> None:
    lost = ended(Session(at(server), "ana", login=lambda: Login(account=account, secret="guessed-it")))
    assert lost.problem is Problem.LOGIN
    assert f"does not accept the login of {account}" in lost.reason
    assert "guessed-it" not in lost.reason


def test_a_certificate_is_trusted_by_the_fingerprint_that_the_question_shows(server: RunningServer) -> None:
    address = at(server, "ircs")
    lost = ended(Session(address, "ana"))
    assert lost.problem is Problem.CERTIFICATE
    ana = Person("ana")
    ana.connect(address, Login(account="ana", secret=PASSWORD, trusted=lost.fingerprint))
    ana.until(lambda: ana.network.online)
    ana.session.close()


def test_a_certificate_logs_in_once_the_account_knows_it(tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "ana.pem"
    write_self_signed(file, "ana")
    settings = {**SETTINGS, **authority.settings, "tls_client_certificates": "on"}
    with running_server(("irc", "ircs"), **settings) as server:
        register(server, "ana")
        log_in_twice(at(server, "ircs"), file)


def log_in_twice(address: Address, certificate: Path) -> None:
    """By password and certificate, which the account gets to know; and then by the certificate alone."""
    trusted = ended(Session(address, "ana")).fingerprint
    ana = Person("ana")
    for login in (Login(account="ana", secret=PASSWORD), Login(account="ana")):
        logged_in = ana.said("").count("You are now logged in as ana.")
        ana.connect(address, replace(login, certificate=str(certificate), trusted=trusted))
        ana.until(lambda: ana.network.online)
        assert ana.said("").count("You are now logged in as ana.") == logged_in + 1
        typed(ana, "/ns CERT ADD")
        ana.until(lambda: "The certificate is added" in ana.said("NickServ"))
        ana.session.close()
        ana.until(lambda: not ana.network.online)


def test_what_was_said_during_a_cut_comes_to_rooms_and_private_talks(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.client.irc.connect.ssl.create_default_context", authority.client)
    settings = {**SETTINGS, "log": f"sqlite:{tmp_path / 'log.db'}", **authority.settings}
    ana, login = Person("ana"), Login(account="ana", secret=PASSWORD)
    with running_server(("irc", "ircs"), **settings) as server:
        register(server, "ana")
        ben = server.irc("ben", "#lobby")
        ben.say("#lobby", "before she came")
        ben.sync()
        ana.connect(at(server, "ircs"), login)
        ana.until(lambda: "before she came" in ana.said("#lobby"))
        ben.say("ana", "in private")
        ana.until(lambda: "in private" in ana.said("ben"))
        ana.session.close()
        ana.until(lambda: not ana.network.online)
        ben.say("#lobby", "during the cut")
        ben.sync()
        ana.connect(at(server, "ircs"), login)
        ana.until(lambda: "during the cut" in ana.said("#lobby"))
        assert ana.said("#lobby").count("before she came") == 1
        assert ana.said("ben").count("in private") == 1
        ana.session.close()
