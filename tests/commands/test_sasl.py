"""Logging in by SASL: PLAIN, SCRAM-SHA-256, EXTERNAL; before registration and after it; what fails, and how often."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.server.accounts import verifier
from chat.settings import Settings
from chat.wires.irc import IrcWire
from chat.wires.message import parse
from tests.asking import ask_as

SETTINGS = Settings(helpers=0, rate_limit=0.0, password_iterations=4096, login_attempts=3, login_pause=30.0)
PASSWORD = "sesame open"
ASK = "CAP LS 302\r\nCAP REQ :sasl\r\nNICK ana\r\nUSER ana 0 * :Ana"


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server(SETTINGS) as still:
        request(still, f":fanfare.local REGISTER Ana {verifier.make(PASSWORD, 4096)}")
        yield still


def request(server: StillServer, line: str) -> None:
    """What an operator asks for, or whoever its source names."""
    sock = server.adopt(IrcWire())
    ask_as(server.node, server.connection(sock), parse(line))
    sock.ended = True
    server.settle()


def arrive(server: StillServer, host: str = "127.0.0.1") -> StillSocket:
    """A client that has not ended its negotiation."""
    sock = server.adopt(IrcWire(), host)
    server.say(sock, *ASK.split("\r\n"))
    sock.lines()
    return sock


def say(server: StillServer, sock: StillSocket, *lines: str) -> list[str]:
    server.say(sock, *lines)
    return [line.removeprefix(":fanfare.local ") for line in sock.lines()]


def plain(name: str, password: str, authorized: str = "") -> str:
    return base64.b64encode(f"{authorized}\0{name}\0{password}".encode()).decode()


def log_in(server: StillServer, sock: StillSocket, name: str, password: str) -> list[str]:
    return say(server, sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(name, password)}")[1:]


FAILED = ["904 ana :SASL authentication failed"]


def test_the_mechanisms_are_in_the_capabilitys_value(server: StillServer) -> None:
    sock = server.adopt(IrcWire())
    words = " ".join(say(server, sock, "CAP LS 302")).split()
    assert "sasl=PLAIN,SCRAM-SHA-256" in words
    assert "sasl" in " ".join(say(server, server.adopt(IrcWire()), "CAP LS")).split()


def test_plain_logs_in_before_registration(server: StillServer) -> None:
    sock = arrive(server)
    assert log_in(server, sock, "ANA", PASSWORD) == [
        "900 ana ana!*@127.0.0.1 Ana :You are now logged in as Ana",
        "903 ana :SASL authentication successful",
    ]
    assert " 001 ana " in " " + "\n ".join(say(server, sock, "CAP END"))
    assert server.node.state.get_user("ana").account == "Ana"


def test_plain_logs_in_after_registration_and_in_to_another_account_too(server: StillServer) -> None:
    request(server, f":fanfare.local REGISTER Work {verifier.make(PASSWORD, 4096)}")
    sock = server.connect("bea")
    sock.lines()
    assert log_in(server, sock, "ana", PASSWORD)[-1] == "903 bea :SASL authentication successful"
    assert server.node.state.get_user("bea").account == "Ana"
    assert log_in(server, sock, "work", PASSWORD)[0] == (
        "900 bea bea!~bea@127.0.0.1 Work :You are now logged in as Work"
    )
    assert server.node.state.get_user("bea").account == "Work"


@pytest.mark.parametrize(
    "data",
    [
        plain("ana", "wrong password"),
        plain("nobody", PASSWORD),
        plain("", PASSWORD),
        plain("ana", ""),
        plain("ana", PASSWORD, "bea"),
        plain("ana", PASSWORD + "\0"),
        base64.b64encode(b"\xff\xfe\0ana\0x").decode(),
        base64.b64encode(b"ana").decode(),
        "+",
        "not base64!",
        "é",
    ],
)
def test_what_is_no_proof_fails(server: StillServer, data: str) -> None:
    sock = arrive(server)
    assert say(server, sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {data}")[1:] == FAILED
    assert log_in(server, sock, "ana", PASSWORD)[-1].startswith("903 ")


def test_an_unknown_account_takes_the_same_work(server: StillServer, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []
    make = hashlib.pbkdf2_hmac

    def counting(name: str, password: bytes, salt: bytes, iterations: int) -> bytes:
        rounds.append(iterations)
        return make(name, password, salt, iterations)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
    for name, password in [("ana", "wrong"), ("nobody", "wrong"), ("ana", "\x07"), ("nobody", "\x07")]:
        log_in(server, arrive(server, f"127.0.1.{len(rounds)}"), name, password)
    assert rounds == [4096] * 4


def test_a_message_of_many_chunks_is_put_together_and_one_that_is_too_long_refused(server: StillServer) -> None:
    long = "x" * 299
    request(server, f":fanfare.local REGISTER Long {verifier.make(long, 4096)}")
    text = plain("long", long, "long")
    assert len(text) > 400
    sock = arrive(server)
    answers = say(server, sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {text[:400]}", f"AUTHENTICATE {text[400:]}")
    assert answers[-1].startswith("903 ")
    exact = base64.b64encode(b"\0ana\0" + b"y" * 295).decode()
    assert len(exact) == 400
    assert say(server, sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {exact}", "AUTHENTICATE +")[1:] == FAILED
    assert say(server, sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {'x' * 401}")[1:] == [
        "905 ana :SASL message too long"
    ]
    chunks = [f"AUTHENTICATE {'x' * 400}"] * 5
    assert say(server, sock, "AUTHENTICATE PLAIN", *chunks)[1:] == ["905 ana :SASL message too long"]


def test_an_unknown_mechanism_is_answered_with_those_that_there_are(server: StillServer) -> None:
    assert say(server, arrive(server), "AUTHENTICATE EXTERNAL") == [
        "908 ana PLAIN,SCRAM-SHA-256 :are available SASL mechanisms",
        *FAILED,
    ]


def test_an_exchange_may_be_aborted(server: StillServer) -> None:
    sock = arrive(server)
    assert say(server, sock, "AUTHENTICATE PLAIN", "AUTHENTICATE *") == [
        "AUTHENTICATE +",
        "906 ana :SASL authentication aborted",
    ]
    assert log_in(server, sock, "ana", PASSWORD)[-1].startswith("903 ")


def test_an_exchange_that_goes_on_when_the_negotiation_ends_is_aborted(server: StillServer) -> None:
    sock = server.adopt(IrcWire())
    server.say(sock, *ASK.replace("ana", "bea").split("\r\n"))
    sock.lines()
    lines = say(server, sock, "AUTHENTICATE PLAIN", "CAP END")
    assert lines[:2] == ["AUTHENTICATE +", "906 bea :SASL authentication aborted"]
    assert lines[2].startswith("001 bea ")
    assert say(server, sock, "AUTHENTICATE PLAIN") == ["AUTHENTICATE +"]  # a new exchange


def test_a_client_of_version_301_logs_in_once(server: StillServer) -> None:
    sock = server.adopt(IrcWire())
    server.say(sock, "CAP LS", "CAP REQ sasl", "NICK ana", "USER ana 0 * :Ana")
    sock.lines()
    log_in(server, sock, "ana", PASSWORD)
    assert say(server, sock, "AUTHENTICATE PLAIN") == ["907 ana :You have already authenticated using SASL"]


# The nickname


def test_a_registered_nickname_is_refused_once_it_is_clear_that_nobody_logs_in(server: StillServer) -> None:
    sock = arrive(server)
    assert say(server, sock, "CAP END") == ["433 * ana :Nickname is registered: log in to its account"]
    assert say(server, sock, "NICK ANA") == ["433 * ANA :Nickname is registered: log in to its account"]
    assert log_in(server, sock, "ana", PASSWORD)[-1].startswith("903 ")
    assert say(server, sock, "NICK ana")[0].startswith("001 ana ")


# SCRAM


class Client:
    """The client's side of SCRAM-SHA-256, by RFC 5802 alone."""

    def __init__(self, name: str, password: str) -> None:
        self.password = password
        self.bare = f"n={name},r=client-nonce"

    def first(self, header: str = "n,,") -> str:
        return base64.b64encode((header + self.bare).encode()).decode()

    def final(self, first64: str, binding: bytes = b"n,,") -> str:
        server_first = base64.b64decode(first64).decode()
        fields = dict(field.split("=", 1) for field in server_first.split(","))
        assert fields["r"].startswith("client-nonce")
        assert len(fields["r"]) > len("client-nonce") + 16
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c={base64.b64encode(binding).decode()},r={fields['r']}"
        signed = f"{self.bare},{server_first},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
        self.server_signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        return base64.b64encode(f"{without_proof},p={base64.b64encode(proof).decode()}".encode()).decode()


def scram(server: StillServer, sock: StillSocket, client: Client) -> list[str]:
    """What the server answers from the proof on."""
    (_, first) = say(server, sock, "AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {client.first()}")
    return say(server, sock, f"AUTHENTICATE {client.final(first.removeprefix('AUTHENTICATE '))}")


def test_scram_logs_in_and_the_server_proves_itself_too(server: StillServer) -> None:
    sock, client = arrive(server), Client("Ana", PASSWORD)
    (final,) = scram(server, sock, client)
    assert base64.b64decode(final.removeprefix("AUTHENTICATE ")) == b"v=" + base64.b64encode(client.server_signature)
    assert say(server, sock, "AUTHENTICATE +")[-1] == "903 ana :SASL authentication successful"
    server.say(sock, "CAP END")
    assert server.node.state.get_user("ana").account == "Ana"


@pytest.mark.parametrize(("name", "password"), [("ana", "wrong"), ("nobody", PASSWORD)])
def test_scram_with_a_wrong_password_or_name_fails_at_the_proof(server: StillServer, name: str, password: str) -> None:
    sock = arrive(server)
    assert scram(server, sock, Client(name, password)) == FAILED
    salts = [
        say(server, sock, "AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {Client(name, '').first()}", "AUTHENTICATE *")[1]
        for _ in range(2)
    ]
    parts = [base64.b64decode(salt.removeprefix("AUTHENTICATE ")).decode().split(",") for salt in salts]
    assert parts[0][1:] == parts[1][1:]  # an unknown account has a salt, the same each time
    assert server.node.logins.outcomes == {"succeeded": 0, "failed": 1, "limited": 0}


@pytest.mark.parametrize("header", ["p=tls-unique,,", "n,a=bea,", "", "x"])
def test_scram_knows_no_channel_binding_and_nobody_acts_for_another(server: StillServer, header: str) -> None:
    first = Client("ana", PASSWORD).first(header)
    assert say(server, arrive(server), "AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {first}")[1:] == FAILED


def test_scram_of_another_exchange_fails(server: StillServer) -> None:
    sock, client = arrive(server), Client("ana", PASSWORD)
    first = say(server, sock, "AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {client.first()}")[1].split()[1]
    assert say(server, sock, f"AUTHENTICATE {client.final(first, b'y,,')}") == FAILED
    old = client.final(first)
    say(server, sock, "AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {client.first()}")
    assert say(server, sock, f"AUTHENTICATE {old}") == FAILED


# EXTERNAL


def test_a_certificate_logs_in_to_its_account(server: StillServer) -> None:
    request(server, f":fanfare.local CERT ana + {'ab' * 32}")
    sock = arrive(server)
    server.connection(sock).fingerprint = "ab" * 32
    words = " ".join(say(server, sock, "CAP LS 302")).split()
    assert "sasl=PLAIN,SCRAM-SHA-256,EXTERNAL" in words
    assert say(server, sock, "AUTHENTICATE EXTERNAL", f"AUTHENTICATE {base64.b64encode(b'bea').decode()}")[1:] == FAILED
    assert say(server, sock, "AUTHENTICATE EXTERNAL", "AUTHENTICATE +")[1:] == [
        "900 ana ana!*@127.0.0.1 Ana :You are now logged in as Ana",
        "903 ana :SASL authentication successful",
    ]
    other = arrive(server)
    server.connection(other).fingerprint = "cd" * 32
    assert say(server, other, "AUTHENTICATE EXTERNAL", "AUTHENTICATE +")[1:] == FAILED


# Attempts


def test_an_address_may_fail_a_few_times_and_then_once_a_while(server: StillServer) -> None:
    for name in ("one", "two", "three"):
        assert log_in(server, arrive(server), name, "wrong") == FAILED
    refused = ["904 ana :Too many logins have failed: try again in 30 s"]
    assert log_in(server, arrive(server), "ana", PASSWORD) == refused
    assert (
        say(server, arrive(server), "AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {Client('ana', '').first()}")[1:]
        == refused
    )
    assert log_in(server, arrive(server, "127.0.0.2"), "ana", PASSWORD)[-1].startswith("903 ")
    server.advance(30.0)
    assert log_in(server, arrive(server), "ana", PASSWORD)[-1].startswith("903 ")
    assert server.node.logins.outcomes == {"succeeded": 2, "failed": 3, "limited": 2}


def test_an_account_is_not_guessed_from_many_addresses_and_its_owner_gets_in_all_the_same(server: StillServer) -> None:
    assert log_in(server, arrive(server, "127.0.0.9"), "ana", PASSWORD)[-1].startswith("903 ")
    for number in range(3):
        assert log_in(server, arrive(server, f"10.0.0.{number}"), "ana", "wrong") == FAILED
    assert "Too many" in log_in(server, arrive(server, "10.0.0.7"), "ANA", PASSWORD)[0]
    assert log_in(server, arrive(server, "127.0.0.9"), "ana", PASSWORD)[-1].startswith("903 ")


def test_who_logs_in_rightly_may_do_so_as_often_as_they_like(server: StillServer) -> None:
    for _ in range(10):
        assert log_in(server, arrive(server), "ana", PASSWORD)[-1].startswith("903 ")


# Waiting


class Slow:
    """A hasher whose tasks wait until they are released."""

    def __init__(self, room: int = 10) -> None:
        self.room = room
        self.waiting: list[tuple[Any, Any]] = []

    def start(self, post: object) -> None: ...

    def run(self, task: Any, done: Any) -> bool:
        self.waiting.append((task, done))
        self.room -= 1
        return self.room >= 0

    def release(self) -> None:
        for task, done in self.waiting:
            done(task())
        self.waiting.clear()

    def close(self) -> None: ...


def test_who_waits_for_the_check_of_a_password_is_not_timed_out_and_runs_no_command(server: StillServer) -> None:
    server.node.logins.hasher = hasher = Slow()
    sock = arrive(server)
    assert say(server, sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('ana', PASSWORD)}", "CAP END", "PING 1") == [
        "AUTHENTICATE +"
    ]
    server.advance(SETTINGS.registration_timeout + 5.0)
    assert not sock.closed
    hasher.release()
    server.settle()
    lines = [line.removeprefix(":fanfare.local ") for line in sock.lines()]
    assert [line.split()[0] for line in lines[:3]] == ["900", "903", "001"]
    assert lines[-1] == "PONG fanfare.local 1"


def replace_account(server: StillServer) -> None:
    request(server, ":fanfare.local DROP ana")
    request(server, f":fanfare.local REGISTER Ana {verifier.make('another password', 4096)}")


@pytest.mark.parametrize("registered", [False, True])
def test_a_password_proved_for_an_account_that_went_meanwhile_is_no_login_to_the_next_of_its_name(
    server: StillServer, registered: bool
) -> None:
    server.node.logins.hasher = hasher = Slow()
    sock = server.connect("bea") if registered else arrive(server)
    nick = "bea" if registered else "ana"
    server.say(sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('ana', PASSWORD)}")
    sock.lines()
    replace_account(server)
    hasher.release()
    server.settle()
    assert sock.lines() == [f":fanfare.local 904 {nick} :SASL authentication failed"]
    server.node.logins.hasher = hasher = Slow()
    ghost = server.connect("carl")
    server.say(sock, "CAP END", "NICK dora")
    server.say(ghost, f"NS GHOST dora {PASSWORD}", f"NS IDENTIFY ana {PASSWORD}")
    for _ in range(2):
        hasher.release()
        server.settle()
    assert [server.node.state.get_user(name).account for name in ("dora", "carl")] == ["", ""]


@pytest.mark.parametrize("steps", [1, 2])
def test_a_scram_exchange_with_an_account_that_went_meanwhile_is_no_login_to_the_next(
    server: StillServer, steps: int
) -> None:
    """Replaced before the proof, or between the proof and its last word."""
    sock, client = arrive(server), Client("ana", PASSWORD)
    first = say(server, sock, "AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {client.first()}")[1].split()[1]
    if steps == 2:
        server.say(sock, f"AUTHENTICATE {client.final(first)}")
    replace_account(server)
    if steps == 1:
        server.say(sock, f"AUTHENTICATE {client.final(first)}")
    sock.lines()
    assert say(server, sock, "AUTHENTICATE +") == FAILED


def test_who_logged_in_before_registering_is_not_logged_in_to_an_account_that_came_between(
    server: StillServer,
) -> None:
    sock = arrive(server)
    log_in(server, sock, "ana", PASSWORD)
    replace_account(server)
    assert say(server, sock, "CAP END") == ["433 * ana :Nickname is registered: log in to its account"]
    server.say(sock, "NICK bea")
    assert server.node.state.get_user("bea").account == ""


def test_who_is_gone_before_the_answer_comes_is_no_user(server: StillServer) -> None:
    server.node.logins.hasher = hasher = Slow()
    sock = arrive(server)
    server.say(sock, "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('ana', PASSWORD)}", "CAP END")
    sock.ended = True
    server.settle()
    hasher.release()
    server.settle()
    assert server.node.state.find_user("ana") is None
    assert not list(server.loop.connections)


def test_when_too_many_wait_the_next_is_told_to_try_again(server: StillServer) -> None:
    server.node.logins.hasher = Slow(room=0)
    busy = "The server checks too many passwords now: try again later"
    assert log_in(server, arrive(server), "ana", PASSWORD) == [f"904 ana :{busy}"]
    bea = server.connect("bea")
    bea.lines()
    assert say(server, bea, "REGISTER * * sesame-open") == [f"FAIL REGISTER TEMPORARILY_UNAVAILABLE bea :{busy}"]
    assert say(server, bea, "PING 1") == ["PONG fanfare.local 1"]
