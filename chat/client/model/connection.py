"""How the connection to one network is: it begins, it holds, it is lost; and who we are on it. Pure state."""

import math
import random
import time
from collections.abc import Callable, Iterable
from enum import Enum

from chat.client.irc.address import allowed_name, other_names
from chat.client.irc.news import Quit, Rename
from chat.client.irc.server_news import (
    Connecting,
    Lost,
    NickFree,
    NickRefused,
    Online,
    OwnAway,
    Problem,
    Supports,
    Welcomed,
)
from chat.client.model.changes import Change, MembersChanged, StageChanged, TalksChanged
from chat.client.model.outgoing import Outgoing
from chat.client.model.talk import LineKind
from chat.client.model.talks import Talks
from chat.client.text.clean import clean
from chat.wires.message import build
from chat.wires.names import fold

BASE = 1.0  # s; most lost connections come back at once
CAP = 60.0  # s; a person who waits for a server to come back looks at it every few minutes
LASTED = 30.0  # s; a server that takes us in and drops us sooner is in trouble


class Reconnect:
    """The waits of one conversation. `clock` is in seconds and only goes forward; `chance` is from 0 to 1."""

    def __init__(
        self,
        base: float = BASE,
        cap: float = CAP,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base = base
        self._cap = cap
        self._clock = clock
        self._chance = chance
        self._failures = 0  # attempts in a row that came to nothing
        self._since: float | None = None  # when the server took us in
        self._due: float | None = None

    def welcomed(self) -> None:
        """The server took us in."""
        self._since = self._clock()

    def lost(self) -> None:
        """The connection ended, or never came to be: another attempt is due in a while."""
        now = self._clock()
        if self._since is not None and now - self._since >= LASTED:
            self._failures = 0
        self._since = None
        longest = min(self._cap, self._base * 2 ** min(self._failures, 63))  # more would only make a huge number
        self._failures += 1
        self._due = now + longest * self._chance()

    def stop(self) -> None:
        """An attempt begins, or none is wanted."""
        self._due = None

    @property
    def left(self) -> float | None:
        """Seconds until the next attempt, 0 when it is due; None when there is to be none."""
        return None if self._due is None else max(0.0, self._due - self._clock())


_LONGEST_ADDRESS = "!" + "u" * 10 + "@" + "h" * 63  # what a server may put behind a nickname, until ours is known


class Stage(Enum):
    """How far a connection is. Whether we are in a room, its talk says."""

    CONNECTING = "connecting"
    ONLINE = "online"
    NAMELESS = "nameless"  # the server refused the name
    LOST = "lost"


class Me:
    """Our identity on this network."""

    def __init__(self, nick: str) -> None:
        self.nick = nick
        self.wanted = nick  # the name that we ask for; a server may have given us another
        self.mask = ""  # nick!user@host as the others see us; empty until the server told it
        self.away = False

    def named(self, nick: str) -> bool:
        return fold(nick) == fold(self.nick)

    @property
    def longest_mask(self) -> str:
        """The longest source that may precede our words."""
        return self.mask or self.nick + _LONGEST_ADDRESS


class Connection:
    """One network's connection. `send` takes its output."""

    def __init__(
        self, me: Me, talks: Talks, outgoing: Outgoing, reconnect: Reconnect, send: Callable[[bytes], None]
    ) -> None:
        self._me = me
        self._talks = talks
        self._outgoing = outgoing
        self._send = send
        self.reconnect = reconnect
        self.stage = Stage.CONNECTING
        self.reason = ""  # why the stage is NAMELESS or LOST
        self.problem: Problem | None = None  # what kind of end that was: the form asks for a password, say
        self.fingerprint = ""  # of the certificate that could not be verified, if that was it
        self.suggestion = ""  # another name to try, while the stage is NAMELESS
        self.was_welcomed = False  # by any connection so far
        self.capabilities: frozenset[str] = frozenset()
        self.supported: dict[str, str] = {}  # what RPL_ISUPPORT tells
        self.handlers: dict[type, Callable[..., Iterable[Change]]] = {
            Connecting: self._connecting,
            Welcomed: self._welcomed,
            NickRefused: self._nick_refused,
            NickFree: self._nick_free,
            Online: self._online,
            OwnAway: self._own_away,
            Supports: self._supports,
            Lost: self._lost,
        }

    @property
    def online(self) -> bool:
        return self.stage is Stage.ONLINE

    @property
    def due(self) -> bool:
        """Whether it is time to try once more."""
        return self.stage is Stage.LOST and self.reconnect.left == 0

    @property
    def instead(self) -> tuple[str, ...]:
        """The names that a new session may take when ours is in use, as it is by our own ghost after a cut.

        The first time the person is asked instead: nobody knows them by that name yet.
        """
        return other_names(self._me.wanted) if self.was_welcomed else ()

    @property
    def status(self) -> str:
        """How it is, in a few words; empty where there is nothing to say."""
        if self.stage is Stage.LOST:
            left = self.reconnect.left
            return "Not connected" if left is None else f"Not connected · next attempt in {math.ceil(left)} s"
        if self.stage is Stage.CONNECTING:
            return f"Connecting to {self._talks.server.name} …"
        return self.reason

    def begin_again(self, nick: str = "") -> list[Change]:
        """A new connection begins, under this name if one is given; the transcripts stay."""
        self._me.wanted = self._me.nick = clean(nick) or self._me.wanted
        self.reconnect.stop()
        return [*self._cut_off(), self._enter(Stage.CONNECTING), TalksChanged()]

    def take_name_back(self, news: Quit | Rename) -> None:
        """Somebody else's name is free, which may be the one that we want."""
        if fold(news.who.nick) == fold(self._me.wanted) and not self._me.named(self._me.wanted):
            self._send(build("NICK", self._me.wanted))

    def ask_for_name(self) -> None:
        """Find out whether the name that we want is free by now, where the server does not tell by itself."""
        if self.online and "MONITOR" not in self.supported and not self._me.named(self._me.wanted):
            self._send(build("ISON", self._me.wanted))

    def _cut_off(self) -> Iterable[Change]:
        """There is no connection now: we are in no room, and nothing is pending."""
        for talk in self._talks.rooms():
            if talk.joined:
                talk.leave()
                yield MembersChanged(talk)
        yield from self._outgoing.lost()

    def _enter(self, stage: Stage, reason: str = "") -> Change:
        self.stage = stage
        self.problem = None
        self.fingerprint = ""
        self.suggestion = ""
        self.reason = clean(reason)
        return StageChanged()

    def _connecting(self, news: Connecting) -> Iterable[Change]:
        yield from self._cut_off()
        yield self._enter(Stage.CONNECTING)

    def _welcomed(self, news: Welcomed) -> Iterable[Change]:
        self._me.nick = clean(news.nick)
        self._me.away = False
        self.capabilities = news.capabilities
        self.supported = {}
        self._outgoing.echoes = "echo-message" in news.capabilities
        self._outgoing.labels = {"labeled-response", "batch"} <= news.capabilities
        self.was_welcomed = True
        self.reconnect.welcomed()
        yield self._enter(Stage.ONLINE)

    def _supports(self, news: Supports) -> Iterable[Change]:
        knew = "MONITOR" in self.supported
        self.supported.update(news.tokens)
        if "MONITOR" in self.supported and not knew and not self._me.named(self._me.wanted):
            self._send(build("MONITOR", "+", self._me.wanted))
        return ()

    def _nick_refused(self, news: NickRefused) -> Iterable[Change]:
        nick = clean(news.nick)
        why = "is already in use" if news.taken else f"is not allowed here ({clean(news.reason)})"
        if news.taken and "registered" in news.reason:  # to an account: nobody need be using it
            why = f"is not free ({clean(news.reason)})"
        if news.instead:
            text = f"The name {nick} {why}: you come in as {news.instead}, and get it back when it is free."
            yield from self._talks.happened(self._talks.server, text, news.at, LineKind.TROUBLE)
            return
        other = other_names(nick)[0] if news.taken else allowed_name(nick)
        if self.stage is Stage.CONNECTING:
            yield self._enter(Stage.NAMELESS, f"The name {nick} {why}. Please choose another, as {other}.")
            self.suggestion = other
            return
        text = f"The name {nick} {why}. You are still {self._me.nick}; try another, as /nick {other}."
        yield from self._talks.happened(self._talks.current, text, news.at, LineKind.TROUBLE)

    def _nick_free(self, news: NickFree) -> Iterable[Change]:
        if fold(news.nick) == fold(self._me.wanted) and not self._me.named(self._me.wanted):
            self._send(build("NICK", self._me.wanted))
        return ()

    def _online(self, news: Online) -> Iterable[Change]:
        if fold(self._me.wanted) not in map(fold, news.nicks):
            yield from self._nick_free(NickFree(self._me.wanted))

    def _own_away(self, news: OwnAway) -> Iterable[Change]:
        self._me.away = news.away
        yield StageChanged()
        yield from self._talks.happened(self._talks.current, news.text, news.at)
        for talk in self._talks.rooms():
            if talk.members.set_away(self._me.nick, news.away):
                yield MembersChanged(talk)

    def _lost(self, news: Lost) -> Iterable[Change]:
        """Every talk says when it was cut off; that a new attempt failed, only the server's does."""
        if self.stage is Stage.NAMELESS:
            return  # the person is asked for a name; that this connection ends is no news
        was_online = self.online
        reason = f"{'Connection lost' if was_online else 'Could not connect'}: {clean(news.reason)}"
        for talk in list(self._talks) if was_online else [self._talks.server]:
            yield from self._talks.happened(talk, f"{reason.rstrip('.')}.", news.at, LineKind.TROUBLE)
        yield from self._cut_off()
        if news.problem.hopeless or (news.problem is Problem.UNKNOWN_HOST and not self.was_welcomed):
            self.reconnect.stop()
        else:
            self.reconnect.lost()
        yield self._enter(Stage.LOST, reason)
        self.problem = news.problem
        self.fingerprint = news.fingerprint
        yield TalksChanged()
