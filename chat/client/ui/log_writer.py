"""Append lines to the logs, on a thread of its own: a slow disk holds up nobody. Knows no widgets."""

import contextlib
import queue
import threading
from collections.abc import Iterable
from pathlib import Path

from chat.client.model import logs
from chat.client.model.changes import Appended, Change, LineChanged
from chat.client.model.client import Client
from chat.client.model.talk import Delivery

_WAITING = 50_000  # lines that wait for the disk; beyond it they are left out
_AT_ONCE = 1_000  # lines for one opening of a file


class LogWriter:
    """`note` and `close` belong to the window's thread."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._waiting: queue.Queue[tuple[Path, str] | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None

    def note(self, changes: Iterable[Change]) -> None:
        """Write what these changes add: others' lines as they come, our own once the server has them."""
        if not self._client.settings.log:
            return
        for change in changes:
            if not isinstance(change, Appended | LineChanged):
                continue
            line, talk = change.line, change.talk
            settled = line.mine if isinstance(change, LineChanged) else True
            if line.delivery is not Delivery.SENT or not settled or not logs.keeps(talk):
                continue
            network, text = self._client.network_of(talk), logs.written(line)
            if network and text:
                self._put(self._folder / logs.place(network.server, talk.name) / text[0], text[1])

    def close(self, timeout: float = 2.0) -> None:
        """Wait until all is written."""
        if self._thread:
            with contextlib.suppress(queue.Full):
                self._waiting.put(None, timeout=timeout)
            self._thread.join(timeout)

    def _put(self, file: Path, text: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
            self._thread.start()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait((file, text))

    def _run(self) -> None:
        while True:
            item = self._waiting.get()
            by_file: dict[Path, list[str]] = {}
            while item is not None and len(by_file) < _AT_ONCE:
                by_file.setdefault(item[0], []).append(item[1])
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
            for file, texts in by_file.items():
                with contextlib.suppress(OSError):  # a full disk keeps nobody from talking
                    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    with file.open("a", encoding="utf-8", errors="replace", newline="\n") as stream:
                        stream.writelines(texts)
            if item is None:
                return
