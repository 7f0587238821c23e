"""What a client believes of a member's rank. Without multi-prefix a list shows the highest sign alone."""

LETTERS = {"~": "q", "@": "o", "+": "v"}  # by sign, the highest first

Rank = dict[str, bool | None]  # by letter; None: not known


def split_signs(word: str) -> tuple[str, str]:
    """The signs before a name, and the name."""
    name = word.lstrip("".join(LETTERS))
    return word.removesuffix(name), name


def rank_of(signs: str, every: bool) -> Rank:
    rank: Rank = {letter: sign in signs for sign, letter in LETTERS.items()}
    if signs and not every:
        for sign in list(LETTERS)[list(LETTERS).index(signs) + 1 :]:
            rank[LETTERS[sign]] = None
    return rank


def fits(one: Rank | None, other: Rank | None) -> bool:
    """Both could be the same rank; None stands for somebody who is not there."""
    if one is None or other is None:
        return one is other
    return all(None in (one[letter], other[letter]) or one[letter] is other[letter] for letter in one)


def all_fit(one: dict[str, Rank], other: dict[str, Rank] | None) -> bool:
    return other is not None and one.keys() == other.keys() and all(fits(one[nick], other[nick]) for nick in one)


def merged(known: Rank | None, told: Rank) -> Rank:
    """What is told, and what was known of the rest."""
    if known is None:
        return told
    return {letter: known[letter] if is_on is None else is_on for letter, is_on in told.items()}


def surely_operates(rank: Rank | None) -> bool:
    return rank is not None and bool(rank["q"] or rank["o"])


def may_operate(rank: Rank) -> bool:
    return rank["q"] is not False or rank["o"] is not False


def surely_has_none(rank: Rank | None) -> bool:
    return rank is not None and not any(is_on is not False for is_on in rank.values())
