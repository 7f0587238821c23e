"""The rules of coming into a room and of speaking there. Pure, the same on every node."""

from chat.events import Person
from chat.server.core.mask_list import MaskList
from chat.server.core.room import Kept, Room, User
from chat.server.core.state import Refusal, State
from chat.server.log.entry import NOBODY
from chat.wires.names import fold
from chat.wires.numerics import (
    ERR_BADCHANNELKEY,
    ERR_BANNEDFROMCHAN,
    ERR_CHANNELISFULL,
    ERR_INVITEONLYCHAN,
    ERR_NEEDREGGEDNICK,
)

GUEST = "guest"  # the name of who has none
BITS_A_TOKEN = 1_000  # of a list's patterns, compared with a name; takes some 10 µs


def admit(state: State, room: Room, user: User, keyword: str) -> None:
    """Raise Refusal unless the room's modes and lists let the user in.

    An operator's invitation lifts them all, once. A founder may always come in, a kept operator unless banned.
    """
    kept = kept_rank(state, room, user)
    if "q" in kept or (user.invited and user.invited.get(room.key) == room.created):
        return
    if is_banned(state, room, user):
        raise Refusal(ERR_BANNEDFROMCHAN, room.name)
    if "o" in kept:
        return
    if "R" in room.modes and not user.person.account:
        raise Refusal(ERR_NEEDREGGEDNICK, room.name)
    if "i" in room.modes and not _is_on(state, room, "I", user):
        raise Refusal(ERR_INVITEONLYCHAN, room.name)
    if room.keyword and keyword != room.keyword:
        raise Refusal(ERR_BADCHANNELKEY, room.name)
    if room.limit and len(room.members) >= room.limit:
        raise Refusal(ERR_CHANNELISFULL, room.name)


def may_listen(state: State, room: Room, address: str, host: str) -> bool:
    """A guest from that address, shown as that host, without an account and a key, would be let in."""
    guest = User(NOBODY, Person(GUEST, f"~{GUEST}", host), "", "", 0.0, has_commands=False)
    guest.address = address
    try:
        admit(state, room, guest, "")
    except Refusal:
        return False
    return True


def is_banned(state: State, room: Room, user: User) -> bool:
    return _is_on(state, room, "b", user) and not _is_on(state, room, "e", user)


def is_silenced(state: State, room: Room, user: User) -> bool:
    """A user without a rank may not speak. What bans say of a member is kept until they, its name or account change."""
    if "m" in room.modes:
        return True
    bans = room.lists.get("b")
    if bans is None:
        return False
    banned = _is_on(state, room, "b", user) or bans.quiets(user.person, user.person.account, user.address)
    silenced = banned and not _is_on(state, room, "e", user)
    if user in room.members:
        room.silenced[user] = (user.person, silenced)
    return silenced


def _is_on(state: State, room: Room, letter: str, user: User) -> bool:
    found: MaskList | None = room.lists.get(letter)
    if found is None:
        return False
    state.work += found.size / BITS_A_TOKEN
    return found.fits(user.person, user.person.account, user.address)


def kept_rank(state: State, room: Room, user: User) -> str:
    """The rank that the room keeps for the user's account."""
    kept = room.ranks.get(fold(user.person.account)) if user.person.account and room.ranks else None
    return kept.rank if kept is not None and _is_of(state, user.person.account, kept) else ""


def is_kept(state: State, room: Room, letters: str) -> bool:
    """Some account has one of these ranks, whether or not it is there."""
    return any(
        not set(kept.rank).isdisjoint(letters) and _is_of(state, account, kept) for account, kept in room.ranks.items()
    )


def _is_of(state: State, account: str, kept: Kept) -> bool:
    found = state.accounts.find(account)
    return found is not None and found.registered == kept.registered


def keep_rank(state: State, room: Room, user: User) -> None:
    """Keep the rank that the user has now for its account, if it has one and there is a place for it."""
    account = state.accounts.find(user.person.account) if user.person.account else None
    if account is None:
        return
    rank = room.members[user]
    if not rank:
        if room.ranks.pop(account.key, None) is not None:
            state.count_entries(room, -1)
    elif account.key in room.ranks:
        room.ranks[account.key] = Kept(rank, account.registered)
    elif state.has_place(room, len(room.ranks)):
        room.ranks[account.key] = Kept(rank, account.registered)
        state.count_entries(room, 1)
