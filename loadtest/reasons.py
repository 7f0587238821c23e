"""Count why things went wrong, by the words that a server or a network gave. Knows nothing of what went wrong."""

from collections import Counter

MOST = 20  # different texts kept of each process; a server may put anything into them, a number for each user too
_MORE = "other reasons"


def count(reasons: Counter[str], reason: str) -> None:
    """One more of it; of many different ones, the later are counted together."""
    reasons[reason if reason in reasons or len(reasons) < MOST else _MORE] += 1
