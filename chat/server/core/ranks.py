"""The ranks of a room's members: `q` for a founder, `o` for an operator, `v` for a voice.

A member's rank is its mode letters in that order: `"ov"`, or `""` for none. Every rank is one of eight shared strings.
"""

from itertools import product
from types import MappingProxyType

LETTERS = "qov"  # the highest first
SIGNS = "~@+"

_RANKS = tuple("".join(letters) for letters in product(*(("", letter) for letter in LETTERS)))
_SIGN = dict(zip(LETTERS, SIGNS, strict=True))

# What stands before a member's name: all signs for clients with multi-prefix, the highest for the others.
ALL_SIGNS = MappingProxyType({rank: "".join(_SIGN[letter] for letter in rank) for rank in _RANKS})
HIGHEST_SIGN = MappingProxyType({rank: signs[:1] for rank, signs in ALL_SIGNS.items()})
OPERATORS = frozenset(rank for rank in _RANKS if "q" in rank or "o" in rank)

_BY_LETTERS = {frozenset(rank): rank for rank in _RANKS}


def changed(rank: str, letter: str, on: bool) -> str:
    """The rank with the letter, or without it."""
    letters = frozenset(rank)
    return _BY_LETTERS[letters | {letter} if on else letters - {letter}]


def is_at_least(rank: str, sign: str) -> bool:
    """The rank is that of the sign, or a higher one."""
    return not set(rank).isdisjoint(LETTERS[: SIGNS.index(sign) + 1])
