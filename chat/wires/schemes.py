"""The table of schemes: an address's wire, transport and default port."""

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
    transport: str = "tcp"  # a name in chat/server/net/transport.py


SCHEMES = {
    "irc": Scheme(6667, IrcWire),
    "relay": Scheme(55555, RelayWire),
    "joined": Scheme(10319, JoinedWire),
    "tilde": Scheme(1100, TildeWire),
    "nick": Scheme(5501, NickWire),
}
