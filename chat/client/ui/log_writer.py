"""Append lines to the logs, on a thread of its own: a slow disk holds up nobody. Knows no widgets."""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from chat.client.model import logs
from chat.client.model.changes import Appended, Change, LineChanged, Refilled
from chat.client.model.client import Client
from chat.client.model.talk import Delivery, Line, Talk

_WAITING = 5_000  # batches of lines that wait for the disk, minutes of a flood; beyond it they are left out


class LogWriter:
    """`note` and `close` belong to the window's thread."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._places: dict[tuple[Talk, str], str] = {}  # folders of talks, by their names
        self._waiting: queue.Queue[dict[str, list[str]] | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None

    def note(self, changes: Iterable[Change]) -> None:
        """Write what these changes add: others' lines as they come, our own once the server has them."""
        if not self._client.settings.log:
            return
        by_file: dict[str, list[str]] = {}
        for talk, line in (pair for change in changes for pair in _lines(change)):
            if line.delivery is Delivery.SENT and logs.keeps(talk):
                place, text = self._place(talk), logs.written(line)
                if place and text:
                    by_file.setdefault(f"{place}/{text[0]}", []).append(text[1])
        if by_file:
            self._put(by_file)

    def close(self, timeout: float = 2.0) -> None:
        """Wait until all is written."""
        if self._thread:
            with contextlib.suppress(queue.Full):
                self._waiting.put(None, timeout=timeout)
            self._thread.join(timeout)

    def _place(self, talk: Talk) -> str:
        """The folder of a talk; empty for one that is closed."""
        key = talk, talk.name
        if key not in self._places:
            network = self._client.network_of(talk)
            if network is None:
                return ""
            self._places[key] = str(self._folder / logs.place(network.server, talk.name))
        return self._places[key]

    def _put(self, by_file: dict[str, list[str]]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
            self._thread.start()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(by_file)

    def _run(self) -> None:
        while (by_file := self._waiting.get()) is not None:
            for name, texts in by_file.items():
                with contextlib.suppress(OSError):  # a full disk keeps nobody from talking
                    file = Path(name)
                    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    with file.open("a", encoding="utf-8", errors="replace", newline="\n") as stream:
                        stream.writelines(texts)


def _lines(change: Change) -> Iterator[tuple[Talk, Line]]:
    """What this change adds to a transcript for good, if it is SENT."""
    if isinstance(change, Appended):
        yield change.talk, change.line
    elif isinstance(change, LineChanged):
        if change.line.mine and not change.line.reactions:  # a reaction comes to what is written already
            yield change.talk, change.line
    elif isinstance(change, Refilled):
        yield from ((change.talk, line) for line in change.new)
