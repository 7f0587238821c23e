"""Where to talk and as whom: `ircs://HOST:PORT/ROOM` and the fields of the connect form. Knows no sockets and no Tk."""

import random
import re
from dataclasses import dataclass

from chat.errors import SetupError
from chat.wires.names import nickname_from

DEFAULT_PORT = 6667
TLS_PORT = 6697
_TLS_PORTS = (TLS_PORT, 6679)  # where servers speak TLS by custom; 6697 is RFC 7194's
DEFAULT_ROOM = "#lobby"

_USUAL_LENGTH, _OLD_LENGTH = 16, 9  # characters of a nickname: what many servers allow, and RFC 2812

# Characters that would end or split an IRC parameter. Each server decides whether the rest makes a good name.
_BREAKS_A_LINE = re.compile(r"[\x00-\x20\x7f,]")


@dataclass(frozen=True, slots=True)
class Address:
    """One room of one server."""

    host: str
    port: int = DEFAULT_PORT
    room: str = DEFAULT_ROOM
    tls: bool = False

    @property
    def server(self) -> str:
        """As a person writes it: `HOST:PORT`, with the scheme where the port does not tell that."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.tls == (self.port in _TLS_PORTS)
        return f"{'' if usual else 'ircs://' if self.tls else 'irc://'}{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `ircs://HOST:PORT/ROOM`; scheme, port and room may be left out. Raises SetupError.

    Without a scheme, the port says whether it is TLS.
    """
    scheme, separator, rest = text.strip().rpartition("://")
    if separator and scheme.lower() not in ("irc", "ircs"):
        raise SetupError(f"{text!r}: the client speaks irc:// and ircs://, not {scheme}://")
    place, _, room = rest.partition("/")
    host, port = _host_and_port(text, place)
    tls = scheme.lower() == "ircs" or (not separator and port in _TLS_PORTS)
    return Address(host, port or (TLS_PORT if tls else DEFAULT_PORT), room_name(room), tls)


def has_room(text: str) -> bool:
    """Whether an address names a room."""
    return bool(text.strip().rpartition("://")[2].partition("/")[2])


def room_name(text: str) -> str:
    """A room as IRC writes it: `lobby` is `#lobby`, nothing is the lobby too. Raises SetupError."""
    room = text.strip().replace("%23", "#") or DEFAULT_ROOM
    if room[0] not in "#&":
        room = f"#{room}"
    if _BREAKS_A_LINE.search(room):
        raise SetupError(f"{text!r} is not a room: its name may hold no space and no comma")
    return room


def nickname(text: str) -> str:
    """The name to ask the server for. Raises SetupError when none is given or it could not be sent."""
    nick = text.strip()
    if not nick:
        raise SetupError("Please enter a name: the others see it beside what you write.")
    if _BREAKS_A_LINE.search(nick) or nick.startswith(":"):
        raise SetupError(f"{nick!r} is not a name: it may hold no space and no comma, and not begin with a colon.")
    return nick


def other_names(nick: str) -> tuple[str, ...]:
    """Names like this one, for when somebody else has it: `ana_`, `ana__`, `ana47`."""
    bare = nickname_from(nick.rstrip("_0123456789")) or "guest"
    numbered = f"{bare}{random.randrange(10, 99)}"
    names = (f"{nick}_", f"{nick}__", numbered if numbered != nick else f"{bare}99")
    return names if nick == bare else names[::-1]


def allowed_name(nick: str) -> str:
    """Another name like this one, which more servers allow: in plain letters, and not long."""
    name = nickname_from(nick.lstrip("_0123456789-")) or "guest"
    if name != nick and len(name) <= _USUAL_LENGTH:
        return name
    shorter = next(length for length in (_USUAL_LENGTH, _OLD_LENGTH, len(name) - 1) if length < len(name))
    return name[:shorter] or "guest"


def password(text: str) -> str:
    """The password to give to the server; spaces are part of it. Raises SetupError."""
    if re.search(r"[\x00\r\n]", text):
        raise SetupError("A password may not hold a line end.")
    return text


def _host_and_port(text: str, place: str) -> tuple[str, int]:
    bare_ipv6 = place.count(":") > 1 and not place.startswith("[")
    host, colon, port = (place, "", "") if bare_ipv6 or place.endswith("]") else place.partition(":")
    if place.startswith("[") and not place.endswith("]"):
        host, _, rest = place[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    host = host.strip("[]")
    if not host or _BREAKS_A_LINE.search(host):
        raise SetupError(f"{text!r} names no server: write it as ircs://HOST:PORT/ROOM")
    if not colon:
        return host, 0
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SetupError(f"{text!r}: the port is {port!r}, it must be a number from 1 to 65535")
    return host, int(port)
