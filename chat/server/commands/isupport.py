"""The lengths and numbers that the server promises to its clients, and how it tells them: RPL_ISUPPORT.

Source: https://modern.ircdocs.horse "RPL_ISUPPORT Parameters"
"""

from chat.server.hub import Hub
from chat.server.user import User
from chat.settings import Settings
from chat.wires.names import NICK_LENGTH, ROOM_LENGTH, USER_LENGTH
from chat.wires.numerics import RPL_ISUPPORT

REALNAME_LENGTH = 150  # characters
TOPIC_LENGTH = 300  # characters; fits a line with its prefix
REASON_LENGTH = 250  # characters of AWAY, KICK, PART and QUIT reasons
MODES = 4  # changes of operators in one MODE, so that the line that tells them fits with the longest names
TARGETS = 8  # of one PRIVMSG: enough for people, few for a spammer


def isupport(settings: Settings) -> list[str]:
    """The tokens of RPL_ISUPPORT."""
    return [
        f"AWAYLEN={REASON_LENGTH}",
        "CASEMAPPING=ascii",
        f"CHANLIMIT=#:{settings.max_rooms}",
        "CHANMODES=,,,nt",
        f"CHANNELLEN={ROOM_LENGTH}",
        "CHANTYPES=#",
        f"KICKLEN={REASON_LENGTH}",
        f"MODES={MODES}",
        f"NAMELEN={REALNAME_LENGTH}",
        f"NETWORK={_escaped(settings.network)}",
        f"NICKLEN={NICK_LENGTH}",
        "PREFIX=(o)@",
        f"TARGMAX=JOIN:,KICK:1,LIST:,NAMES:,NOTICE:{TARGETS},PART:,PRIVMSG:{TARGETS},TAGMSG:{TARGETS},WHOIS:1",
        f"TOPICLEN={TOPIC_LENGTH}",
        f"USERLEN={USER_LENGTH}",
        "UTF8ONLY",
    ]


def _escaped(value: str) -> str:
    """A token's value may not hold these as they are."""
    return value.replace("\\", r"\x5C").replace(" ", r"\x20").replace("=", r"\x3D")


def send_isupport(hub: Hub, user: User) -> None:
    tokens = isupport(hub.settings)
    for start in range(0, len(tokens), 12):  # 13 tokens are the most that a line may hold
        user.numeric(RPL_ISUPPORT, *tokens[start : start + 12])
