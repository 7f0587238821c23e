"""Who is in a room: nicknames, ranks, who is away. Pure state, no Tk."""

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from chat.client.irc.isupport import RANKS
from chat.client.irc.news import Member
from chat.client.text.clean import clean
from chat.wires.names import fold

_COLOURED = 2_000  # people whose colour is known; after that, those who are gone are forgotten


class Members:
    """The members of one room, found by their nickname in any spelling that means the same."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}  # by the folded nickname
        self._colours: dict[str, int] = {}  # of those who were ever asked about

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
            if fold(old) in self._colours:
                self._colours[fold(new)] = self._colours.pop(fold(old))

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

    def colour(self, nick: str, colours: int) -> int:
        """Which of so many colours is this person's: as few members as can be have the same, and each keeps theirs."""
        key = fold(nick)
        wanted = zlib.crc32(key.encode("utf-8", "replace")) % colours
        if key not in self._members:
            return self._colours.get(key, wanted) % colours
        if key not in self._colours:
            if len(self._colours) > _COLOURED:
                self._colours = {known: colour for known, colour in self._colours.items() if known in self._members}
            used = Counter(colour for known, colour in self._colours.items() if known in self._members)
            places = ((wanted + step) % colours for step in range(colours))
            self._colours[key] = min(places, key=lambda place: used[place])
        return self._colours[key] % colours

    def empty(self) -> None:
        self._members.clear()

    def _place(self, key: str) -> tuple[int, str]:
        rank = self._members[key].rank
        return RANKS.find(rank) if rank else len(RANKS), key


def _in_order(ranks: Iterable[str]) -> str:
    return "".join(sorted((rank for rank in set(ranks) if rank in RANKS), key=RANKS.find))
