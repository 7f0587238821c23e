"""A line that says how a headless run goes: on a terminal rewritten in place, elsewhere a new one now and then."""

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import gevent

from loadtest.locust import seams

_REWRITE_S = 1.0
_NO_TERMINAL = "dumb"
_CLEAR = "\r\x1b[K"

Look = Callable[[], dict[str, Any] | None]


def line(values: dict[str, Any], width: int | None = None) -> str:
    """Of what `live.look` gives. What there is no room for goes: first the rates, then users, then the scenario."""
    recent, whole = values["recent"]["fanout_us"], values["whole"]["fanout_us"]
    shown = recent if recent["count"] else whole
    rates = [
        f"{values['recent'][name]:,.{0 if values['recent'][name] >= 10 else 1}f} {unit}"
        for name, unit in (("messages_per_s", "msg/s"), ("deliveries_per_s", "deliveries/s"))
        if values["recent"][name] is not None
    ]
    parts = {
        "scenario": values["scenario"],
        "doing": values["doing"],
        "users": users(values),
        "rates": "   ".join(rates),
        "times": f"p50 {_ms(shown['p50'])}  p99 {_ms(shown['p99'])} ms" if shown["count"] else "",
        "lost": f"lost {values['messages']['lost']:,}"
        if whole["count"] and values["messages"]["lost"] is not None
        else "",
        "verdict": verdict(values),
    }
    for spare in ("", "rates", "users", "scenario", "times"):
        parts.pop(spare, None)
        text = "   ".join(part for part in parts.values() if part)
        if width is None or len(text) <= width:
            return text
    return text[: (width or 1) - 1] + "…"


def users(values: dict[str, Any]) -> str:
    """How many are in; of how many, as long as some are not."""
    count = f"{values['users']:,}"
    if values["users"] != values["asked_users"]:
        count += f" of {values['asked_users']:,}"
    return f"{count} users" + (f", {values['refused']:,} refused" if values["refused"] else "")


def verdict(values: dict[str, Any]) -> str:
    """So far, with the first reason."""
    so_far = values["so_far"]
    if so_far is None:
        return ""
    return f"{so_far.word} so far" + (f": {so_far.reasons[0]}" if so_far.reasons else "")


class Progress:
    """Writes until it is stopped."""

    def __init__(self, look: Look, every_s: float, out: TextIO | None = None) -> None:
        """`every_s` is for where there is no terminal."""
        self._look = look
        self._every_s = every_s
        self._out = out or sys.stderr
        self._in_place = self._out.isatty() and os.environ.get("TERM") != _NO_TERMINAL
        self._written = False
        self._writer: Any = None

    def start(self) -> None:
        for handler in self._neighbours():
            handler.addFilter(self._make_way)
        self._writer = gevent.spawn(self._write)

    def stop(self) -> None:
        """Leave the terminal as if there had been no line. Harmless when stopped."""
        if self._writer:
            self._writer.kill()
        for handler in self._neighbours():
            handler.removeFilter(self._make_way)
        self.clear()

    def clear(self) -> None:
        if self._written:
            self._out.write(_CLEAR)
            self._out.flush()
            self._written = False

    def show(self) -> None:
        """Write the line as it is now."""
        values = self._look()
        if values is None:
            return
        if self._in_place:
            self._put(_CLEAR + line(values, self._width()))
            self._written = True
        else:
            self._put(line(values) + "\n")

    def _write(self) -> None:
        period_s = _REWRITE_S if self._in_place else self._every_s
        began = time.monotonic()
        while True:  # at whole periods from the start, however long the writing takes
            gevent.sleep(period_s - (time.monotonic() - began) % period_s)
            self.show()

    def _put(self, text: str) -> None:
        encoding = self._out.encoding or "ascii"
        self._out.write(text.encode(encoding, "replace").decode(encoding))
        self._out.flush()

    def _neighbours(self) -> list[logging.Handler]:
        """Who else writes to the terminal."""
        return [
            handler for name in seams.TERMINAL_LOGGERS if self._in_place for handler in logging.getLogger(name).handlers
        ]

    def _make_way(self, record: logging.LogRecord) -> bool:
        """As a filter of other writers' handlers: every record passes, on a line of its own."""
        self.clear()
        return True

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns - 1  # the last column would wrap on some
        except OSError:
            return 79


def _ms(us: int) -> str:
    """Three digits are enough for a glance."""
    ms = us / 1000
    return f"{ms:.2f}" if ms < 1 else f"{ms:.1f}" if ms < 100 else f"{ms:,.0f}"
