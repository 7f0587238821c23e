"""The rules of what the server's operators ask. Pure, like all of `apply`.

A request has the source of who asked for it: an operator's mask, or the server's name for its administrator.
"""

from chat.events import Wallops, person_of
from chat.server.core.change import Banned, Change, FreeRule, Outcome, Rule
from chat.server.core.leaving import quit_user
from chat.server.core.room import User
from chat.server.core.server_bans import MOST, MOST_MASKS, Ban
from chat.server.core.state import BannedRefusal, Refusal, State
from chat.server.log.entry import NOBODY, Entry
from chat.wires.numerics import ERR_NOPRIVILEGES, ERR_UNKNOWNERROR


def check_banned(state: State, user: User, account: str, at: float) -> None:
    """Raise BannedRefusal when the user, with that account, may not be here at that time."""
    if (ban := state.bans.find(user.person, account, user.address, at)) is not None:
        raise BannedRefusal(ban)


def killed_by(nick: str, reason: str) -> str:
    """The reason that rooms are told."""
    return f"Killed ({nick} ({reason}))"


def _who(user: User | None, entry: Entry) -> str:
    """The name of the operator who asks, or of the server. Raises Refusal for anybody else."""
    nick, mark, _ = entry.request.source.partition("!")
    if mark and (user is None or not user.operator):
        raise Refusal(ERR_NOPRIVILEGES)
    return nick if user is None else user.nick


def _become_operator(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`OPER name`: the user has proved to be that operator."""
    user.operator = entry.request.params[0]
    state.index(user)
    return []


def _kill(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`KILL mask :reason`"""
    by = _who(user, entry)
    mask, reason = entry.request.params
    whom = state.get_user(mask.partition("!")[0])
    return quit_user(state, whom, entry, killed_by(by, reason))


def _ban(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`BAN mask seconds :reason`; 0 seconds for good. Each node closes its connections that the ban fits."""
    by = _who(user, entry)
    mask, seconds, reason = entry.request.params
    bans = state.bans
    bans.sweep(entry.at)
    if bans.get(mask) is None:
        if len(bans) >= MOST:
            raise Refusal(ERR_UNKNOWNERROR, text=f"There are {MOST:,} server bans, which is the limit")
        if "@" in mask and bans.masks >= MOST_MASKS:
            text = f"There are {MOST_MASKS} bans of masks, which is the limit; addresses and accounts may be more"
            raise Refusal(ERR_UNKNOWNERROR, text=text)
    until = entry.at + float(seconds) if float(seconds) else 0.0
    ban = Ban(mask, reason, by, entry.at, until)
    bans.add(ban)
    return [Banned(ban)]


def _unban(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`UNBAN mask`"""
    _who(user, entry)
    mask = entry.request.params[0]
    if state.bans.remove(mask) is None:
        raise Refusal(ERR_UNKNOWNERROR, text=f"There is no server ban of {mask}")
    return []


def _purge(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`PURGE id nick :room`: the histories forget what was said before that id; `*` stands for all rooms, and nicks."""
    if "!" in entry.request.source:
        raise Refusal(ERR_NOPRIVILEGES)
    entry.rooms = ()
    return []


def _wallops(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`WALLOPS :text`, to all users who want it (mode w)."""
    _who(user, entry)
    if user is None:
        user = User(NOBODY, person_of(entry.request.source), "", "", entry.at, False)
    event = Wallops(user.person, entry.request.params[0], entry.at, entry.id)
    return [Change(event, user, among=tuple(state.wallops))]


RULES: dict[str, Rule] = {"OPER": _become_operator}
FREE_RULES: dict[str, FreeRule] = {
    "KILL": _kill,
    "BAN": _ban,
    "UNBAN": _unban,
    "PURGE": _purge,
    "WALLOPS": _wallops,
}
