"""One line of WHO's answer: RPL_WHOREPLY, or RPL_WHOSPCRPL with the fields that were asked for.

Sources: https://modern.ircdocs.horse "WHO message", https://ircv3.net/specs/extensions/whox
"""

from dataclasses import dataclass

from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.wires.irc import LINE_BYTES, fit
from chat.wires.numerics import RPL_WHOREPLY, RPL_WHOSPCRPL

ORDER = "tcuihsnfdlaor"  # of the fields in an answer
TOKEN_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a WHO: letters of `ORDER`, and the token that comes back with `t`."""

    letters: str
    token: str


def read_options(text: str) -> tuple[bool, Fields | None]:
    """`o%tcuhn,42`: whether operators alone are asked for; the fields, or None for a WHO of the old kind."""
    flags, percent, wanted = text.partition("%")
    operators = "o" in flags
    if not percent:
        return operators, None
    letters, _, token = wanted.partition(",")
    token = token if token.isascii() and token.isdigit() and len(token) <= TOKEN_DIGITS else "0"
    return operators, Fields(letters, token)


def who_line(node: Node, client: Client, place: str, other: User, rank: str, fields: Fields | None) -> bytes:
    """`place` is the room, or `*`; `rank` its prefix for the user, empty for none."""
    person = other.person
    flags = ("H" if other.away is None else "G") + ("*" if other.operator else "") + rank + ("B" if person.bot else "")
    if fields is None:
        line = (
            f":{client.server_name} {RPL_WHOREPLY.code} {client.nick} {place} {person.user} {person.host} "
            f"{client.server_name} {person.nick} {flags} :0 {other.realname}\r\n"
        ).encode()
        return line if len(line) <= LINE_BYTES else fit(line)
    values = {
        "t": fields.token,
        "c": place,
        "u": person.user,
        "i": "255.255.255.255",  # the standard's way to tell no address
        "h": person.host,
        "s": client.server_name,
        "n": person.nick,
        "f": flags,
        "d": "0",  # servers between the two
        "l": str(max(0, int(node.clock() - other.spoke))),
        "a": person.account or "0",
        "o": "n/a",  # the rank among operators, which other servers number
        "r": f":{other.realname}",
    }
    words = " ".join([values[letter] for letter in ORDER if letter in fields.letters])
    return fit(f":{client.server_name} {RPL_WHOSPCRPL.code} {client.nick} {words}\r\n".encode())
