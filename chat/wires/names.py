"""The rules for names of users and rooms. Knows no names in use.

Source: https://modern.ircdocs.horse "Clients" and "Channels"; casemapping `ascii` of RPL_ISUPPORT.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from fnmatch import translate
from functools import lru_cache

NICK_LENGTH = 30  # characters, all ASCII; fits a real name, and leaves 350 bytes of text in a line of 512
USER_LENGTH = 10  # characters of a user name, all ASCII, its tilde included
MASK_LENGTH = 64  # characters of a mask, runs of `*` counted as one; as many as the longest host name has, and one
ROOM_BYTES = 64  # of UTF-8, the `#` included; InspIRCd and Ergo allow 64 too

_NICKNAME = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]*")
_NOT_IN_NICKNAME = re.compile(r"^[0-9-]|[^A-Za-z0-9\[\]\\`_^{|}-]")
_ROOM_NAME = re.compile(r"#[^ ,:]+")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

# Control, format, surrogate, private use; line, paragraph and space separators. (unicode.org, UAX #44, table 12)
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"})
# Letters and marks that show nothing: combining grapheme joiner, Hangul fillers, Khmer inherent vowels, variation
# selectors, braille blank, tags. All but the braille blank are in Unicode's Default_Ignorable_Code_Point.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)


def fold(text: str) -> str:
    """The form in which equal names are equal: `Ana` and `ANA` are one name, `Ä` and `ä` are two."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def is_nickname(text: str) -> bool:
    return len(text) <= NICK_LENGTH and _NICKNAME.fullmatch(text) is not None


_LOOKS_LIKE = {
    "o": "[o0]",
    "i": "[il1|]",
    "l": "[il1|]",
    "e": "[e3]",
    "a": "[a4]",
    "s": "[s5]",
    "t": "[t7]",
    "b": "[b8]",
    "m": "(?:m|rn)",
    "w": "(?:w|vv)",
}
# The wires without numerics show the server's own notices as from SERVER. People tell services their passwords, and
# believe an administrator; the services of other networks are among them.
_SERVICES = ("nick", "chan", "oper", "memo", "host", "bot", "help", "info", "stat", "hist", "root", "auth", "sasl")
_POSTS = ("server", "services", "global", "admin", "administrator", "operator", "ircop", "sysop", "root", "system")


def look_alikes(names: Iterable[str] = ()) -> re.Pattern[str]:
    """A pattern for whole folded nicknames that could be read as one of the names, as a service, or as an official.

    With digits in place of letters, and with what is no letter around them.
    """
    all_names = (*_POSTS, *(f"{service}serv" for service in _SERVICES), *map(fold, names))
    likes = ("".join(_LOOKS_LIKE.get(letter, re.escape(letter)) for letter in name) for name in all_names)
    return re.compile(f"[^a-z]*(?:{'|'.join(likes)})[^a-z]*")


_RESERVED = look_alikes()


def is_reserved(nick: str) -> bool:
    """Whether the nickname could be taken for the server's, as `SERVER2` or `s3rver`, for a service's or an admin's."""
    return _RESERVED.fullmatch(fold(nick)) is not None


def is_room_name(text: str) -> bool:
    """`#` and at least one more character, all of them visible; no comma and no colon.

    Names are in NFC, so that no two names that look alike differ only in how their letters are composed.
    """
    if len(text) > ROOM_BYTES or _ROOM_NAME.fullmatch(text) is None or any(map(_is_unseen, text)):
        return False
    return text.isascii() or (len(text.encode()) <= ROOM_BYTES and unicodedata.is_normalized("NFC", text))


def each(names: str) -> Collection[str]:
    """The names in a comma-separated list, each once."""
    return {fold(name): name for name in names.split(",") if name}.values()


def compile_mask(text: str) -> re.Pattern[str]:
    """A pattern for whole folded names, from a mask with `*` and `?`."""
    return re.compile(translate(fold(text).replace("[", "[[]")))


@lru_cache(maxsize=64)
def matcher(mask: str) -> Callable[[str], object]:
    """A test whether a whole folded name matches a mask with `*` and `?`. A mask longer than any name matches none."""
    mask = re.sub(r"\*+", "*", mask)
    if len(mask) > MASK_LENGTH:  # compiling hundreds of characters takes milliseconds
        return lambda name: None
    return compile_mask(mask).match


def nickname_from(name: str) -> str:
    """The nickname nearest to a claimed name: `_` replaces what may not stand in its place.

    Empty, which makes a guest, for a claim in which nothing can be seen, and for the server's name.
    """
    nick = _NOT_IN_NICKNAME.sub("_", _strip(name)[:NICK_LENGTH])
    return "" if is_reserved(nick) else nick


def _strip(name: str) -> str:
    """The name without the unseen characters around it."""
    start, end = 0, len(name)
    while start < end and _is_unseen(name[start]):
        start += 1
    while end > start and _is_unseen(name[end - 1]):
        end -= 1
    return name[start:end]


def _is_unseen(letter: str) -> bool:
    """Whether the character is invisible, or looks like one that is."""
    return unicodedata.category(letter) in _UNSEEN_CATEGORIES or _UNSEEN.match(letter) is not None
