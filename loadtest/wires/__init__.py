"""The wires that a load test can speak. One file each; a locustfile may bring another."""

from chat.errors import SetupError
from loadtest.wires.irc import IrcsWire, IrcWire, WssWire, WsWire
from loadtest.wires.tutorials import JoinedWire, NickWire, RelayWire, TildeWire
from loadtest.wires.wire import WIRES, Refused, Said, Step, Wire


def wire_of(url: str) -> type[Wire]:
    """The wire that a `--host` names by its scheme; IRC without one. Raises SetupError."""
    scheme = url.partition("://")[0].lower() if "://" in url else IrcWire.scheme
    if scheme not in WIRES:
        raise SetupError(f"--host must be {' or '.join(f'{name}://HOST:PORT' for name in WIRES)}, got {url!r}")
    return WIRES[scheme]


__all__ = [
    "WIRES",
    "IrcWire",
    "IrcsWire",
    "JoinedWire",
    "NickWire",
    "Refused",
    "RelayWire",
    "Said",
    "Step",
    "TildeWire",
    "Wire",
    "WsWire",
    "WssWire",
    "wire_of",
]
