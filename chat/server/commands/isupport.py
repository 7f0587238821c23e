"""RPL_ISUPPORT: the limits that the server advertises to its clients.

Source: https://modern.ircdocs.horse "RPL_ISUPPORT Parameters"
"""

from chat.server.commands.history import MOST
from chat.server.commands.limits import KEY_BYTES, KICKS, MODES, REALNAME_BYTES, REASON_BYTES, TARGETS, TOPIC_BYTES
from chat.server.core.client import Client
from chat.server.core.mask_list import LETTERS as LISTS
from chat.server.core.mask_list import QUIET
from chat.server.core.masks import ACCOUNT
from chat.server.core.monitor import MOST as MONITORED
from chat.server.core.node import Node
from chat.server.core.ranks import LETTERS as RANKS
from chat.server.core.ranks import SIGNS
from chat.server.core.room import FLAGS
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
        f"ACCOUNTEXTBAN={ACCOUNT[1:-1]}",
        f"CHANMODES={LISTS},k,l,{FLAGS}",
        f"CHANNELLEN={ROOM_BYTES}",
        "CHANTYPES=#",
        "ELIST=CMNTU",
        "EXCEPTS=e",
        f"EXTBAN=~,{ACCOUNT[1:-1]}{QUIET[1:-1]}",
        "INVEX=I",
        f"KEYLEN={KEY_BYTES}",
        f"KICKLEN={REASON_BYTES}",
        f"MAXLIST={LISTS}:{settings.masks_per_room}",
        f"MODES={MODES}",
        f"MONITOR={MONITORED}",
        f"NAMELEN={REALNAME_BYTES}",
        f"NETWORK={_escaped(settings.network)}",
        f"NICKLEN={NICK_LENGTH}",
        f"PREFIX=({RANKS}){SIGNS}",
        "SAFELIST",
        f"STATUSMSG={SIGNS}",
        f"TARGMAX=JOIN:,KICK:{KICKS},LIST:,NAMES:,NOTICE:{TARGETS},PART:,PRIVMSG:{TARGETS},TAGMSG:{TARGETS},WHOIS:1",
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
