"""Draw what the model says has changed, each part of the view once. Knows no session."""

from collections.abc import Iterable
from itertools import groupby

from chat.client.irc.server_news import Problem
from chat.client.model.changes import (
    Appended,
    Change,
    Cleared,
    LineChanged,
    LineRemoved,
    MembersChanged,
    Opened,
    Refilled,
    StageChanged,
    TalksChanged,
    TopicChanged,
    TypingChanged,
)
from chat.client.model.client import Client
from chat.client.model.client_tags import quoted
from chat.client.model.connection import Stage
from chat.client.model.network import Network
from chat.client.model.talk import Talk, TalkKind
from chat.client.ui.lists import Entry
from chat.client.ui.view import View

_HALF = 48  # characters of a fingerprint, which has 95: a line breaks between two pairs of digits


class Display:
    """What one talk's message box holds is kept with that talk."""

    def __init__(self, view: View, client: Client) -> None:
        self._view = view
        self._client = client
        self._talk: Talk | None = None  # the one that is drawn

    def show(self, changes: Iterable[Change]) -> None:
        """Draw these changes."""
        changes = list(changes)
        kinds = {type(change) for change in changes}
        talk = self._client.attention.talk
        if talk is None:
            self._talk = None
            return
        if talk is not self._talk:
            self._open(talk)
        else:
            here = [change for change in changes if getattr(change, "talk", None) is talk]
            self._draw(talk, here)
        if TopicChanged in kinds or TalksChanged in kinds:
            self._view.show_title(talk)
        if TypingChanged in kinds:
            self.show_stage()
        if kinds & {TalksChanged, StageChanged, Opened}:
            self._view.sidebar.show(list(self._entries()), talk)
            self.show_stage()

    def show_stage(self) -> None:
        """How the connection is, at the foot; what is wrong with it and mends it, at the head."""
        network = self._client.network
        if network is None:
            return
        self._view.show_status(network.status, bool(network.outgoing.waiting))
        connection = network.connection
        if connection.stage is Stage.LOST:
            untrusted = connection.problem is Problem.CERTIFICATE and bool(connection.fingerprint)
            self._view.show_banner(_reason(network), "Connect again", edit=True, trust=untrusted)
        else:
            self._view.show_banner(network.outside, "Join again")

    def keep_draft(self) -> None:
        """What the message box holds belongs to the talk that is shown."""
        if self._talk:
            self._talk.draft = self._view.composer.get()

    def show_reply(self) -> None:
        """What the words in the message box are going to answer."""
        meant = self._talk.reply_to if self._talk else None
        self._view.composer.show_reply(quoted(meant) if meant else "")

    def title(self) -> str:
        """The talk's name, and how often somebody called while nobody looked."""
        talk, calls = self._client.attention.talk, self._client.calls
        name = f"{talk.name} - Fanfare" if talk else "Fanfare"
        return f"({calls:,}) {name}" if calls else name

    def _entries(self) -> Iterable[Entry]:
        for network in self._client.networks:
            for talk in network.talks:
                heard = network.online and (talk.joined or talk.kind is not TalkKind.ROOM)
                yield Entry(talk, faint=not heard)

    def _open(self, talk: Talk) -> None:
        self.keep_draft()
        if self._talk:
            self._talk.position = self._view.transcript.position()
        self._talk = talk
        self._view.show_talk(talk)
        self.show_reply()

    def _draw(self, talk: Talk, changes: list[Change]) -> None:
        if any(isinstance(change, Cleared) for change in changes):
            self._view.transcript.show(talk)
        elif refills := [change for change in changes if isinstance(change, Refilled)]:
            talk.position = self._view.transcript.position()
            for refill in refills:
                talk.position = refill.moved.get(talk.position, talk.position)
            self._view.transcript.show(talk)
        else:
            self._draw_lines(talk, changes)
        if any(isinstance(change, MembersChanged) for change in changes):
            self._view.show_members(talk)

    def _draw_lines(self, talk: Talk, changes: Iterable[Change]) -> None:
        """In their order: a line may be appended, and change, within one batch."""
        transcript = self._view.transcript
        for appended, run in groupby(changes, lambda change: isinstance(change, Appended)):
            if appended:
                transcript.append([change.line for change in run if isinstance(change, Appended)], talk)
                continue
            for change in run:
                if isinstance(change, LineChanged):
                    transcript.change(change.line)
                elif isinstance(change, LineRemoved):
                    transcript.remove(change.line)


def _reason(network: Network) -> str:
    connection = network.connection
    if connection.problem is Problem.CERTIFICATE and connection.fingerprint:
        first, second = connection.fingerprint[:_HALF], connection.fingerprint[_HALF:]
        return f"{connection.reason} Its fingerprint:\n{first}\n{second}".rstrip()
    return connection.reason
