"""Settings, drafts, unsent lines and passwords kept from one start to the next. Knows no widgets.

Drafts and unsent lines are in a small JSON file beside the settings, without words that hold a password; passwords in
the desktop's keyring, where there is one, by the package `keyring`, an extra.
"""

import contextlib
import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chat.client.model import settings
from chat.client.model.changes import Change
from chat.client.model.client import Client
from chat.client.model.connection import Reconnect
from chat.client.model.network import Network
from chat.client.model.outgoing import KEPT
from chat.client.model.settings import folder, write_file
from chat.client.model.talk import Delivery, Line, LineKind, TalkKind
from chat.client.store import logs
from chat.client.store.logs import LogWriter
from chat.client.text.clean import holds_secret

_FILE = "drafts.json"
_MOST_BYTES = 1_048_576  # 500 full lines of each of a few talks
_LONGEST = 100_000  # characters of a draft


@dataclass(frozen=True, slots=True)
class Draft:
    """Of one talk: what its message box held, and lines as (seconds since the epoch, kind, text, delivery)."""

    server: str
    talk: str
    text: str = ""
    lines: tuple[tuple[float, str, str, str], ...] = ()


def gather(networks: list[Network]) -> list[Draft]:
    """What is not sent anywhere."""
    found = []
    for network in networks:
        for talk in network.talks:
            text = "" if holds_secret(talk.draft) or len(talk.draft) > _LONGEST else talk.draft
            lines = tuple(
                (line.at, line.kind.value, line.text, line.delivery.value)
                for line in network.outgoing.unsent(talk)
                if network.outgoing.words(line) == line.text
            )
            if text.strip() or lines:
                found.append(Draft(network.server, talk.name, text, lines))
    return found


def restore(network: Network, drafts: list[Draft]) -> None:
    """Put what belongs to this network back into its talks."""
    for draft in drafts:
        if draft.server != network.server:
            continue
        talk = network.talks.find(draft.talk)
        if talk is None and draft.talk == network.talks.server.name:
            talk = network.talks.server
        if talk is None:
            kind = TalkKind.ROOM if draft.talk[:1] in ("#", "&") else TalkKind.PERSON
            talk = network.talks.add(draft.talk, kind)
            talk.reason = "" if kind is TalkKind.PERSON else f"You are not in {talk.name}"
        talk.draft = talk.draft or draft.text
        for at, kind_of, text, delivery in draft.lines[:KEPT]:
            line = Line(at, LineKind(kind_of), text, network.me.nick, mine=True, delivery=Delivery(delivery))
            list(network.outgoing.add(talk, line, text))


def load(place: Path | None = None) -> list[Draft]:
    """What was kept; what makes no sense is left out. Never raises OSError."""
    try:
        data = ((place or folder()) / _FILE).read_bytes()
        found = json.loads(data) if len(data) <= _MOST_BYTES else []
    except (OSError, ValueError, RecursionError):
        return []
    drafts = []
    for one in found if isinstance(found, list) else []:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            drafts.append(_understood(one))
    return drafts


def save(drafts: list[Draft], place: Path | None = None) -> bool:
    """Replace what was kept; whether that was possible."""
    found = [{"server": one.server, "talk": one.talk, "text": one.text, "lines": one.lines} for one in drafts]
    return write_file((place or folder()) / _FILE, json.dumps(found, indent=1) + "\n")


def _understood(one: Any) -> Draft:
    lines = []
    for at, kind, text, delivery in one["lines"]:
        LineKind(kind), Delivery(delivery)  # or ValueError
        lines.append((float(at), str(kind), str(text), str(delivery)))
    server, talk = str(one["server"]), str(one["talk"])
    if not (server and talk and talk.isprintable() and " " not in talk):
        raise ValueError(talk)
    return Draft(server, talk, str(one["text"]), tuple(lines))


_RECALLED = 200  # lines of a talk that the logs give at a time


class Archive:
    """Makes the client of what was kept, and keeps what it becomes."""

    def __init__(self, reconnect: Callable[[], Reconnect]) -> None:
        self.client = Client(settings.load(), reconnect, recall=self._recall)
        self.logs = logs.folder()
        self._log_writer = LogWriter(self.client, self.logs)
        self._drafts = load()

    def restore(self, network: Network) -> None:
        """Put drafts and unsent lines back into the talks of a network that is opened."""
        restore(network, self._drafts)

    def note(self, changes: Iterable[Change]) -> None:
        """Write to the logs what is said."""
        self._log_writer.note(changes)

    def save(self) -> None:
        """Settings, drafts and unsent lines as they are now."""
        settings.save(self.client.settings)
        here = {network.server for network in self.client.networks}
        self._drafts = [*gather(self.client.networks), *(one for one in self._drafts if one.server not in here)]
        save(self._drafts)

    def close(self) -> None:
        """Wait until the logs are written."""
        self._log_writer.close()

    def _recall(self, server: str, talk: str, before: float) -> list[Line]:
        """What the logs have of a talk."""
        if not self.client.settings.log:
            return []
        return logs.last(self.logs / logs.place(server, talk), _RECALLED, before)


_SERVICE = "fanfare"


class Keyring(Protocol):
    """The part of the package `keyring` that is used."""

    def get_password(self, service: str, name: str) -> str | None: ...
    def set_password(self, service: str, name: str, password: str) -> None: ...
    def delete_password(self, service: str, name: str) -> None: ...


@functools.cache
def keyring() -> Keyring | None:
    """The desktop's, or None where there is none that keeps what it is given. To find out takes up to 0.2 s.

    It may ask the person to unlock it, and so keep one waiting: call from another thread than the window's.
    """
    with contextlib.suppress(Exception):  # the extra `client` is not installed, or whatever is wrong with a keyring
        import keyring as package

        found: Keyring = package.get_keyring()
        return found if package.get_keyring().priority > 0 else None
    return None


def has_keyring() -> bool:
    return keyring() is not None


def stored_password(what: str, server: str) -> str:
    """The password of this kind (`password` or `account NAME`) for this server; empty where there is none."""
    keeper = keyring()
    if keeper:
        with contextlib.suppress(Exception):  # locked, and the person does not unlock it
            return keeper.get_password(_SERVICE, f"{what} at {server}") or ""
    return ""


def store_password(what: str, server: str, password: str) -> bool:
    """Keep it, or forget it if it is empty; whether the keyring did."""
    keeper = keyring()
    if keeper:
        with contextlib.suppress(Exception):  # of any of the many kinds that keyrings raise
            if password:
                keeper.set_password(_SERVICE, f"{what} at {server}", password)
            else:
                keeper.delete_password(_SERVICE, f"{what} at {server}")
            return True
    return False
