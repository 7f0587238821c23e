"""The table of schemes: an address's wire, what carries it, and its default port."""

from collections.abc import Callable
from typing import NamedTuple

from chat.wires.irc import IrcWire
from chat.wires.joined import JoinedWire
from chat.wires.nick import NickWire
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from chat.wires.wire import Wire


class Scheme(NamedTuple):
    port: int  # for an address without one
    wire: Callable[[], Wire]
    tls: bool = False
    web: bool = False  # the wire's lines come and go as WebSocket messages


SCHEMES = {
    "irc": Scheme(6667, IrcWire),
    "ircs": Scheme(6697, IrcWire, tls=True),
    "ws": Scheme(8067, IrcWire, web=True),
    "wss": Scheme(8097, IrcWire, tls=True, web=True),
    "relay": Scheme(55555, RelayWire),
    "relay+tls": Scheme(55556, RelayWire, tls=True),
    "joined": Scheme(10319, JoinedWire),
    "joined+tls": Scheme(10320, JoinedWire, tls=True),
    "tilde": Scheme(1100, TildeWire),
    "tilde+tls": Scheme(1101, TildeWire, tls=True),
    "nick": Scheme(5501, NickWire),
    "nick+tls": Scheme(5502, NickWire, tls=True),
}
PLAIN_SCHEMES = tuple(name for name, scheme in SCHEMES.items() if not scheme.tls and not scheme.web)
