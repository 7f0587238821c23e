"""History: CHATHISTORY, and the last lines for newcomers whose program lacks it.

A member may read what a room has said since it was made. Whoever may come in may read: that is what the room's rules
decide, and there is nothing to read from outside. What two accounts
have said to each other, either of them may read. A reader thread finds the lines; only the asker's commands wait.

Sources: https://ircv3.net/specs/extensions/chathistory, https://ircv3.net/specs/client-batch (the batch types)
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import NamedTuple

from chat.events import Event, Join, Kick, Kind, Leave, Mode, ModeChange, Person, Quit, Rename, Say, Topic, person_of
from chat.server.commands.limits import LINE_COST
from chat.server.commands.table import command, send_cursor
from chat.server.core.account_rules import ghosted_by
from chat.server.core.accounts import talk_keys
from chat.server.core.client import Client, is_middle
from chat.server.core.node import Node
from chat.server.core.operator_rules import killed_by
from chat.server.core.room import Room, User
from chat.server.core.room_modes import takes_param
from chat.server.log.entry import Entry
from chat.server.log.ids import SEQUENCE_BITS, first_id
from chat.server.log.query import Query, TalksQuery
from chat.wires.irc import HISTORY_CAPABILITIES, timestamp
from chat.wires.message import Message, build
from chat.wires.names import fold, is_nickname
from chat.wires.wire import Dialect

CAPABILITY, PLAYBACK = HISTORY_CAPABILITIES
MOST = 100  # entries in one answer; the limit in ISUPPORT
NEWEST = 1 << 63  # more than any id

_batches = count(1)


class Fault(Exception):
    """The question has no answer: a code of the standard, the subcommand, and what the standard has behind it."""

    def __init__(self, code: str, *params: str, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.params = params
        self.text = text or TEXTS[code]

    def tell(self, client: Client) -> None:
        params = [param if is_middle(param) else "*" for param in self.params]  # the line's last may hold anything
        client.line("FAIL", "CHATHISTORY", self.code, *params, self.text)


TEXTS = {
    "INVALID_PARAMS": "Invalid parameters",
    "INVALID_MSGREFTYPE": "A place is timestamp=YYYY-MM-DDThh:mm:ss.sssZ or msgid=ID",
    "INVALID_TARGET": "Messages could not be retrieved",
    "MESSAGE_ERROR": "Messages could not be retrieved",
}
PARAMS = {"LATEST": 3, "BEFORE": 3, "AFTER": 3, "AROUND": 3, "BETWEEN": 4, "TARGETS": 3}  # behind the subcommand


@command("CHATHISTORY")
def chathistory(node: Node, client: Client, user: User, message: Message) -> None:
    subcommand, *params = message.params or ["*"]
    subcommand = subcommand.upper()
    try:
        if node.log.history is None:
            raise Fault("MESSAGE_ERROR", subcommand, *params[:1])
        _check_number(subcommand, len(params))
        limit = _read_limit(params[-1], subcommand)
        if subcommand == "TARGETS":
            _ask_targets(node, client, user, params, limit)
            return
        name, place = _find_place(node, user, subcommand, params[0])
        queries = _queries(
            subcommand, place, params, limit, node.log.history.newest + 1, PLAYBACK in client.capabilities
        )
    except Fault as fault:
        fault.tell(client)
        return
    client.cost += limit * LINE_COST
    show = partial(_show, client.dialect, name, client.server_name, _batch(client))
    _ask(node, client, queries, show, subcommand, params[0])


def replay(node: Node, client: Client, room: Room) -> None:
    """Show a newcomer whose program cannot ask the last words of the room."""
    history, lines = node.log.history, node.settings.replay
    if history is None or CAPABILITY in client.capabilities:
        return
    client.cost += lines * LINE_COST
    query = Query(room.key, first_id(room.created) - 1, history.newest, lines, newest=True)
    client.pending += 1
    history.ask(
        [query], partial(_show, client.dialect, room.name, client.server_name, ""), partial(_replayed, node, client)
    )


def _replayed(node: Node, client: Client, lines: list[bytes] | None) -> None:
    client.pending -= 1
    if client.left is None and lines:
        client.send(*lines)
    _go_on(node, client)


def _ask(
    node: Node,
    client: Client,
    queries: Sequence[Query | TalksQuery],
    show: Callable[[Sequence[Entry]], list[bytes]],
    *question: str,
) -> None:
    """`question` is what the answer to one that fails repeats."""
    assert node.log.history is not None
    client.pending += 1
    node.log.history.ask(queries, show, partial(_answer, node, client, question))


def _answer(node: Node, client: Client, question: Sequence[str], lines: list[bytes] | None) -> None:
    client.pending -= 1
    if client.left is None:
        if lines is None:
            Fault("MESSAGE_ERROR", *question).tell(client)
        else:
            send_cursor(client, iter(lines))
    _go_on(node, client)


def _go_on(node: Node, client: Client) -> None:
    if client.left is not None:
        node.quit(client, client.left)
    else:
        client.resume()


# Questions


def _check_number(subcommand: str, given: int) -> None:
    """Of the parameters. Raises Fault."""
    wanted = PARAMS.get(subcommand)
    if wanted is None:
        raise Fault("INVALID_PARAMS", subcommand, text="Unknown command")
    if given != wanted:
        text = "Insufficient parameters" if given < wanted else "Too many parameters"
        raise Fault("INVALID_PARAMS", subcommand, text=text)


def _read_limit(text: str, subcommand: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < 1:
        raise Fault("INVALID_PARAMS", subcommand, text)
    return min(int(text), MOST)


def _read_place(text: str, subcommand: str, target: str | None = None) -> tuple[int, int]:
    """The ids that a place stands for: the first of them, and the last. Without a target it is a time. Raises Fault."""
    kind, equals, value = text.partition("=")
    try:
        if kind == "msgid" and target is not None:
            number = int(value, 16)
            if not 0 < number < NEWEST:
                raise ValueError
            return number, number
        if kind == "timestamp":
            at = datetime.fromisoformat(value)
            if at.tzinfo is None:
                raise ValueError
            millisecond = round(at.timestamp() * 1000)
            return millisecond << SEQUENCE_BITS, (millisecond + 1 << SEQUENCE_BITS) - 1
    except (ValueError, OverflowError):
        raise Fault("INVALID_PARAMS", subcommand, text) from None
    if target is None or not equals:
        raise Fault("INVALID_PARAMS", subcommand, text)
    raise Fault("INVALID_MSGREFTYPE", subcommand, target, text)


class Place(NamedTuple):
    """What may be read: a room's history, or that of two accounts, as one of them sees it."""

    key: str
    since: float  # seconds since the epoch: what was said under the name before was said to somebody else


def _find_place(node: Node, user: User, subcommand: str, target: str) -> tuple[str, Place]:
    """The place, and what the answer calls it. Raises Fault for what the user may not read."""
    if target.startswith("#"):
        room = node.state.find_room(target)
        if room is None or user not in room.members:
            raise Fault("INVALID_TARGET", subcommand, target)
        return room.name, Place(room.key, room.created)
    account, whom = node.state.accounts.find(user.account) if user.account else None, node.state.find_user(target)
    name = whom.account if whom is not None and whom.account else target
    if account is None or not is_nickname(name):
        raise Fault("INVALID_TARGET", subcommand, target)
    other = node.state.accounts.find(name)
    called = whom.nick if whom is not None else other.name if other is not None else target
    return called, Place(talk_keys(account.name, name)[0], account.registered)


def _queries(subcommand: str, place: Place, params: Sequence[str], limit: int, end: int, playback: bool) -> list[Query]:
    """What is to be read. Nothing from `end` on: that is told as it happens; nothing from before the place was made."""
    start = first_id(place.since) - 1
    everything = playback or place.key[0] != "#"

    def between(after: int, before: int, most: int, newest: bool) -> Query:
        return Query(place.key, max(after, start), min(before, end), most, newest, everything)

    if subcommand == "LATEST":
        after = start if params[1] == "*" else _read_place(params[1], subcommand, params[0])[1]
        return [between(after, end, limit, True)]
    first, last = _read_place(params[1], subcommand, params[0])
    if subcommand == "BEFORE":
        return [between(start, first, limit, True)]
    if subcommand == "AFTER":
        return [between(last, end, limit, False)]
    if subcommand == "AROUND":
        earlier = limit // 2
        around = [between(first - 1, end, limit - earlier, False)]
        return [between(start, first, earlier, True), *around] if earlier else around
    other_first, other_last = _read_place(params[2], subcommand, params[0])
    if first <= other_first:
        return [between(last, other_first, limit, False)]
    return [between(other_last, first, limit, True)]


def _ask_targets(node: Node, client: Client, user: User, params: Sequence[str], limit: int) -> None:
    """Which of the user's rooms, and who in private, have spoken between two times, and when last.

    The limit counts from the first of the times.
    """
    assert node.log.history is not None
    places = [_read_place(text, "TARGETS") for text in params[:2]]
    newest = places[0] > places[1]
    places.sort()
    after, before = places[0][1], min(places[1][0], node.log.history.newest + 1)
    queries: list[Query | TalksQuery] = [
        Query(room.key, max(after, first_id(room.created) - 1), before, 1, newest=True, everything=False)
        for room in user.rooms
    ]
    client.cost += len(queries) * LINE_COST
    names = {room.key: room.name for room in user.rooms}
    if user.account and (account := node.state.accounts.find(user.account)) is not None:
        client.cost += limit * LINE_COST
        queries.append(TalksQuery(account.key, max(after, first_id(account.registered) - 1), before, limit, newest))
    shown = slice(-limit, None) if newest else slice(limit)
    _ask(node, client, queries, partial(_show_targets, names, shown, client.server_name, _batch(client)), "TARGETS")


# Answers


def _batch(client: Client) -> str:
    return f"h{next(_batches)}" if "batch" in client.capabilities else ""


def _in_batch(batch: str, start: bytes, lines: list[bytes], server: str) -> list[bytes]:
    if not batch:
        return lines
    tag = f"@batch={batch}".encode()
    tagged = [tag + b";" + line[1:] if line.startswith(b"@") else tag + b" " + line for line in lines]
    return [start, *tagged, build("BATCH", f"-{batch}", source=server)]


def _show(dialect: Dialect, room: str, server: str, batch: str, entries: Sequence[Entry]) -> list[bytes]:
    lines = [line for entry in entries for line in dialect.encode(event_of(entry, room))]
    return _in_batch(batch, build("BATCH", f"+{batch}", "chathistory", room, source=server), lines, server)


def _show_targets(
    names: dict[str, str], shown: slice, server: str, batch: str, entries: Sequence[Entry]
) -> list[bytes]:
    lines = [
        build("CHATHISTORY", "TARGETS", _target_of(entry, names), timestamp(entry.at), source=server)
        for entry in entries[shown]
    ]
    return _in_batch(batch, build("BATCH", f"+{batch}", "draft/chathistory-targets", source=server), lines, server)


def _target_of(entry: Entry, names: dict[str, str]) -> str:
    """The room, or the account that the private words were exchanged with, as it calls itself where that is known."""
    to = entry.request.params[0]
    if to[0] == "#":
        return names[fold(to)]
    other = entry.rooms[0].partition(" ")[2]
    return next((nick for nick in (to, entry.request.nick) if fold(nick) == other), other)


def event_of(entry: Entry, room: str) -> Event:
    """What the room was told when the entry was applied."""
    request = entry.request
    if request.verb not in ("PRIVMSG", "NOTICE"):
        return _change_of(entry, room)
    to, text = request.params[:2]
    kind = Kind.MESSAGE if request.verb == "PRIVMSG" else Kind.NOTICE
    who = person_of(request.source)
    return Say(who, room if to[0] == "#" else to, text, entry.at, kind, request.tags, entry.id)


def _change_of(entry: Entry, room: str) -> Event:
    request, at, number = entry.request, entry.at, entry.id
    params, who = request.params, person_of(request.source)
    match request.verb:
        case "JOIN":
            return Join(who, room, at, id=number)
        case "PART":
            return Leave(who, room, at, params[1] if len(params) > 1 else "", number)
        case "QUIT":
            return Quit(who, at, params[0], number)
        case "GHOST":
            return Quit(person_of(params[0]), at, ghosted_by(who.nick), number)
        case "KILL":
            return Quit(person_of(params[0]), at, killed_by(who.nick, params[1]), number)
        case "NICK":
            return Rename(who, params[0], at, number)
        case "KICK":
            return Kick(who, room, Person(params[1], "", ""), at, params[2], number)
        case "TOPIC":
            return Topic(who, room, params[1], at, number)
        case "MODE":
            return Mode(who, room, _mode_changes(params[1:]), at, number)
    raise ValueError(f"no history shows {request.verb}")


def _mode_changes(words: Sequence[str]) -> tuple[ModeChange, ...]:
    changes, params, on = [], iter(words[1:]), True
    for letter in words[0]:
        if letter in "+-":
            on = letter == "+"
        else:
            param = next(params, "") if takes_param(letter, on) else ""
            changes.append(ModeChange(on, letter, "*" if letter == "k" else param))  # an old key is nobody's business
    return tuple(changes)
