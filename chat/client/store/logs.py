"""Logs in text files that any program can read: LOGS/SERVER/TALK/2026-11-26.txt, a line each.

    [12:30:05] <ana> hello          [12:30:07] * ana waves
    [12:30:09] -bot- a notice       [12:30:11] *** ben joined

They are written by a thread of their own, so that a slow disk holds up nobody.
"""

import contextlib
import os
import queue
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

from chat.client.model.changes import Appended, Change, LineChanged, Refilled
from chat.client.model.client import Client
from chat.client.model.talk import Delivery, Line, LineKind, Talk, TalkKind
from chat.wires.names import fold

_TAIL = 65_536  # bytes from the end of a file that are read at the start: some 700 lines
_KEPT = "#&._-+[]{}^"  # signs of names that stay as they are in the names of files
_FORMATS = {
    LineKind.SAY: "<{nick}> {text}",
    LineKind.ACTION: "* {nick} {text}",
    LineKind.NOTICE: "-{nick}- {text}",
    LineKind.EVENT: "*** {text}",
    LineKind.TROUBLE: "*** {text}",
}
_LINE = re.compile(
    r"\[(?P<clock>\d\d:\d\d:\d\d)\] "
    r"(?:<(?P<say>[^>]*)>|\* (?P<action>\S+)|-(?P<notice>[^ ]+)-|(?P<event>\*\*\*)) (?P<text>.*)"
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d\.txt")


def folder(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Where this system keeps what programs gather. FANFARE_DATA_HOME names another place."""
    own = environ.get("FANFARE_DATA_HOME")
    if own:
        return Path(own) / "logs"
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "fanfare" / "logs"
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "fanfare" / "logs"
    home = environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "share") / "fanfare" / "logs"


@lru_cache(maxsize=1000)  # asked for with each line
def place(server: str, talk: str) -> Path:
    """The folder of one talk, below the folder of all logs. Names that mean the same have the same."""
    return Path(_file_name(server), _file_name(fold(talk)))


def written(line: Line) -> tuple[str, str] | None:
    """The name of the day's file, and the line for it; None for what is not kept."""
    how = _FORMATS.get(line.kind)
    if how is None:
        return None
    day, clock = _stamp(int(line.at))
    return day, f"[{clock}] {how.format(nick=line.nick, text=line.text)}\n"


@lru_cache(maxsize=16)  # in a flood, many lines have the same second
def _stamp(at: int) -> tuple[str, str]:
    when = datetime.fromtimestamp(at)
    return f"{when:%Y-%m-%d}.txt", f"{when:%H:%M:%S}"


def read(text: str, day: date) -> Line | None:
    """A line of a file, as it was; None for text that no log has."""
    found = _LINE.fullmatch(text)
    if not found:
        return None
    at = datetime.combine(day, datetime.strptime(found["clock"], "%H:%M:%S").time()).timestamp()
    for kind in (LineKind.SAY, LineKind.ACTION, LineKind.NOTICE):
        if found[kind.value] is not None:
            return Line(at, kind, found["text"], found[kind.value])
    return Line(at, LineKind.EVENT, found["text"])


def last(talk: Path, most: int, before: float = float("inf")) -> list[Line]:
    """The newest lines of this talk that are older than that; the oldest is the first. Never raises OSError."""
    lines: list[Line] = []
    for file in reversed(days(talk)):
        if len(lines) >= most:
            break
        found = [line for line in read_file(file, tail=before == float("inf")) if line.at < before]
        lines = [*found[-(most - len(lines)) :], *lines]
    return sorted(lines, key=lambda line: line.at)  # what was missed is written later than it was said


def days(talk: Path) -> list[Path]:
    """The files of one talk, the oldest first."""
    try:
        return sorted(file for file in talk.iterdir() if _DAY.fullmatch(file.name))
    except OSError:
        return []


def read_file(file: Path, tail: bool = False) -> Iterator[Line]:
    """The lines of a day; of a large file only the last ones, if `tail` says so."""
    try:
        day = date.fromisoformat(file.stem)
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL) if tail else 0)
            data = stream.read()
    except (OSError, ValueError):
        return
    for text in data.decode("utf-8", "replace").split("\n"):
        line = read(text, day)
        if line:
            yield line


def name_of(talk: Path) -> str:
    """The talk's name, as its folder has it."""
    return f"{unquote(talk.name)} on {unquote(talk.parent.name)}"


def keeps(talk: Talk) -> bool:
    """Whether what is said there is worth a log: the server's own words are not."""
    return talk.kind is not TalkKind.SERVER


def _file_name(name: str) -> str:
    """As a file may be named everywhere."""
    return quote(name, safe=_KEPT).replace(".", "%2E", 1) if name.startswith(".") else quote(name, safe=_KEPT)


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
            if line.delivery is Delivery.SENT and keeps(talk):
                place, text = self._place(talk), written(line)
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
            self._places[key] = str(self._folder / place(network.server, talk.name))
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
