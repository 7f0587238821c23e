"""A server to compare, as it is named on the command line: NAME=irc://HOST:PORT. Opens no connection."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.errors import SetupError

_TARGET = re.compile(r"([A-Za-z0-9][\w.-]*)=(irc://(\[[0-9a-fA-F:.]+\]|[^/@:\[\]]+):([0-9]{1,5}))")


@dataclass(frozen=True, slots=True)
class Target:
    name: str  # also of the directory with its report
    url: str


def targets(words: Sequence[str]) -> list[Target]:
    """Raises SetupError where there is none, one cannot be read, or two have one name."""
    if not words:
        raise SetupError("which servers? NAME=irc://HOST:PORT, one or more, then -- and Locust's options")
    found: dict[str, Target] = {}
    for word in words:
        match = _TARGET.fullmatch(word)
        if not match or int(match[4]) > 65_535:
            raise SetupError(f"a server must be NAME=irc://HOST:PORT, got {word!r}")
        if match[1] in found:
            raise SetupError(f"two servers are named {match[1]!r}")
        found[match[1]] = Target(match[1], match[2])
    return list(found.values())
