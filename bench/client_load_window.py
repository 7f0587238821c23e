"""The client's real window in a separate process, which notes how late it answers. `bench.client_load` starts it.

Prints `ready` once the window is up, and after a line on its standard input a JSON object: the measurements, and the
messages that the transcript shows at the end. The transcript is the text widget with the most lines; of the client this
module knows only how a window is opened.
"""

import argparse
import json
import re
import resource
import sys
import time
import tkinter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from chat.client.irc.address import Address
from chat.client.ui.window import Window

_TICK = 10  # ms between two looks at the clock
_SAMPLE = 1.0  # s between two looks at the memory
_CATCH_UP = 30.0  # s for the last message to be shown
_TOKEN = re.compile(r"\bm\d{7}\b")
_PAGE = Path("/proc/self/statm")
_PAGE_BYTES = resource.getpagesize()


class Timed(tkinter.CallWrapper):
    """A callback whose work is noted: ms of this thread's processor time, whatever else the machine does."""

    work: ClassVar[list[float]] = []

    def __call__(self, *arguments: object) -> object:
        began = time.thread_time()
        try:
            return super().__call__(*arguments)  # type: ignore[no-untyped-call]
        finally:
            self.work.append(1000 * (time.thread_time() - began))


class Probe:
    """Measures within the window's event loop."""

    def __init__(self, root: tkinter.Tk, last_words: str) -> None:
        self.ticks: list[float] = []  # ms that a callback of `after` came late
        self.keys: list[float] = []  # ms from a key at the X server to the end of its handlers here
        self.memory: list[tuple[float, int]] = []  # s since the beginning, bytes
        self.caught_up: float | None = None  # s from the stop until the last message was shown
        self._root = root
        self._last_words = last_words
        self._began = time.monotonic()
        self._stopping: float | None = None
        self._next_sample = 0.0
        self._due = 0.0
        root.bind_all("<KeyPress>", self._key)
        root.createfilehandler(sys.stdin, tkinter.READABLE, self._stop)
        self._wait()

    def _wait(self) -> None:
        self._due = time.monotonic() + _TICK / 1000
        self._root.after(_TICK, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._stopping is None:
            self.ticks.append(1000 * (now - self._due))
        if now - self._began >= self._next_sample:
            self._next_sample += _SAMPLE
            self.memory.append((now - self._began, int(_PAGE.read_text().split()[1]) * _PAGE_BYTES))
        if self._stopping is not None and self._is_over(now - self._stopping):
            self._root.quit()
        else:
            self._wait()

    def _is_over(self, waited: float) -> bool:
        text = transcript(self._root)
        if self._last_words in text.get("end-5l", "end"):
            self.caught_up = waited
        return self.caught_up is not None or waited > _CATCH_UP

    def _key(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        # The X server's clock, in milliseconds of 32 bits, is this machine's monotonic one.
        late = (int(time.monotonic() * 1000) - event.time) & 0xFFFFFFFF
        if self._stopping is None and late < 0x7FFFFFFF:
            self.keys.append(late)

    def _stop(self, file: object, mask: int) -> None:
        self._root.deletefilehandler(sys.stdin)
        self._stopping = time.monotonic()


def texts(widget: tkinter.Misc) -> Iterator[tkinter.Text]:
    for child in widget.winfo_children():
        if isinstance(child, tkinter.Text):
            yield child
        yield from texts(child)


def transcript(root: tkinter.Tk) -> tkinter.Text:
    return max(texts(root), key=lambda text: float(text.index("end")))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.client_load_window")
    parser.add_argument("port", type=int)
    parser.add_argument("room")
    parser.add_argument("nick")
    parser.add_argument("last_words")
    options = parser.parse_args()
    tkinter.CallWrapper = Timed  # type: ignore[misc]
    root = tkinter.Tk(className="Fanfare")
    window = Window(root, Address("127.0.0.1", options.port, options.room), options.nick)
    root.update()
    (root.focus_lastfor() or root).focus_force()  # as a window manager would
    probe = Probe(root, options.last_words)
    print("ready", flush=True)
    root.mainloop()
    shown = transcript(root).get("1.0", "end-1c")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    measured = {
        "ticks": probe.ticks,
        "keys": probe.keys,
        "work": Timed.work,
        "memory": probe.memory,
        "caught_up": probe.caught_up,
        "rows": shown.count("\n") + 1,
        "tokens": _TOKEN.findall(shown),
        "cpu": usage.ru_utime + usage.ru_stime,
    }
    print(json.dumps(measured), flush=True)
    window.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
