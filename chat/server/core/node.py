"""One node: appends requests to the log, applies their entries, and shows the events to its clients.

A command that only asks reads `state`. A command that changes something goes through `ask`.
"""

import re
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from chat.events import Invite, Invited, Kick, Marked, Mode, Quit, Rename, Say, person_of
from chat.server.accounts.attempts import Attempts
from chat.server.accounts.hashing import AtOnce, Hasher
from chat.server.accounts.logins import Logins
from chat.server.core.admission import may_listen
from chat.server.core.apply import apply
from chat.server.core.change import Banned, Change, Displaced
from chat.server.core.client import Client
from chat.server.core.delivery import Sink
from chat.server.core.fanout import FanOut
from chat.server.core.monitor import NOTED, Monitors
from chat.server.core.past_users import PastUsers
from chat.server.core.room import User
from chat.server.core.server_bans import Ban
from chat.server.core.state import Limits, Refusal, State
from chat.server.log.entry import NOBODY, Entry
from chat.server.log.log import Log
from chat.server.log.memory import MemoryLog
from chat.settings import Settings
from chat.wires.irc import CAPABILITIES, HISTORY_CAPABILITIES, MARKER_CAPABILITY, REGISTRATION_CAPABILITY
from chat.wires.message import Message, build
from chat.wires.names import fold, look_alikes

OPER_ATTEMPTS, OPER_PAUSE = 3, 60.0  # passwords that may be wrong at once, and s until one more may
FORGOTTEN = "The server was cut off for too long"
AROUND = 16  # bytes of a line that are neither its source nor its parameters, or so
PLACED = frozenset({"PRIVMSG", "NOTICE", "TAGMSG", "JOIN", "PART", "KICK", "TOPIC", "MODE", "INVITE"})  # say where

Done = Callable[[], None]
Refused = Callable[[Refusal], None]


class Node:
    """The loop's thread only."""

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        clock: Callable[[], float] = time.time,
        make_log: Callable[[str, int, Callable[[], float]], Log] = MemoryLog,
        cloak: Callable[[str], str] = str,
        hasher: Hasher | None = None,
    ) -> None:
        """`cloak` gives the host that others see in place of an address; by default that is the address.

        `hasher` runs slow functions; without one they run where they are asked for.
        """
        self.settings = settings
        self.name = settings.name
        self.member = settings.node or settings.name  # what it is called in the log
        self.clock = clock  # seconds since the epoch
        self.cloak = cloak
        self.started = clock()
        self.fan_out = FanOut(sink)
        self.monitors = Monitors(self.fan_out, self.name)
        self.log = make_log(self.member, settings.memory_length, clock)
        self.state = State(
            Limits(
                settings.max_rooms,
                settings.rooms_per_address,
                settings.rooms_total,
                settings.accounts_total,
                self.log.rooms_remembered,
                settings.masks_per_room,
                settings.masks_per_address,
                reserved=_reserved(settings),
            )
        )
        self.logins = Logins(settings, hasher or AtOnce())
        self.capabilities = (
            *CAPABILITIES,
            *(HISTORY_CAPABILITIES if self.log.history is not None else ()),
            *((REGISTRATION_CAPABILITY,) if settings.registration == "on" else ()),
        )
        self.charges = settings.limits_rates  # whether commands cost tokens
        self.held = False  # declared gone, and not back yet: no command runs
        self.silent = False  # the server stops and everybody leaves, so no event is shown
        self.past_users = PastUsers()
        self.password_attempts = Attempts(settings.login_attempts, settings.login_pause)  # with the server's password
        self.oper_attempts = Attempts(OPER_ATTEMPTS, OPER_PAUSE)
        self.enforce: Callable[[Ban], None] = lambda ban: None  # closes the connections that a new ban fits
        # Reads the configuration again outside the loop, and calls its argument with what came of it.
        self.reread: Callable[[Callable[[str], None]], None] = lambda done: done("There is no configuration to read")
        self.guests = 0  # numbers given so far
        self._waiting: deque[tuple[Client, Done | None, Refused | None]] = deque()  # for their requests' entries
        self.log.restore(self.state)
        self.log.deliver(self._apply_late)

    def ask(self, client: Client, request: Message, done: Done | None = None, refused: Refused | None = None) -> None:
        """Put a request of the client through the log.

        Once the entry is applied, `done` is called, or `refused` with the reason (by default the client gets its
        numeric). That is before this returns or, with a log that answers later, afterwards; until then the client's
        later commands wait, but for words to rooms that come behind others.
        """
        self._ask(client, NOBODY if client.user is None else client.user.id, request, done, refused)

    def _ask(self, client: Client, user: int, request: Message, done: Done | None, refused: Refused | None) -> None:
        if self.charges:
            self._count(client, request)
        try:
            entry = self.log.append(user, request)
        except Refusal as refusal:
            _refuse(refusal, client, refused)
            return
        if entry is None:
            client.pending += 1
            self._waiting.append((client, done, refused))
        else:
            self._apply(entry, client, done, refused)

    def _count(self, client: Client, request: Message) -> None:
        """Count what others are to be told: in a room, to a person, or of somebody's own life."""
        params = request.params
        size = AROUND + len(request.source) + len(request.tags) + sum([len(param.encode()) for param in params])
        client.count_speech(fold(params[0]) if request.verb in PLACED else "", size)

    def enter(self, client: Client, nick: str) -> User | None:
        """Connect the client and its registered user. None when the connection has ended meanwhile: the user quits."""
        user = self.state.get_user(nick)
        client.user = user
        self.fan_out.clients[user] = client
        if client.left is None:
            return user
        self.quit(client, client.left)
        return None

    def listen(self, client: Client) -> None:
        """Let a client that is nobody yet hear the lobby, if it could come in."""
        key = fold(self.settings.lobby)
        room = self.state.rooms.get(key) or self.state.remembered.get(key)
        if room is None or not room.restricted or may_listen(self.state, room, client.host, self.cloak(client.host)):
            self.fan_out.listen(client, key)

    def _recheck_listeners(self) -> None:
        """The lobby's modes have changed: whoever could not come in any longer hears nothing more."""
        room = self.state.find_room(self.settings.lobby)
        if room is None or not room.restricted:
            return
        answers: dict[str, bool] = {}
        for client in self.fan_out.listeners(room.key):
            answer = answers.get(client.host)
            if answer is None:
                answer = answers[client.host] = may_listen(self.state, room, client.host, self.cloak(client.host))
            if not answer:
                self.fan_out.stop_listening(client, room.key)
        self.state.work = 0.0

    def quit(self, client: Client, reason: str) -> None:
        """The client's user quits, if it has one that has not quit yet.

        A request on its way to the log comes first: it may register the user, or rename it.
        """
        client.left = client.left or reason
        if client.cursor is not None:  # nobody takes the rest of the answer
            client.cursor = None
            client.pending -= 1
        if client.pending:
            return
        user, client.user = client.user, None
        if user is not None:
            detach = partial(self._detach, user)
            self._ask(client, user.id, Message("QUIT", [reason], user.mask), detach, detach)

    def _detach(self, user: User, refusal: Refusal | None = None) -> None:
        """The user has quit, now or before."""
        self.fan_out.clients.pop(user, None)

    def _apply(self, entry: Entry, client: Client, done: Done | None, refused: Refused | None) -> None:
        try:
            outcomes = apply(self.state, entry)
        except Refusal as refusal:
            self._charge(client)
            _refuse(refusal, client, refused)
            return
        if self.state.work:
            self._charge(client)
        self.log.keep(entry)
        for outcome in outcomes:
            if type(outcome) is Change:
                self._show(outcome)
            elif isinstance(outcome, Refusal):
                client.refuse(outcome)
            elif isinstance(outcome, Banned):
                self.enforce(outcome.ban)
        if self.fan_out.monitored and entry.request.verb == "USER":
            self.monitors.came(person_of(entry.request.source), entry.at)
        if done is not None:
            done()

    def _charge(self, client: Client) -> None:
        """For the masks that had to be compared with its user."""
        client.cost += self.state.work
        self.state.work = 0.0

    def _show(self, change: Change) -> None:
        kind = type(change.event)
        if kind is Marked:
            self._tell_marker(change)
        elif not self.silent:
            also = self.monitors.note(change) if self.fan_out.monitored and kind in NOTED else ""
            self.fan_out.show(change, also)
        if kind is Say:
            return  # the commonest, on which nothing follows
        if kind is Kick:
            self._disconnect_kicked(change)
        elif kind is Invite:
            self._tell_members(change)
        elif kind is Mode:
            self._recheck_listeners()
        elif kind is Rename:
            self.past_users.seen.append((change.event.who, change.user.realname, change.user.address, change.event.at))
        elif kind is Quit:
            self.past_users.seen.append((change.event.who, change.user.realname, change.user.address, change.event.at))
            client = self.fan_out.clients.get(change.user)
            if client is not None and client.user is change.user:  # it did not ask for it
                self._disconnect(client, change)

    def _tell_members(self, change: Change) -> None:
        """Tell those in the room who asked to be told of invitations."""
        event = change.event
        assert isinstance(event, Invite)
        told = Invited(event.who, event.room, event.whom.nick, event.at, event.id)
        if not self.silent:
            self.fan_out.publish(told, fold(event.room), self.fan_out.clients.get(change.user))

    def _tell_marker(self, change: Change) -> None:
        """To the other clients of the account; the one that has set it gets an answer."""
        event = change.event
        assert isinstance(event, Marked)
        account = self.state.accounts.find(event.who.account)
        line = build("MARKREAD", event.target, event.marker, source=self.name)
        for user in account.users if account is not None else ():
            client = self.fan_out.clients.get(user)
            if client is not None and user is not change.user and MARKER_CAPABILITY in client.capabilities:
                self.fan_out.tell(client, line)

    def _disconnect(self, client: Client, change: Change) -> None:
        """Somebody else has made the client's user quit."""
        assert isinstance(change.event, Quit)
        client.left = client.left or change.event.reason
        client.user = None
        self._detach(change.user)
        client.hang_up(change.event.reason)

    def _disconnect_kicked(self, kick: Change) -> None:
        """Disconnect a kicked user of a wire without commands, which knows no other room."""
        whom, event = kick.whom, kick.event
        assert whom is not None
        assert isinstance(event, Kick)
        client = self.fan_out.clients.get(whom)
        if client is not None and not whom.has_commands:
            self.quit(client, f"Kicked: {event.reason}")
            client.hang_up(f"kicked by {event.who.nick}: {event.reason}")

    def _apply_late(self, entry: Entry, refusal: Refusal | None = None) -> None:
        """Apply an entry that arrives from a log that answers later; with `refusal`, the log could not take it."""
        if entry.request.verb == "NODE":
            self._change_node(entry)
            return
        if entry.node == self.member:
            client, done, refused = self._waiting.popleft()
            client.pending -= 1
            if refusal is None:
                self._apply(entry, client, done, refused)
            elif entry.request.verb == "QUIT":
                self._ask(client, entry.user, entry.request, done, refused)  # nobody can be kept from going
            else:
                _refuse(refusal, client, refused)
            if client.left is not None:
                self.quit(client, client.left)
            elif not client.pending or client.cursor is not None:
                client.resume()
        else:
            self._apply_foreign(entry)

    def _apply_foreign(self, entry: Entry) -> None:
        """Apply an entry of another node."""
        try:
            outcomes = apply(self.state, entry)
        except Refusal:
            return
        finally:
            self.state.work = 0.0  # another node charges for it
        self.log.keep(entry)
        for outcome in outcomes:
            if type(outcome) is Change:
                self._show(outcome)
            elif isinstance(outcome, Banned):
                self.enforce(outcome.ban)
            elif isinstance(outcome, Displaced) and outcome.change.user.node == self.member:
                self.fan_out.show(outcome.change)
        if self.fan_out.monitored and entry.request.verb == "USER":
            self.monitors.came(person_of(entry.request.source), entry.at)

    def _change_node(self, entry: Entry) -> None:
        """A node is gone or back. The clients of this one hear their rooms meanwhile, and need not be told of it.

        What they say waits. They learn only which of them has another nickname now.
        """
        returning = [departed.user for departed in self.state.departed.get(entry.request.source, ())]
        changes = [outcome for outcome in apply(self.state, entry) if isinstance(outcome, Change)]
        if entry.request.source == self.member:
            self.held = entry.request.params[0] == "down"
            if not self.held:
                self._disconnect_forgotten()
            renames = [change for change in changes if type(change.event) is Rename]
            changes = [Change(change.event, change.user, list(change.user.rooms)) for change in renames]
        self.log.keep(entry)
        for change in changes:
            self._show(change)
        if self.fan_out.monitored and entry.request.params[0] == "back":
            for user in returning:
                self.monitors.came(user.person, entry.at)

    def _disconnect_forgotten(self) -> None:
        """The node was gone for so long that its users were forgotten: their clients must come in again."""
        for user, client in list(self.fan_out.clients.items()):
            if self.state.users.get(fold(user.nick)) is not user:
                client.left = client.left or FORGOTTEN
                client.user = None
                self._detach(user)
                client.hang_up(FORGOTTEN)


def _reserved(settings: Settings) -> re.Pattern[str]:
    """What no nickname may be read as: the network's name, the server's, and that without its domain, among others."""
    names = (settings.network, settings.name, settings.name.partition(".")[0])
    texts = ("".join(letter for letter in name if letter.isascii() and letter.isalnum()) for name in names)
    return look_alikes(text for text in texts if any(letter.isalpha() for letter in text))


def _refuse(refusal: Refusal, client: Client, refused: Refused | None) -> None:
    if refused is not None:
        refused(refusal)
    elif client.left is None:  # nobody is told what could not be done for a user who has quit
        client.refuse(refusal)
