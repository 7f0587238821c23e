"""Nobody learns the address of another user, by whatever they ask and whatever happens."""

import socket
from pathlib import Path

import pytest

from tests.support import IrcClient, RunningServer, running_server

SECRET = "127.0.0.77"
UNFRAMED = {"relay": "bob: hello", "joined": "joined:bob", "tilde": "bob", "nick": "bob"}
QUESTIONS = (
    *("WHO #lobby", "WHO bob", "WHO *", "WHO #lobby %tcuihsnfdlaor,1", "WHO bob %i", "WHOIS bob", "WHOIS bob bob"),
    *("WHOWAS bob", "WHOWAS bobby", "USERHOST bob bobby", "NAMES #lobby", "LIST", "ISON bob", "MODE #lobby +b bob"),
    *(
        "MODE #lobby b",
        "TOPIC #lobby",
        "CHATHISTORY LATEST #lobby * 50",
        "STATS l",
        "STATS k",
        "STATS L bob",
        "TRACE bob",
    ),
    *("MONITOR + bob", "ETRACE", "LUSERS", "INFO", "ADMIN", "HELP", "LINKS", "MODE #lobby -b bob"),
)
CAPS = (
    "userhost-in-names message-tags server-time echo-message batch labeled-response draft/chathistory "
    "draft/event-playback cap-notify"
)


def ask_everything(asker: IrcClient) -> list[str]:
    asker.send(*QUESTIONS)
    return asker.sync_lines()


def come(server: RunningServer, scheme: str) -> socket.socket:
    sock = server.connect(scheme, source=SECRET)
    if scheme == "irc":
        sock.sendall(b"NICK bob\r\nUSER bob 0 * :bob\r\nJOIN #lobby\r\nTOPIC #lobby :x\r\nAWAY :gone\r\n")
        sock.sendall(b"PRIVMSG #lobby :hello\r\n")
    elif scheme == "nick":
        assert sock.recv(1024) == b"NICK"
        sock.sendall(b"bob")
    else:
        sock.sendall(UNFRAMED[scheme].encode())
    return sock


@pytest.mark.parametrize("scheme", ["irc", *UNFRAMED])
def test_nothing_that_others_are_told_or_may_ask_holds_an_address(tmp_path: Path, scheme: str) -> None:
    with running_server(("irc", *UNFRAMED), log=f"sqlite:{tmp_path}/log", cloak="on", rate_limit=0.0) as server:
        ana = server.irc("ana", "#lobby", caps=CAPS)
        plain = server.plain("relay")
        bob = come(server, scheme)
        seen = ana.until("JOIN")
        told = [str(message) for message in seen]
        told += ask_everything(ana)
        if scheme == "irc":
            bob.close()
        else:
            ana.send("KICK #lobby bob :out")
        told += [str(message) for message in ana.until("KICK" if scheme != "irc" else "QUIT")]
        told += ask_everything(ana)
        assert any(".ip" in line for line in told)
        assert SECRET not in "\n".join(told)
        ana.say("#lobby", "the end")
        told_plain = b""
        while b"the end" not in told_plain:
            data = plain.sock.recv(4096)
            assert data
            told_plain += data
        assert SECRET.encode() not in told_plain


def test_people_see_their_own_address() -> None:
    with running_server(cloak="on") as server:
        ana = server.irc("ana")
        ana.send("WHOIS ana", "USERHOST ana")
        lines = ana.sync_lines()
        assert any(" 338 ana ana 127.0.0.1 :" in line for line in lines)
        assert any(line.endswith("@127.0.0.1") for line in lines)


def test_without_cloaks_everybody_sees_addresses() -> None:
    with running_server(cloak="off") as server:
        ana = server.raw()
        assert "396" not in {message.verb for message in ana.register("ana")}
        ana.send("WHOIS ana")
        lines = ana.sync_lines()
        assert any(" 311 ana ana ~ana 127.0.0.1 " in line for line in lines)
        assert not any(" 338 " in line for line in lines)
