"""What a nickname and a room may be called. Knows nobody's name in particular.

Source: https://modern.ircdocs.horse "Clients" and "Channels"; casemapping `ascii` of RPL_ISUPPORT.
"""

import re
from fnmatch import translate

NICK_LENGTH = 30  # characters, all ASCII; room for a real name, and still 350 bytes of text in a line of 512
USER_LENGTH = 10  # characters of a user name, all ASCII, its tilde included
ROOM_LENGTH = 64  # characters, the `#` included; InspIRCd and Ergo allow 64 too

_NICKNAME = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]*")
_ROOM_NAME = re.compile(r"#[^ ,\x07\x00\r\n:]+")
_NOT_IN_NICKNAME = re.compile(r"^[0-9-]|[^A-Za-z0-9\[\]\\`_^{|}-]")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def is_nickname(text: str) -> bool:
    return len(text) <= NICK_LENGTH and _NICKNAME.fullmatch(text) is not None


def is_room_name(text: str) -> bool:
    """`#` and at least one character more; no space, comma, colon, control-G, NUL or line end anywhere."""
    return len(text) <= ROOM_LENGTH and _ROOM_NAME.fullmatch(text) is not None


def fold(text: str) -> str:
    """The form under which two names are the same name: `Ana` and `ANA` are one, `Ä` and `ä` are two."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def compile_mask(text: str) -> re.Pattern[str]:
    """What matches, from its beginning to its end, the folded names that the mask with `*` and `?` means."""
    return re.compile(translate(fold(text).replace("[", "[[]")))


def nickname_from(name: str) -> str:
    """The nickname nearest to a claimed name: what may not stand in its place becomes `_`. Empty for a guest."""
    return _NOT_IN_NICKNAME.sub("_", name.strip()[:NICK_LENGTH])
