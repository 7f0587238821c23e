"""NickServ, REGISTER and VERIFY: accounts made by people, and their nicknames taken back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.settings import Settings
from chat.wires.irc import CAPABILITIES, IrcWire
from tests.commands.test_sasl import log_in, plain, say

SETTINGS = Settings(helpers=0, password_iterations=4096, registrations_per_address=2, registration_pause=100.0)
PASSWORD = "sesame-open"


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server(SETTINGS) as still:
        yield still


def ask(server: StillServer, sock: StillSocket, text: str) -> list[str]:
    """What NickServ says, without its name, and the numerics between."""
    lines = say(server, sock, f"PRIVMSG NickServ :{text}")
    return [line.removeprefix(":NickServ!NickServ@fanfare.local ") for line in lines]


def registered(server: StillServer, nick: str, host: str = "127.0.0.1") -> StillSocket:
    sock = server.connect(nick, host=host)
    sock.lines()
    assert "is registered" in ask(server, sock, f"REGISTER {PASSWORD} mail@example.org")[0]
    return sock


def account(server: StillServer, nick: str) -> str:
    return server.node.state.get_user(nick).account


# REGISTER


def test_an_account_is_registered_before_the_connection_is_and_logged_in(server: StillServer) -> None:
    sock = server.adopt(IrcWire())
    words = " ".join(say(server, sock, "CAP LS 302")).split()
    assert "draft/account-registration=before-connect,custom-account-name" in words
    assert say(server, sock, f"REGISTER * * {PASSWORD}") == [
        "FAIL REGISTER NEED_NICK * :Send NICK first, or name the account"
    ]
    assert say(server, sock, "NICK ana", "USER ana 0 * :Ana", f"REGISTER * * {PASSWORD}", "CAP END")[:2] == [
        "REGISTER SUCCESS ana :You have registered the account ana",
        "900 ana ana!*@127.0.0.1 ana :You are now logged in as ana",
    ]
    assert account(server, "ana") == "ana"


def test_an_account_may_have_another_name_than_the_nickname(server: StillServer) -> None:
    sock = server.connect("ana")
    sock.lines()
    assert say(server, sock, f"REGISTER Work * {PASSWORD}")[0].startswith("REGISTER SUCCESS Work ")
    assert account(server, "ana") == "Work"
    assert say(server, server.connect("bea"), "NICK work")[-1].startswith("433 ")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("1st * sesame-open", "BAD_ACCOUNT_NAME 1st"),
        ("NickServ * sesame-open", "BAD_ACCOUNT_NAME NickServ"),
        ("bea * sesame-open", "BAD_ACCOUNT_NAME bea"),
        ("CARL * sesame-open", "ACCOUNT_EXISTS CARL"),
        ("ana * short", "WEAK_PASSWORD ana"),
        ("anaana * ANAANA", "WEAK_PASSWORD anaana"),
        ("ana * sesame\x07open", "UNACCEPTABLE_PASSWORD ana"),
        ("ana * " + "x" * 301, "UNACCEPTABLE_PASSWORD ana"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_the_standards_code(
    server: StillServer, words: str, answer: str
) -> None:
    registered(server, "carl", "127.0.0.5").ended = True
    server.settle()
    server.connect("bea")
    sock = server.connect("ana")
    sock.lines()
    (line,) = say(server, sock, f"REGISTER {words}")
    assert line.startswith(f"FAIL REGISTER {answer} :")
    assert say(server, sock, "REGISTER x") == ["461 ana REGISTER :Not enough parameters"]


def test_one_address_registers_a_few_accounts_and_then_one_a_while(server: StillServer) -> None:
    for nick in ("one", "two"):
        registered(server, nick, "192.0.2.1")
    sock = server.connect("three", host="192.0.2.1")
    sock.lines()
    assert say(server, sock, f"REGISTER * * {PASSWORD}")[0].startswith("FAIL REGISTER TEMPORARILY_UNAVAILABLE three :")
    registered(server, "four", "192.0.2.2")
    server.advance(100.0)
    sock.lines()
    assert say(server, sock, f"REGISTER * * {PASSWORD}")[0].startswith("REGISTER SUCCESS three ")


def test_who_is_logged_in_registers_nothing_and_verifies_nothing(server: StillServer) -> None:
    ana = registered(server, "ana")
    assert say(server, ana, f"REGISTER other * {PASSWORD}", "VERIFY ana 123") == [
        "FAIL REGISTER ALREADY_AUTHENTICATED ana :You are logged in already",
        "FAIL VERIFY ALREADY_AUTHENTICATED ana :You are logged in already",
    ]
    bea = server.connect("bea")
    bea.lines()
    assert say(server, bea, "VERIFY bea 123") == ["FAIL VERIFY INVALID_CODE bea :No account waits for a code here"]


def test_an_operator_may_keep_registration_to_themselves() -> None:
    with still_server(replace(SETTINGS, registration="off")) as server:
        sock = server.adopt(IrcWire())
        assert "account-registration" not in " ".join(say(server, sock, "CAP LS 302"))
        ana = server.connect("ana")
        ana.lines()
        assert "TEMPORARILY_UNAVAILABLE" in say(server, ana, f"REGISTER * * {PASSWORD}")[0]
        assert "operator registers" in ask(server, ana, f"REGISTER {PASSWORD}")[0]


def test_a_server_with_a_password_registers_nobody_before_it_has_been_given() -> None:
    with still_server(replace(SETTINGS, password="secret", listen=SETTINGS.listen[:1])) as server:
        sock = server.adopt(IrcWire())
        server.say(sock, "CAP LS 302", "NICK ana")
        sock.lines()
        assert say(server, sock, f"REGISTER * * {PASSWORD}") == ["464 ana :Password incorrect"]
        assert say(server, sock, "PASS secret", f"REGISTER * * {PASSWORD}")[0].startswith("REGISTER SUCCESS ana ")


# NickServ


def test_nickserv_registers_the_nickname_and_logs_in(server: StillServer) -> None:
    ana = server.connect("ana")
    ana.lines()
    assert ask(server, ana, f"register {PASSWORD}") == [
        "NOTICE ana :ana is registered: the nickname is yours from now on",
        "900 ana ana!~ana@127.0.0.1 ana :You are now logged in as ana",
    ]
    assert account(server, "ana") == "ana"


@pytest.mark.parametrize("line", ["PRIVMSG nickserv :{}", "NS {}", "NS :{}", "NICKSERV {}", "PRIVMSG NickServ,x :{}"])
def test_identify_logs_in(server: StillServer, line: str) -> None:
    registered(server, "ana").ended = True
    server.settle()
    bea = server.connect("bea")
    bea.lines()
    answers = say(server, bea, line.format(f"IDENTIFY ana {PASSWORD}"))
    assert ":NickServ!NickServ@fanfare.local NOTICE bea :You are logged in as ana" in answers
    assert account(server, "bea") == "ana"
    assert say(server, bea, "NICK ana") == [":bea!~bea@127.0.0.1 NICK ana"]
    assert say(server, bea, "NS LOGOUT")[0].startswith("901 ana ")
    assert account(server, "ana") == ""
    assert ask(server, bea, f"IDENTIFY {PASSWORD}")[-1] == "NOTICE bea :You are logged in as ana".replace("bea", "ana")


def test_a_wrong_password_is_told_and_counts_as_an_attempt(server: StillServer) -> None:
    registered(server, "ana")
    bea = server.connect("bea")
    bea.lines()
    for _ in range(SETTINGS.login_attempts):
        assert ask(server, bea, "IDENTIFY ana wrong") == ["NOTICE bea :Invalid account or password"]
    assert "Too many" in ask(server, bea, "IDENTIFY ana wrong")[0]
    assert "Too many" in log_in(server, bea, "ana", "wrong")[0]


def test_the_password_can_be_changed_by_who_is_logged_in(server: StillServer) -> None:
    ana = registered(server, "ana")
    bea = server.connect("bea")
    bea.lines()
    assert "not logged in" in ask(server, bea, "SET PASSWORD another-one")[0]
    assert "least" in ask(server, ana, "SET PASSWORD short")[0]
    assert "another password" in ask(server, ana, "SET PASSWORD another-one")[0]
    assert ask(server, bea, f"IDENTIFY ana {PASSWORD}") == ["NOTICE bea :Invalid account or password"]
    assert ask(server, bea, "IDENTIFY ana another-one")[-1] == "NOTICE bea :You are logged in as ana"


def test_ghost_takes_the_nickname_back(server: StillServer) -> None:
    ghost = registered(server, "ana")
    server.say(ghost, "JOIN #a")
    watcher = server.connect("watcher", "#a")
    ana = server.connect("ana_")
    ana.lines(), watcher.lines()
    assert "not logged in" in ask(server, ana, "GHOST ana")[0]
    assert ask(server, ana, "GHOST ana wrong") == ["NOTICE ana_ :Invalid account or password"]
    assert ask(server, ana, "GHOST watcher " + PASSWORD) == ["NOTICE ana_ :Invalid account or password"]
    assert not ghost.closed
    ghost.lines()
    assert ask(server, ana, f"GHOST ana {PASSWORD}") == ["NOTICE ana_ :ana is gone: the nickname is free"]
    assert ghost.lines() == ["ERROR :Closing link: Ghosted by ana_"]
    assert watcher.lines() == [":ana!~ana@127.0.0.1 QUIT :Ghosted by ana_"]
    assert ask(server, ana, f"IDENTIFY ana {PASSWORD}")
    assert say(server, ana, "NICK ana") == [":ana_!~ana_@127.0.0.1 NICK ana"]
    assert "That is you" in ask(server, ana, "GHOST ana")[0]
    assert "Nobody" in ask(server, ana, "GHOST nobody")[0]
    assert "not a nickname of your account" in ask(server, ana, "GHOST watcher")[0]
    server.say(watcher, "PRIVMSG #a :still here")
    assert not watcher.closed


def test_a_certificate_is_added_and_removed(server: StillServer) -> None:
    ana = registered(server, "ana")
    server.connection(ana).fingerprint = "ab" * 32
    assert "added" in ask(server, ana, "CERT ADD")[0]
    assert "added" in ask(server, ana, f"CERT ADD {':'.join(['CD'] * 32)}")[0]
    assert ask(server, ana, "CERT LIST") == [f"NOTICE ana :{'ab' * 32}", f"NOTICE ana :{'cd' * 32}"]
    assert "64 hexadecimal digits" in ask(server, ana, "CERT ADD abc")[0]
    assert "removed" in ask(server, ana, "CERT DEL")[0]
    assert list(server.node.state.accounts.by_fingerprint) == ["cd" * 32]


def test_help_names_every_order_and_what_is_unknown_is_told(server: StillServer) -> None:
    ana = server.connect("ana")
    ana.lines()
    told = "\n".join(ask(server, ana, "HELP"))
    assert all(word in told for word in ("REGISTER", "IDENTIFY", "SET PASSWORD", "GHOST", "HELP"))
    assert ask(server, ana, "help ghost")[0].startswith("NOTICE ana :GHOST ")
    assert "HELP" in ask(server, ana, "HELLO")[0]
    assert ask(server, ana, "IDENTIFY") == ["NOTICE ana :Usage: IDENTIFY [account] password"]


def test_what_nickserv_is_told_reaches_nobody_and_no_entry_holds_it(server: StillServer) -> None:
    server.node.log.entries.clear()  # type: ignore[attr-defined]
    watcher = server.adopt(IrcWire())
    server.say(watcher, "CAP LS 302", f"CAP REQ :{' '.join(CAPABILITIES)}", "NICK watcher", "USER w 0 * :W", "CAP END")
    server.say(watcher, "JOIN #a", "MODE #a -n")
    ana = server.adopt(IrcWire())
    server.say(
        ana, "CAP LS 302", f"CAP REQ :{' '.join(CAPABILITIES)}", "NICK ana", "USER a 0 * :A", "CAP END", "JOIN #a"
    )
    watcher.lines(), ana.lines()
    heard = say(
        server,
        ana,
        f"@label=1 PRIVMSG NickServ :REGISTER {PASSWORD}",
        f"NOTICE NickServ :IDENTIFY {PASSWORD}",
        f"NS SET PASSWORD {PASSWORD}2",
        "AUTHENTICATE PLAIN",
        f"AUTHENTICATE {plain('ana', PASSWORD + '2')}",
    )
    assert any("900 ana" in line for line in heard)
    assert not any(PASSWORD in line for line in heard)
    assert [line.split(" ", 2)[-1] for line in watcher.lines()] == ["ACCOUNT ana"]
    entries = [entry.line for entry in server.node.log.entries]  # type: ignore[attr-defined]
    assert any(" REGISTER ana SCRAM-SHA-256$4096:" in line for line in entries)
    assert not any(PASSWORD in line for line in entries)


def test_nobody_is_called_like_a_service(server: StillServer) -> None:
    sock = server.connect("ana")
    sock.lines()
    for nick in ("NickServ", "nickserv", "_NickServ_", "ChanServ1", "OperServ"):
        assert say(server, sock, f"NICK {nick}") == [f"432 ana {nick} :Erroneous nickname"]


def test_nobody_registers_a_nickname_that_somebody_else_has_before_their_own_connection_is_complete(
    server: StillServer,
) -> None:
    server.connect("ana")
    sock = server.adopt(IrcWire())
    server.say(sock, "CAP LS 302", "USER ana 0 * :Ana", "NICK bea")
    sock.lines()
    assert say(server, sock, f"REGISTER ana * {PASSWORD}")[0].startswith("FAIL REGISTER BAD_ACCOUNT_NAME ana :")


def test_an_address_that_is_exempt_registers_as_many_accounts_as_it_likes(server: StillServer) -> None:
    for number in range(SETTINGS.registrations_per_address + 2):
        registered(server, f"user{number}")


def test_an_entry_of_the_log_holds_no_address_of_who_registers() -> None:
    with still_server(SETTINGS) as server:
        server.node.cloak = lambda address: "cloak"
        sock = server.adopt(IrcWire())
        server.say(sock, "NICK ana", f"REGISTER * * {PASSWORD}")
        (entry,) = server.node.log.entries  # type: ignore[attr-defined]
        assert entry.request.source == "ana!*@cloak"


def test_the_account_is_told_in_whois_and_who(server: StillServer) -> None:
    registered(server, "ana")
    bea = server.connect("bea")
    bea.lines()
    assert "330 bea ana ana :is logged in as" in say(server, bea, "WHOIS ana")
    assert say(server, bea, "WHO ana %na", "WHO bea %na")[::2] == ["354 bea ana ana", "354 bea bea 0"]
