"""Who is in a room: nicknames, ranks, who is away. Pure state, no Tk."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chat.client.text import clean
from chat.wires.names import fold

RANKS = "~&@%+"  # owner, admin, operator, half operator, voice, the highest first


@dataclass(frozen=True, slots=True)
class Member:
    """`ranks` are all the signs before the nickname that the server tells of, the highest first."""

    nick: str
    ranks: str = ""
    away: bool = False

    @property
    def rank(self) -> str:
        """The highest sign, or nothing."""
        return self.ranks[:1]


class Members:
    """The members of one room, found by their nickname in any spelling that means the same."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}  # by the folded nickname

    def __contains__(self, nick: str) -> bool:
        return fold(nick) in self._members

    def __len__(self) -> int:
        return len(self._members)

    def listed(self) -> list[Member]:
        """Everybody, the highest rank first, then in the order of the alphabet."""
        return [self._members[key] for key in sorted(self._members, key=self._place)]

    def nicks(self) -> list[str]:
        """Everybody's nickname, in the order of the alphabet."""
        return [self._members[key].nick for key in sorted(self._members)]

    def enter(self, *members: Member) -> None:
        """Add these, or give those who are here already their new ranks. Who is away stays so."""
        for member in members:
            key = fold(member.nick)
            known = self._members.get(key)
            away = member.away or (known.away if known else False)
            self._members[key] = Member(clean(member.nick), _in_order(member.ranks), away)

    def leave(self, nick: str) -> None:
        self._members.pop(fold(nick), None)

    def rename(self, old: str, new: str) -> None:
        member = self._members.pop(fold(old), None)
        if member:
            self._members[fold(new)] = replace(member, nick=clean(new))

    def set_away(self, nick: str, away: bool) -> bool:
        """Whether that is new of somebody who is here."""
        member = self._members.get(fold(nick))
        if member is None or member.away == away:
            return False
        self._members[fold(nick)] = replace(member, away=away)
        return True

    def set_rank(self, nick: str, rank: str, given: bool) -> bool:
        """Give a rank or take it; whether somebody who is here has other ranks now."""
        member = self._members.get(fold(nick))
        if member is None or (rank in member.ranks) == given:
            return False
        ranks = [*member.ranks, rank] if given else (sign for sign in member.ranks if sign != rank)
        self._members[fold(nick)] = replace(member, ranks=_in_order(ranks))
        return True

    def empty(self) -> None:
        self._members.clear()

    def _place(self, key: str) -> tuple[int, str]:
        rank = self._members[key].rank
        return RANKS.find(rank) if rank else len(RANKS), key


def _in_order(ranks: Iterable[str]) -> str:
    return "".join(sorted((rank for rank in set(ranks) if rank in RANKS), key=RANKS.find))
