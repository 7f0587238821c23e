"""MODE: of a room, and of oneself."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from chat.events import Mode, ModeChange
from chat.server.commands.limits import KEY_BYTES, LINE_COST, MODES
from chat.server.commands.table import command, send_cursor
from chat.server.core.client import Client, is_middle
from chat.server.core.mask_list import LETTERS as LISTS
from chat.server.core.mask_list import list_mask
from chat.server.core.node import Node
from chat.server.core.ranks import LETTERS as RANKS
from chat.server.core.ranks import OPERATORS
from chat.server.core.room import FLAGS, Room, User
from chat.server.core.state import Refusal
from chat.wires.irc import spell_modes
from chat.wires.message import Message
from chat.wires.numerics import (
    ERR_CHANOPRIVSNEEDED,
    ERR_INVALIDKEY,
    ERR_INVALIDMODEPARAM,
    ERR_NEEDMOREPARAMS,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_UMODEUNKNOWNFLAG,
    ERR_UNKNOWNMODE,
    ERR_USERSDONTMATCH,
    RPL_BANLIST,
    RPL_CHANNELMODEIS,
    RPL_CREATIONTIME,
    RPL_ENDOFBANLIST,
    RPL_ENDOFEXCEPTLIST,
    RPL_ENDOFINVEXLIST,
    RPL_EXCEPTLIST,
    RPL_INVEXLIST,
    RPL_UMODEIS,
)

LETTER_COST = 1 / 8  # for each letter or sign; takes some 1 µs
PARAM_COST = 3  # for each mask, name or key; a mask takes some 50 µs
MOST_MEMBERS = 1_000_000  # that mode `l` can allow
SHOWN = {
    "b": (RPL_BANLIST, RPL_ENDOFBANLIST),
    "e": (RPL_EXCEPTLIST, RPL_ENDOFEXCEPTLIST),
    "I": (RPL_INVEXLIST, RPL_ENDOFINVEXLIST),
}


@command("MODE", 1)
def mode(node: Node, client: Client, user: User, message: Message) -> None:
    target, *words = message.params
    if not target.startswith("#"):
        _user_mode(node, client, user, target, words)
        return
    room = node.state.visible_room(target, user)
    if room is None:
        raise Refusal(ERR_NOSUCHCHANNEL, target)
    if not words:
        client.numeric(RPL_CHANNELMODEIS, room.name, *modes_of(room, user))
        client.numeric(RPL_CREATIONTIME, room.name, str(int(room.created)))
        return
    asked = Changes(room, words)
    client.cost += len(words[0]) * LETTER_COST + len(asked.params) * PARAM_COST
    if asked.letters or asked.refusals:
        node.state.operated_room(target, user)
    if asked.letters:
        request = Message("MODE", [room.name, asked.letters, *asked.params], user.mask)
        node.ask(client, request, partial(_answer, client, user, room, asked))
    else:
        _answer(client, user, room, asked)


def modes_of(room: Room, user: User) -> list[str]:
    """`+klnt KEY 20`; the key is for members."""
    letters = "".join(sorted(room.modes)) + "k" * bool(room.keyword) + "l" * bool(room.limit)
    params = [room.keyword if user in room.members else "*"] if room.keyword else []
    if room.limit:
        params.append(str(room.limit))
    return [f"+{letters}", *params]


class Changes:
    """What a MODE asks: `+o-tx ana` is the change `+o-t` with `ana`, and a refusal for each letter that is no mode.

    Of a flag that is set twice the last counts, so that no line asks for more than there are modes.
    """

    def __init__(self, room: Room, words: list[str]) -> None:
        self.params: list[str] = []
        self.queries: dict[str, None] = {}  # lists to be shown
        self.refusals: dict[str, Refusal] = {}  # by letter: one answer each
        self._room = room
        self._left = words[1 : 1 + MODES]
        self._too_many = len(words) - 1 >= MODES  # further ones are ignored, as MODES says
        self._flags: dict[str, str] = {}  # by letter: the sign
        self._others: list[str] = []  # letters with a parameter, each with its sign
        sign = "+"
        for letter in words[0]:
            if letter in "+-":
                sign = letter
            elif letter in FLAGS:
                self._flags[letter] = sign
            else:
                self._read(letter, sign)

    @property
    def letters(self) -> str:
        return "".join(chain((sign + letter for letter, sign in self._flags.items()), self._others))

    def _read(self, letter: str, sign: str) -> None:
        if sign == "-" and letter in "kl":
            self._unset(letter)
        elif letter in self.refusals:
            pass
        elif letter not in RANKS and letter not in LISTS and letter not in "kl":
            self.refusals[letter] = Refusal(ERR_UNKNOWNMODE, letter)
        elif self._left:
            self._take(letter, sign, self._left.pop(0))
        elif self._too_many:
            pass
        elif letter in LISTS:
            self.queries[letter] = None
        else:
            self.refusals[letter] = Refusal(ERR_NEEDMOREPARAMS, "MODE")

    def _unset(self, letter: str) -> None:
        """`-l`, or `-k` with the old key or anything: once."""
        if letter == "k" and self._left:
            self._left.pop(0)
        if f"-{letter}" not in self._others:
            self._others.append(f"-{letter}")
            self.params += ["*"] * (letter == "k")

    def _take(self, letter: str, sign: str, param: str) -> None:
        try:
            self.params.append(self._checked(letter, param))
        except Refusal as refusal:
            self.refusals[letter] = refusal
        else:
            self._others.append(sign + letter)

    def _checked(self, letter: str, param: str) -> str:
        """The parameter as the request has it. Raises Refusal."""
        name = self._room.name
        if letter in LISTS:
            try:
                return list_mask(letter, param)
            except ValueError as error:
                raise Refusal(ERR_INVALIDMODEPARAM, name, letter, param, text=_sentence(error)) from None
        if letter == "k":
            if not is_middle(param) or "," in param or not param.isprintable() or len(param.encode()) > KEY_BYTES:
                raise Refusal(ERR_INVALIDKEY, name)
        elif letter == "l":
            if not (param.isascii() and param.isdigit() and len(param) < 10) or not 0 < int(param) <= MOST_MEMBERS:
                raise Refusal(
                    ERR_INVALIDMODEPARAM, name, letter, param, text=f"A limit is a number from 1 to {MOST_MEMBERS:,}"
                )
            return str(int(param))
        elif not is_middle(param):
            raise Refusal(ERR_NOSUCHNICK, param)
        return param


def _sentence(error: ValueError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _answer(client: Client, user: User, room: Room, asked: Changes) -> None:
    for refusal in asked.refusals.values():
        client.refuse(refusal)
    lines: list[Iterator[bytes]] = []
    for letter in asked.queries:
        if letter == "b" or room.members.get(user) in OPERATORS:
            client.cost += LINE_COST * len(room.lists.get(letter, ()))
            lines.append(_list_lines(client, room, letter))
        else:
            client.numeric(ERR_CHANOPRIVSNEEDED, room.name)
    if lines:
        send_cursor(client, chain(*lines))


def _list_lines(client: Client, room: Room, letter: str) -> Iterator[bytes]:
    """The list as it is when the first line is made, which may be passes after the question."""
    item, end = SHOWN[letter]
    for mask, by, at in list(room.lists.get(letter, ())):
        yield client.numeric_line(item, room.name, mask, by, str(int(at)))
    yield client.numeric_line(end, room.name)


def _user_mode(node: Node, client: Client, user: User, nick: str, words: list[str]) -> None:
    whom = node.state.find_user(nick)
    if whom is not user:
        raise Refusal(ERR_USERSDONTMATCH) if whom else Refusal(ERR_NOSUCHNICK, nick)
    have = {"B": user.person.bot, "i": user.invisible, "o": bool(user.operator), "w": user.wallops}
    if not words:
        client.numeric(RPL_UMODEIS, "+" + "".join(letter for letter, on in have.items() if on))
        return
    on, unknown, wanted = True, False, dict(have)
    for letter in words[0]:
        if letter in "+-":
            on = letter == "+"
        elif letter == "o" and on:
            pass  # OPER alone makes an operator
        elif letter in wanted:
            wanted[letter] = on
        else:
            unknown = True
    if unknown:
        client.numeric(ERR_UMODEUNKNOWNFLAG)
    changes = [ModeChange(on, letter) for letter, on in wanted.items() if on is not have[letter]]
    if changes:
        changes.sort(reverse=True)
        request = Message("MODE", [user.nick, spell_modes(changes)], user.mask)
        node.ask(client, request, partial(_show_own_modes, node, client, user, changes))


def _show_own_modes(node: Node, client: Client, user: User, changes: Sequence[ModeChange]) -> None:
    """To the user alone, with the tags that its other events have."""
    client.send(*client.dialect.encode(Mode(user.person, user.nick, tuple(changes), node.clock())))
