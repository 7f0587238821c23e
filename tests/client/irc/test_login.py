"""Who we are to a server: SASL, passwords, certificates, and what is wrong with the server's own."""

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from chat.client.irc.address import Address, parse_address
from chat.client.irc.connect import context
from chat.client.irc.login import External, Login, MissingPassword, Plain, ScramSha256, chunks, mechanism
from chat.client.irc.news import News
from chat.client.irc.protocol import Protocol
from chat.client.irc.server_news import Lost, Problem, ServerSaid, Welcomed
from chat.client.irc.session import Patience, Session
from chat.errors import SetupError, WireError
from tests.scripted import ScriptedServer, scripted_server
from tests.support import PATIENCE

ANA = Login(account="ana", secret="hunter2")


def test_scram_is_that_of_rfc_7677() -> None:
    scram = ScramSha256(Login(account="user", secret="pencil"), nonce="rOprNGfwEbeRWgbNEkqO")
    assert scram.answer(b"") == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    assert scram.answer(f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode()) == (
        f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".encode()
    )
    assert scram.answer(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    with pytest.raises(WireError):
        scram.answer(b"")


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "somebody else's"),
        ("r=mine,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "somebody else's"),
        ("r=mine+,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=9999999", "9,999,999 rounds"),
        ("r=mine+,s=!,i=4096", "cannot be read"),
        ("nonsense", "cannot be read"),
    ],
)
def test_a_server_that_answers_wrongly_gets_no_proof(challenge: str, words: str) -> None:
    scram = ScramSha256(ANA, nonce="mine")
    scram.answer(b"")
    with pytest.raises(WireError, match=words):
        scram.answer(challenge.encode())


@pytest.mark.parametrize("last", [b"v=d3Jvbmc=", b"", b"e=invalid-proof"])
def test_a_server_that_does_not_know_the_password_is_not_believed(last: bytes) -> None:
    scram = ScramSha256(ANA, nonce="mine")
    scram.answer(b"")
    scram.answer(b"r=mine+,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    with pytest.raises(WireError):
        scram.answer(last)


@pytest.mark.parametrize(
    ("login", "offered", "kind"),
    [
        (ANA, ("PLAIN", "SCRAM-SHA-256"), ScramSha256),
        (ANA, ("PLAIN", "EXTERNAL"), Plain),
        (ANA, (), Plain),
        (ANA, ("EXTERNAL",), type(None)),
        (Login(certificate="c.pem"), ("PLAIN", "EXTERNAL"), External),
        (Login(account="ana"), ("PLAIN",), type(None)),
    ],
)
def test_the_strongest_is_taken_that_both_have(login: Login, offered: tuple[str, ...], kind: type) -> None:
    assert type(mechanism(login, offered)) is kind


@pytest.mark.parametrize(("size", "parts"), [(0, ["+"]), (300, [400, "+"]), (299, [400, "+"]), (10, [16])])
def test_an_answer_goes_in_parts_of_400(size: int, parts: list[int | str]) -> None:
    found = list(chunks(b"x" * size))
    assert [part if part == "+" else len(part) for part in found] == parts


def fed(protocol: Protocol, *lines: str) -> list[News]:
    return [news for line in lines for news in protocol.feed(f"{line}\r\n".encode())]


def test_an_account_is_logged_in_to_before_the_welcome() -> None:
    protocol = Protocol("ana", [], lambda: 5.0, login=ANA)
    protocol.take_output()
    fed(protocol, ":s CAP * LS :sasl=PLAIN server-time")
    assert protocol.take_output() == b"CAP REQ :server-time sasl\r\n"
    fed(protocol, ":s CAP * ACK :server-time sasl")
    assert protocol.take_output() == b"AUTHENTICATE PLAIN\r\n"
    fed(protocol, "AUTHENTICATE +")
    assert base64.b64decode(protocol.take_output().split()[1]) == b"ana\0ana\0hunter2"
    news = fed(protocol, ":s 900 * ana!a@h ana :You are now logged in as ana", ":s 903 * :SASL successful")
    assert protocol.take_output() == b"CAP END\r\n"
    assert ServerSaid("You are now logged in as ana.", 5.0) in news
    assert fed(protocol, ":s 001 ana :Welcome") == [Welcomed("ana", frozenset({"server-time"}), 5.0)]


def test_a_wrong_password_ends_it_with_a_reason() -> None:
    protocol = Protocol("ana", [], login=ANA)
    fed(protocol, ":s CAP * LS :sasl=PLAIN", ":s CAP * ACK :sasl", "AUTHENTICATE +", ":s 904 * :SASL failed")
    assert protocol.problem is Problem.LOGIN
    assert "ana: SASL failed" in protocol.farewell
    assert protocol.take_output().endswith(b"QUIT\r\n")
    assert "hunter2" not in protocol.farewell


def test_a_server_without_sasl_says_so() -> None:
    protocol = Protocol("ana", [], login=ANA)
    (news,) = fed(protocol, ":s CAP * LS :server-time")
    assert isinstance(news, ServerSaid)
    assert "not logged in" in news.text
    assert b"sasl" not in protocol.take_output()


@pytest.mark.parametrize(
    ("text", "port", "is_tls", "shown"),
    [
        ("ircs://h", 6697, True, "h:6697"),
        ("ircs://h:7000", 7000, True, "ircs://h:7000"),
        ("h:6697", 6697, True, "h:6697"),
        ("irc://h:6697", 6697, False, "irc://h:6697"),
        ("h", 6667, False, "h:6667"),
    ],
)
def test_the_scheme_or_else_the_port_says_whether_it_is_encrypted(
    text: str, port: int, is_tls: bool, shown: str
) -> None:
    address = parse_address(text)
    assert (address.port, address.tls, address.server) == (port, is_tls, shown)
    assert parse_address(address.server) == address


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Who this machine trusts, for this test."""
    ca = trustme.CA()
    made = ssl.create_default_context

    def trusting() -> ssl.SSLContext:
        context = made()
        ca.configure_trust(context)
        return context

    monkeypatch.setattr(ssl, "create_default_context", trusting)
    return ca


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Callable[[trustme.LeafCert], ScriptedServer]]:
    """Scripted servers that speak TLS with a certificate."""
    contexts: list[object] = []

    def start(cert: trustme.LeafCert, wants_ours: bool = False) -> ScriptedServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cert.configure_cert(context)
        if wants_ours:
            context.verify_mode = ssl.CERT_REQUIRED
            authority.configure_trust(context)
        manager = scripted_server(context)
        contexts.append(manager)
        return manager.__enter__()

    yield start
    for manager in contexts:
        manager.__exit__(None, None, None)  # type: ignore[attr-defined]


def news_of(session: Session) -> list[News]:
    """All of a session's, to its end."""
    seen: list[News] = []
    while not seen or not isinstance(seen[-1], Lost):
        seen.append(session.news.get(timeout=PATIENCE))
    return seen


def in_background(*acts: Callable[[], object]) -> threading.Thread:
    """One after the other."""

    def run() -> None:
        for act in acts:
            act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_words_go_both_ways_over_tls(
    secure: Callable[[trustme.LeafCert], ScriptedServer], authority: trustme.CA
) -> None:
    server = secure(authority.issue_cert("127.0.0.1"))
    session = Session(server.target, "ana", Patience(goodbye=0.05))
    session.start()
    end = server.welcome()
    long = [f":ben!b@h PRIVMSG #lobby :{'x' * 400}{number}" for number in range(200)]  # several records at once
    end.send(*long, "PING :all")
    assert end.expect("PONG").params == ["all"]
    session.send(b"PRIVMSG #lobby hello\r\n")
    assert end.expect("PRIVMSG").params == ["#lobby", "hello"]
    session.close()
    assert end.expect("QUIT")
    end.sock.close()
    news = news_of(session)
    assert sum(getattr(one, "text", "").startswith("xxx") for one in news) == 200


def test_a_certificate_of_nobody_we_trust_is_explained_and_trusted_by_its_fingerprint(
    secure: Callable[[trustme.LeafCert], ScriptedServer], authority: trustme.CA
) -> None:
    server = secure(trustme.CA().issue_cert("127.0.0.1"))
    refused = in_background(*[server.refused] * 2)
    session = Session(server.target, "ana")
    session.start()
    lost = news_of(session)[-1]
    refused.join(PATIENCE)
    assert isinstance(lost, Lost)
    assert lost.problem is Problem.CERTIFICATE
    assert lost.reason == f"The certificate of {server.target.server} is signed by nobody whom this machine trusts."
    assert len(lost.fingerprint) == 95
    session = Session(server.target, "ana", Patience(goodbye=0.05), login=lambda: Login(trusted=lost.fingerprint))
    session.start()
    server.welcome().sock.close()
    assert any(isinstance(news, Welcomed) for news in news_of(session))


def test_another_certificate_than_the_trusted_one_is_not_taken(
    secure: Callable[[trustme.LeafCert], ScriptedServer], authority: trustme.CA
) -> None:
    server = secure(trustme.CA().issue_cert("127.0.0.1"))
    refused = in_background(*[server.refused] * 3)
    session = Session(server.target, "ana", login=lambda: Login(trusted="AB:CD"))
    session.start()
    lost = news_of(session)[-1]
    refused.join(PATIENCE)
    assert isinstance(lost, Lost)
    assert lost.problem is Problem.CERTIFICATE
    assert "another one than you trusted before" in lost.reason


def test_a_certificate_of_another_server_is_not_taken(
    secure: Callable[[trustme.LeafCert], ScriptedServer], authority: trustme.CA
) -> None:
    server = secure(authority.issue_cert("chat.example"))
    refused = in_background(*[server.refused] * 2)
    session = Session(server.target, "ana")
    session.start()
    lost = news_of(session)[-1]
    refused.join(PATIENCE)
    assert isinstance(lost, Lost)
    assert lost.reason == f"The certificate of {server.target.server} is another server's."


def test_a_server_without_tls_is_told_apart(scripted: ScriptedServer) -> None:
    target = Address("127.0.0.1", scripted.target.port, tls=True)
    session = Session(target, "ana")
    session.start()
    end = scripted.accept()
    end.send("NOTICE * :hello")
    end.sock.close()
    lost = news_of(session)[-1]
    assert isinstance(lost, Lost)
    assert "does not speak TLS" in lost.reason


def test_our_own_certificate_is_shown_to_the_server(
    secure: Callable[..., ScriptedServer], authority: trustme.CA, tmp_path: Path
) -> None:
    server = secure(authority.issue_cert("127.0.0.1"), wants_ours=True)
    ours = tmp_path / "ana.pem"
    cert = authority.issue_cert("ana@example.org")
    ours.write_bytes(cert.private_key_pem.bytes() + cert.cert_chain_pems[0].bytes())
    session = Session(server.target, "ana", Patience(goodbye=0.05), login=lambda: Login(certificate=str(ours)))
    session.start()
    end = server.accept()
    assert isinstance(end.sock, ssl.SSLSocket)
    assert end.sock.getpeercert()
    end.send(":s CAP * LS :sasl=EXTERNAL,PLAIN")
    end.until("CAP")
    end.expect("CAP")
    end.send(":s CAP * ACK :sasl")
    assert end.expect("AUTHENTICATE").params == ["EXTERNAL"]
    session.close()
    end.sock.close()
    news_of(session)


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), ("nonsense", "no certificate with its key")])
def test_a_certificate_of_ours_that_cannot_be_used_is_explained(
    tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "ana.pem"
    if content:
        file.write_text(content)
    with pytest.raises(SetupError, match=words):
        context(Login(certificate=str(file)))


def test_a_password_that_nobody_knows_is_asked_for() -> None:
    def ask() -> Login:
        raise MissingPassword("the password of the account ana is needed")

    session = Session(Address("127.0.0.1", 1), "ana", login=ask)
    session.start()
    lost = news_of(session)[-1]
    assert isinstance(lost, Lost)
    assert (lost.problem, lost.reason) == (Problem.LOGIN, "the password of the account ana is needed")
