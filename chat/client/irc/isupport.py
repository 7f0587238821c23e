"""Which ranks a change of a room's modes gives and takes. Pure; knows no connection.

Which letters are ranks, and which others take a parameter, each server tells in RPL_ISUPPORT, by PREFIX=(ov)@+ and
CHANMODES=lists,always,when set,never. Source: https://modern.ircdocs.horse "MODE message", "PREFIX parameter"
"""

from collections.abc import Iterator, Sequence

RANKS = "~&@%+"  # owner, admin, operator, half operator, voice, the highest first


class Modes:
    """What one server's mode letters mean; to begin with, what they mean nearly everywhere."""

    def __init__(self) -> None:
        self._signs = dict(zip("qaohv", RANKS, strict=True))
        self._always = "beIk"  # these take a parameter, be they set or taken away
        self._when_set = "lfjJLH"

    @property
    def signs(self) -> str:
        """What may stand before a nickname in a list of names."""
        return "".join(self._signs.values()) + RANKS

    def learn(self, words: Sequence[str]) -> None:
        """Read the words of one RPL_ISUPPORT."""
        for word in words:
            key, _, value = word.partition("=")
            if key == "PREFIX":
                letters, _, signs = value.removeprefix("(").partition(")")
                self._signs = dict(zip(letters, signs, strict=False))
            elif key == "CHANMODES":
                lists, always, when_set, *_ = [*value.split(","), "", "", ""]
                self._always, self._when_set = lists + always, when_set

    def ranks(self, changes: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
        """Of `+o-v ana ben`: each nickname, the sign of its rank, and whether that is given or taken."""
        params = iter(changes[1:])
        given = True
        for letter in changes[0]:
            if letter in "+-":
                given = letter == "+"
            elif letter in self._signs:
                nick = next(params, "")
                if nick:
                    yield nick, self._signs[letter], given
            elif letter in self._always or (given and letter in self._when_set):
                next(params, "")
