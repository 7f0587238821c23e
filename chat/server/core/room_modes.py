"""MODE of a room: flags, key, limit, lists and ranks. Part of the rules: pure, the same on every node."""

from chat.events import Mode, ModeChange
from chat.server.core.admission import is_kept, keep_rank
from chat.server.core.change import Change, Outcome
from chat.server.core.mask_list import LETTERS as LISTS
from chat.server.core.mask_list import MaskList
from chat.server.core.ranks import LETTERS as RANKS
from chat.server.core.ranks import changed
from chat.server.core.room import Room, User
from chat.server.core.state import Refusal, State
from chat.server.log.entry import Entry
from chat.wires.names import fold
from chat.wires.numerics import ERR_BANLISTFULL, ERR_CHANOPRIVSNEEDED, ERR_UNKNOWNERROR

FOUNDERS_ONLY = "That is for the room's founder"
WITH_PARAM = frozenset(f"k{LISTS}{RANKS}")  # whether set or unset; `l` has one when it is set


def takes_param(letter: str, on: bool) -> bool:
    return letter in WITH_PARAM or (on and letter == "l")


def set_modes(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`MODE #room +o-t+b ana *!*@host`. The event holds only what is different afterwards."""
    target, letters, *words = entry.request.params
    room = state.operated_room(target, user)
    edit = _Edit(state, room, user, entry.at)
    refusals: list[Outcome] = []
    params = iter(words)
    on = True
    for letter in letters:
        if letter in "+-":
            on = letter == "+"
            continue
        try:
            edit.set(letter, on, next(params) if takes_param(letter, on) else "")
        except Refusal as refusal:
            refusals.append(refusal)
    changes = edit.changes()
    if not changes:
        entry.rooms = ()
        return refusals
    room.settle_modes()
    state.secret_rooms += ("s" in room.modes) - edit.was_secret
    event = Mode(user.person, room.name, changes, entry.at, id=entry.id)
    return [Change(event, user, (room,)), *refusals]


class _Edit:
    """Changes a room's modes, and tells what is different from before."""

    def __init__(self, state: State, room: Room, user: User, at: float) -> None:
        self._state = state
        self._room = room
        self._user = user
        self._at = at
        self._is_founder = "q" in room.members[user]
        self._flags = frozenset(room.modes)
        self.was_secret = "s" in room.modes
        self._keyword = room.keyword
        self._limit = room.limit
        self._masks: dict[tuple[str, str], tuple[str, bool]] = {}  # by letter and folded mask: it, and if it was there
        self._ranks: dict[User, str] = {}

    def set(self, letter: str, on: bool, param: str) -> None:
        """Raises Refusal."""
        room = self._room
        if letter in LISTS:
            self._set_mask(letter, on, param)
        elif letter in RANKS:
            self._set_rank(letter, on, param)
        elif letter == "k":
            room.keyword = param if on else ""
        elif letter == "l":
            room.limit = int(param) if on else 0
        else:
            (room.modes.add if on else room.modes.discard)(letter)

    def changes(self) -> tuple[ModeChange, ...]:
        room = self._room
        found = [ModeChange(True, letter) for letter in sorted(room.modes - self._flags)]
        found += [ModeChange(False, letter) for letter in sorted(self._flags - room.modes)]
        if room.keyword != self._keyword:
            found.append(ModeChange(bool(room.keyword), "k", room.keyword or "*"))
        if room.limit != self._limit:
            found.append(ModeChange(bool(room.limit), "l", str(room.limit or "")))
        for (letter, _), (mask, was) in self._masks.items():
            now = letter in room.lists and mask in room.lists[letter]
            if now is not was:
                found.append(ModeChange(now, letter, mask))
        for who, before in self._ranks.items():
            rank = room.members[who]
            found += [
                ModeChange(letter in rank, letter, who.nick)
                for letter in RANKS
                if (letter in rank) != (letter in before)
            ]
        return tuple(found)

    def _set_mask(self, letter: str, on: bool, mask: str) -> None:
        room, state = self._room, self._state
        masks = room.lists.get(letter)
        was = masks is not None and mask in masks
        if on and not was:
            if not state.has_place(room, sum(map(len, room.lists.values()))):
                raise Refusal(ERR_BANLISTFULL, room.name, letter)
            if masks is None:
                masks = room.lists[letter] = MaskList()
            masks.add(mask, self._user.nick, self._at)
            state.count_entries(room, 1)
        elif not on and was:
            assert masks is not None
            mask = masks.remove(mask) or mask
            if not masks:
                del room.lists[letter]
            state.count_entries(room, -1)
        self._masks.setdefault((letter, fold(mask)), (mask, was))

    def _set_rank(self, letter: str, on: bool, nick: str) -> None:
        room, state = self._room, self._state
        whom = state.member(room, nick)
        before = room.members[whom]
        if not self._is_founder:
            founded = letter == "q" and is_kept(state, room, "q")
            if founded or (not on and whom is not self._user and "q" in before):
                raise Refusal(ERR_CHANOPRIVSNEEDED, room.name, text=FOUNDERS_ONLY)
        if letter == "q" and on and not whom.person.account:
            raise Refusal(ERR_UNKNOWNERROR, "MODE", text=f"{whom.nick} is not logged in: a founder has an account")
        self._ranks.setdefault(whom, before)
        room.set_rank(whom, changed(before, letter, on))
        keep_rank(state, room, whom)
