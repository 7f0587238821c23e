"""RPL_ISUPPORT: the limits that the server advertises to its clients.

Source: https://modern.ircdocs.horse "RPL_ISUPPORT Parameters"
"""

from chat.server.commands.history import MOST
from chat.server.commands.limits import MODES, REALNAME_BYTES, REASON_BYTES, TARGETS, TOPIC_BYTES
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.settings import Settings
from chat.wires.names import NICK_LENGTH, ROOM_BYTES, USER_LENGTH
from chat.wires.numerics import RPL_ISUPPORT

TOKENS_A_LINE = 12  # a line may hold 13


def isupport(settings: Settings, history: bool) -> list[str]:
    """The tokens of RPL_ISUPPORT."""
    return [
        *([f"CHATHISTORY={MOST}", "MSGREFTYPES=msgid,timestamp"] if history else []),
        f"AWAYLEN={REASON_BYTES}",
        "BOT=B",
        "CASEMAPPING=ascii",
        f"CHANLIMIT=#:{settings.max_rooms}",
        "CHANMODES=,,,Ent",
        f"CHANNELLEN={ROOM_BYTES}",
        "CHANTYPES=#",
        f"KICKLEN={REASON_BYTES}",
        f"MODES={MODES}",
        f"NAMELEN={REALNAME_BYTES}",
        f"NETWORK={_escaped(settings.network)}",
        f"NICKLEN={NICK_LENGTH}",
        "PREFIX=(o)@",
        f"TARGMAX=JOIN:,KICK:1,LIST:,NAMES:,NOTICE:{TARGETS},PART:,PRIVMSG:{TARGETS},TAGMSG:{TARGETS},WHOIS:1",
        f"TOPICLEN={TOPIC_BYTES}",
        f"USERLEN={USER_LENGTH}",
        "UTF8ONLY",
        "WHOX",
    ]


def _escaped(value: str) -> str:
    """A token's value, with the characters escaped that it may not hold."""
    return value.replace("\\", r"\x5C").replace(" ", r"\x20").replace("=", r"\x3D")


def send_isupport(client: Client, node: Node) -> None:
    tokens = isupport(node.settings, node.log.history is not None)
    for start in range(0, len(tokens), TOKENS_A_LINE):
        client.numeric(RPL_ISUPPORT, *tokens[start : start + TOKENS_A_LINE])
