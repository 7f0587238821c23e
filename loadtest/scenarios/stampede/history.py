"""The room's history, as users who came back read it, held against what anybody had seen. Pure figures.

A message is a pair: its speaker's number in the run, and its own among what that one said. What somebody has seen has
to be in the history that everybody reads: once, and where it was seen.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

Words = tuple[int, int]


_WRONG = ("missed", "doubled", "reordered")
REQUIREMENT = ",".join(f"history_{name}=0" for name in _WRONG)


@dataclass(slots=True)
class Account:
    """Over all who came back; `+=` is `add`."""

    readers: int = 0  # who asked, and got an answer
    unanswered: int = 0  # who asked, and got none
    not_offered: int = 0  # who did not ask, as the server has no such thing
    missed: int = 0  # seen by somebody, and not in the history that one read
    doubled: int = 0  # there more than once, or heard more than once
    reordered: int = 0  # there behind what the same reader had heard later, or not where most have it
    excused: int = 0  # not there, and so young when the server was killed that it need not be

    def add(self, other: "Account") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def wrong(self, needed: bool) -> list[str]:
        """What no limit says, one line each. `needed`: the server must offer it."""
        lines = []
        if self.unanswered:
            lines.append(f"{self.unanswered:,} users asked for the history and got no answer")
        if self.not_offered and needed:
            lines.append(f"the server offers no history (draft/chathistory) to {self.not_offered:,} users")
        return lines


def measures_of(accounts: Sequence[Account]) -> dict[str, float | None]:
    """None where nobody has read a history."""
    read = any(account.readers for account in accounts)
    counts = {name: sum(getattr(account, name) for account in accounts) for name in _WRONG}
    return {f"history_{name}": float(count) if read else None for name, count in counts.items()}


def first_seen(answers: Iterable[Iterable[Sequence[int]]]) -> dict[Words, int]:
    """When the first of all heard each message, in ns, of what the processes state."""
    seen: dict[Words, int] = {}
    for answer in answers:
        for speaker, number, at_ns in answer:
            seen[speaker, number] = min(at_ns, seen.get((speaker, number), at_ns))
    return seen


def young(seen: Mapping[Words, int], killed_ns: int, ended_ns: int, safe_after_ms: float) -> set[Words]:
    """What the old server had shown for less than so long when it was killed."""
    from_ns = killed_ns - round(safe_after_ms * 1e6)
    return {words for words, at_ns in seen.items() if from_ns < at_ns <= ended_ns}


def hold(heard: Sequence[Words], read: Sequence[Words], due: set[Words], excused: set[Words]) -> Account:
    """One reader's: what it heard live, in that order, and the history that it read. `excused` is a part of `due`."""
    place = {words: at for at, words in reversed(list(enumerate(read)))}
    lacking = due - place.keys()
    last = -1
    reordered = 0
    for words in dict.fromkeys(heard):
        at = place.get(words, last)
        reordered += at < last
        last = max(last, at)
    return Account(
        readers=1,
        missed=len(lacking - excused),
        doubled=len(read) - len(place) + len(heard) - len(set(heard)),
        reordered=reordered,
        excused=len(lacking & excused),
    )


def digest(read: Iterable[Words], due: set[Words]) -> str:
    """Of one reader's history: alike for all. What nobody had seen may reach the log while some have read already."""
    return hashlib.sha256(repr([words for words in read if words in due]).encode()).hexdigest()


def of_other_order(digests: Mapping[str, int]) -> int:
    """How many readers had a history that is not the one that most have, given how many had which."""
    return sum(digests.values()) - max(digests.values(), default=0)


def sum_of(answers: Iterable[Mapping[str, Any]]) -> Account:
    """Of what the processes state. Where nothing else is wrong, whose history is not what most have is out of order."""
    total, digests = Account(), Counter[str]()
    for answer in answers:
        total.add(Account(**answer["account"]))
        digests.update(answer["digests"])
    if not (total.missed or total.doubled or total.reordered):
        total.reordered = of_other_order(digests)
    return total
