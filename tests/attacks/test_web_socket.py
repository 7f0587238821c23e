"""The attacks by WebSocket: small frames, fragments, many lines and long questions hold up nobody."""

import random

import pytest
from websockets.frames import Frame, Opcode

from bench.still import StillServer, StillSocket
from chat.errors import WireError
from chat.wires.web_socket import WebSocketWire
from tests.attacks.siege import Siege, ghosts, siege
from tests.wires.test_web_socket import REQUEST, text

ATTACKERS = 20
READS = 4  # that each attacker's bytes take


def browsers(server: StillServer, count: int, *lines: bytes) -> list[StillSocket]:
    """WebSockets of one address."""
    socks = []
    for number in range(count):
        sock = server.socket()
        server.loop.adopt(sock, "10.2.0.1", WebSocketWire())
        said = (b"NICK web%d" % number, b"USER web 0 * :web", *lines)
        sock.said = REQUEST + b"".join(map(text, said))
        socks.append(sock)
    server.advance(12.0)
    return socks


SMALL = {
    "pings": text(b"", Opcode.PING),
    "pongs": text(b"", Opcode.PONG),
    "empty messages": text(b""),
    "letters": text(b"a"),
    "fragments": text(b"", fin=False) + text(b"", Opcode.CONT, fin=False) * 20 + text(b"", Opcode.CONT),
    "long pings": text(b"x" * 125, Opcode.PING),
}


def besiege(under: Siege, passes: int = 30) -> None:
    for _ in range(passes):
        under.word()
        under.go_on()
    under.hold()


@pytest.mark.parametrize("frames", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("registered", [True, False])
def test_small_frames_hold_up_nobody(frames: bytes, registered: bool) -> None:
    with siege() as under:
        lines = (b"JOIN #a",) if registered else ()
        for sock in browsers(under.server, ATTACKERS, *lines):
            sock.said += frames * (READS * 16_384 // len(frames))
        besiege(under)
        assert under.server.failures == []


def test_questions_by_websocket_hold_up_nobody() -> None:
    with siege() as under:
        ghosts(under.server, 1_000, "#big")
        for sock in browsers(under.server, 8):
            sock.said += text(b"WHO #big") * 60
        besiege(under, 60)


@pytest.mark.parametrize("seed", range(4))
def test_random_frames_from_20_connections_end_or_go_on_and_leave_no_ghost(seed: int) -> None:
    chance = random.Random(seed)
    with siege() as under:
        socks = browsers(under.server, ATTACKERS, b"JOIN #a")
        for _ in range(30):
            for sock in socks:
                kind = chance.randrange(6)
                if kind == 0:
                    sock.said += chance.randbytes(chance.randrange(200))
                elif kind == 1:
                    sock.said += Frame(Opcode.TEXT, b"PRIVMSG #a :x").serialize(mask=False)  # without a mask
                elif kind == 2:
                    sock.said += text(b"x" * chance.choice((0, 125, 126, 600, 8_192, 9_000)))
                else:
                    sock.said += text(
                        b"PRIVMSG #a :" + chance.randbytes(20), chance.choice((Opcode.TEXT, Opcode.BINARY))
                    )
            under.word()
        under.server.advance(60.0)
        for sock in socks:
            sock.ended = True
        under.server.settle()
        under.server.advance(10.0)
        node = under.server.node
        assert {user.person.nick for user in node.state.users.values()} == {"innocent1", "innocent2"}
        assert "#a" not in node.state.rooms
        assert under.server.failures == []


def test_the_wire_never_raises_anything_but_a_wire_error() -> None:
    chance = random.Random(1)
    for _ in range(2_000):
        wire = WebSocketWire()
        wire.receive(REQUEST)
        try:
            for _ in range(4):
                wire.receive(chance.randbytes(chance.randrange(64)))
                while wire.next() is not None:
                    pass
        except WireError:
            continue
