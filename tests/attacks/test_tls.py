"""The attacks that TLS allows: an innocent pair hears each other, and everything is level afterwards."""

import random
import socket
import ssl
from contextlib import suppress
from pathlib import Path

from tests.attacks.siege import attackers, siege
from tests.attacks.transports import Carried
from tests.support import PATIENCE, running_server
from tests.tls import Authority, half_open, hurry_handshakes, secure, secure_irc


def test_floods_broken_records_and_half_handshakes_hold_up_no_innocent_pair(tmp_path: Path) -> None:
    authority, chance = Authority(tmp_path), random.Random(1)
    with running_server(("irc", "ircs"), rate_limit=5.0, handshake_timeout=PATIENCE, **authority.settings) as server:
        context = authority.client()
        ana, ben = secure_irc(server, context, "ana", "#quiet"), secure_irc(server, context, "ben", "#quiet")
        ana.expect("JOIN")
        attackers = [secure(server, context) for _ in range(10)]
        for number, sock in enumerate(attackers):
            with suppress(OSError):
                sock.sendall(f"NICK bad{number}\r\nUSER bad 0 * :bad\r\n".encode() + b"a\n" * 6_000)
        hurry_handshakes(server)
        waiting = [half_open(server) for _ in range(20)]
        for number in range(20):
            with suppress(OSError):  # records that cannot be decrypted
                socket.socket.sendall(attackers[number % 10], b"\x17\x03\x03\x00\x40" + chance.randbytes(64))
            with suppress(OSError):
                server.connect("ircs").sendall(chance.choice((b"", b"\x16\x03\x01")) + chance.randbytes(200))
            ana.say("#quiet", f"word {number}")
            assert ben.expect("PRIVMSG").params[1] == f"word {number}"
        for sock in attackers:
            with suppress(OSError, ssl.SSLError):
                sock.settimeout(PATIENCE)
                while sock.recv(65_536):
                    pass
        for begun in waiting:
            begun.settimeout(PATIENCE)
            assert begun.recv(1) == b""
        assert server.server.failure == ""
        assert {user.person.nick for user in server.server.loop.node.state.users.values()} == {"ana", "ben"}


def test_records_of_a_byte_each_hold_up_nobody() -> None:
    with siege(scheme="ircs") as besieged:
        bad = attackers(besieged.server, 20)
        for sock in bad:
            assert isinstance(sock, Carried)
            sock.say_apart(b"PING x\r\n" * 300)
        for _ in range(30):
            besieged.word()
            besieged.go_on()
        besieged.hold()
        assert not any(sock.readable for sock in bad)
