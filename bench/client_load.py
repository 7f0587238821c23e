"""`python -m bench.client_load`: does the desktop client stay responsive while a room floods it?

A real server, several senders with a fixed number of messages a second in one room, and the real window, each in a
separate process; where there is no display, one is made (Xvfb). During the flood, keys are pressed at the X server
(xdotool). In the window's process a probe notes how late Tk's callbacks come, how much processor time each takes,
how late a key is answered, and the memory. At the end the room's last messages must be in the transcript, in order.
"""

import argparse
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.command import count, need_program, positive, started
from bench.machine import facts
from bench.process import free_port, running, serving

ROOM = "#load"
READER = "reader"
LAST_WORDS = "that was all"
ANSWER = 100.0  # ms; people do not notice less
LATEST = 1_000  # messages that must be shown when the flood is over
GROWTH = 8 << 20  # bytes the window may grow by once its scrollback is full: allocators never settle completely
_FULL = 10.0  # s until the scrollback is full at 2,000 messages a second, and everything has been drawn once
_SLICE = 0.01  # s between two portions of the flood
_TAIL = 1 << 20  # bytes of the room's latest lines that the observer keeps; 1,000 messages have 150,000
_TIMEOUT = 60.0  # s for any answer
_DISTURBED = 50.0  # ms that the sender's own clock may be late before the figures say nothing about the window

_TOKEN = re.compile(rb" PRIVMSG #load :(m\d{7})\b")
_WORDS = (
    "the quick brown fox jumps over the lazy dog and says a little more than that",
    "has anybody seen \x02this\x02? it is \x0304quite\x03 new: https://example.org/news/2026/11",
    "yes",
    "that depends on what you mean by it; for most of us it never was much of a question, or was it? שלום and bonjour",
)


@dataclass(frozen=True)
class Goal:
    name: str
    value: str
    wanted: str
    met: bool


class Flood:
    """The senders, and an observer that gets everything in the room's order. One thread sends, another reads all."""

    def __init__(self, port: int, senders: int, stack: ExitStack) -> None:
        self.late: list[float] = []  # ms that a portion was late, which is the machine's fault
        self.sent = 0
        self._observer = stack.enter_context(_member(port, "observer"))
        self._senders = [stack.enter_context(_member(port, f"talker{number}")) for number in range(senders)]
        self._heard = bytearray()
        self._over = threading.Event()
        threading.Thread(target=self._read, name="reader", daemon=True).start()

    def wait_for(self, words: str) -> None:
        """Wait until the observer has read it. Raises OSError."""
        until = time.monotonic() + _TIMEOUT
        while words.encode() not in self._heard:
            if time.monotonic() > until or self._over.is_set():
                raise OSError(f"the observer does not hear {words.strip()!r}")
            time.sleep(_SLICE)

    def play(self, seconds: float, rate: float) -> None:
        began = due = time.monotonic()
        while (due := due + _SLICE) < began + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            self.late.append(1000 * (time.monotonic() - due))
            target = int((due - began) * rate)
            for number in range(self.sent, target):
                text = f"m{number:07d} {_WORDS[number % len(_WORDS)]}"
                self._senders[number % len(self._senders)].sendall(f"PRIVMSG {ROOM} :{text}\r\n".encode())
            self.sent = target
        for number, sender in enumerate(self._senders):  # each has sent everything before the last message
            sender.sendall(f"PRIVMSG observer :done{number}\r\n".encode())
            self.wait_for(f":done{number}\r\n")
        self._senders[0].sendall(f"PRIVMSG {ROOM} :{LAST_WORDS}\r\n".encode())
        self.wait_for(f":{LAST_WORDS}\r\n")

    def latest(self) -> list[str]:
        """The last messages, in the room's order."""
        return [token.decode() for token in _TOKEN.findall(bytes(self._heard))][-LATEST:]

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector, suppress(OSError, ValueError):  # closed at the end
            for member in (self._observer, *self._senders):
                selector.register(member, selectors.EVENT_READ, member)
            while True:
                for key, _ in selector.select():
                    data = key.data.recv(65_536)
                    if not data:
                        self._over.set()
                        return
                    if key.data is self._observer:
                        self._heard += data
                        del self._heard[:-_TAIL]


@contextmanager
def _member(port: int, nick: str) -> Iterator[socket.socket]:
    """A member of the room."""
    with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as member:
        member.sendall(f"NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\nJOIN {ROOM}\r\n".encode())
        answer = b""
        while b" 366 " not in answer:
            data = member.recv(4096)
            if not data:
                raise OSError(f"{nick} was not let in: {answer[-200:]!r}")
            answer += data
        yield member


@contextmanager
def _display() -> Iterator[None]:
    """The display that exists, or a new one."""
    if os.environ.get("DISPLAY"):
        yield
        return
    need_program("Xvfb", "xvfb")
    command = ("Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp")
    with running(command, stderr=subprocess.DEVNULL) as xvfb:
        assert xvfb.stdout
        os.environ["DISPLAY"] = f":{xvfb.stdout.readline().strip()}"
        try:
            yield
        finally:
            del os.environ["DISPLAY"]
            xvfb.terminate()  # so that it removes its lock file
            xvfb.wait(_TIMEOUT)


def _keys(seconds: float) -> AbstractContextManager[object]:
    """A process that types ten letters a second into the message box, if there is xdotool."""
    if shutil.which("xdotool") is None:
        return nullcontext()
    letters = ("quick brown fox " * 1000)[: int(10 * seconds)]
    return running(("xdotool", "type", "--delay", "100", letters))


def measure(seconds: float, rate: float, senders: int, folder: Path) -> tuple[Flood, dict[str, Any]]:
    """The flood as it was sent, and what the window's process reports. Raises OSError."""
    for name in ("FANFARE_CONFIG_HOME", "FANFARE_DATA_HOME"):
        os.environ[name] = str(folder)  # the window looks as at its first start
    port, log = free_port(), folder / "log"
    serve = (sys.executable, "-m", "chat.cli", "serve", "--log", "memory:", "--listen", f"irc://127.0.0.1:{port}")
    window = (sys.executable, "-m", "bench.client_load_window", str(port), ROOM, READER, LAST_WORDS)
    with ExitStack() as stack:
        stack.enter_context(_display())
        stack.enter_context(serving((*serve, "--rate-limit", "off", "--ping-interval", "3600"), port, log))
        flood = Flood(port, senders, stack)
        client = stack.enter_context(running(window, stdin=subprocess.PIPE, stderr=sys.stderr.fileno()))
        assert client.stdin
        assert client.stdout
        client.stdout.readline()  # ready: the window is up
        flood.wait_for(f":{READER}!")  # and has joined
        with _keys(seconds):
            flood.play(seconds, rate)
        client.stdin.write("stop\n")
        client.stdin.flush()
        report = client.stdout.readline()
        if not report:
            raise OSError(f"the window's process ended with status {client.wait(_TIMEOUT)}")
        return flood, json.loads(report)


def goals(flood: Flood, report: dict[str, Any]) -> list[Goal]:
    """The goals of the window, and whether it reached them."""
    ticks, keys, work, latest = report["ticks"], report["keys"], report["work"], flood.latest()
    full = [size for at, size in report["memory"] if at >= _FULL] or [size for _, size in report["memory"]]
    quarter = max(1, len(full) // 4)
    growth = max(full[-quarter:]) - max(full[:quarter])
    missing = len(latest) - sum(
        mine == theirs for mine, theirs in zip(report["tokens"][::-1], latest[::-1], strict=False)
    )
    return [
        Goal("works in a callback, worst", f"{max(work):.0f} ms", f"{ANSWER:.0f} ms", max(work) <= ANSWER),
        Goal("answers a callback, worst", f"{max(ticks):.0f} ms", f"{ANSWER:.0f} ms", max(ticks) <= ANSWER),
        Goal("answers a key, worst", f"{max(keys):.0f} ms", f"{ANSWER:.0f} ms", max(keys) <= ANSWER)
        if keys
        else Goal("answers a key, worst", "not measured: no xdotool", f"{ANSWER:.0f} ms", True),
        Goal("grows, once full", f"{growth / 2**20:.1f} MiB", f"{GROWTH / 2**20:.0f} MiB", growth <= GROWTH),
        Goal(f"of the last {len(latest):,} not in place", f"{missing}", "0", not missing and len(latest) == LATEST),
    ]


def _print(flood: Flood, report: dict[str, Any], found: list[Goal]) -> None:
    print(f"{flood.sent:,} messages were sent; the sender itself was at most {max(flood.late):.0f} ms late")
    for name, title in (("ticks", "callback late"), ("keys", "key answered"), ("work", "processor time of a callback")):
        values = sorted(report[name]) or [float("nan")]
        p50, p99 = (values[int(share * (len(values) - 1))] for share in (0.5, 0.99))
        print(f"{title}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {values[-1]:.1f} ms of {len(report[name]):,}")
    caught_up = "never" if report["caught_up"] is None else f"{1000 * report['caught_up']:.0f} ms after the end"
    print(f"the last message was shown {caught_up}; {report['rows']:,} rows; CPU {report['cpu']:.1f} s")
    at = [(when, size) for when, size in report["memory"] if int(when) % 5 == 0]
    print("memory:", *(f"{when:.0f} s {size / 2**20:.0f} MiB" for when, size in at), sep="  ")
    print()
    for goal in found:
        print(f"  {goal.name:<32}{goal.value:>26}   goal {goal.wanted:<8}{'met' if goal.met else 'MISSED'}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 all goals met, 1 one missed, 2 could not start, 3 the machine was too busy to tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.client_load", description="Flood the desktop client.")
    parser.add_argument("--seconds", type=positive, default=60, metavar="S", help="how long (default 60)")
    parser.add_argument("--rate", type=positive, default=2000, metavar="N", help="messages a second (default 2,000)")
    parser.add_argument("--senders", type=count, default=10, metavar="N", help="who say them in turn (default 10)")
    options = parser.parse_args(arguments)
    return started("client_load", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n")
    with tempfile.TemporaryDirectory(prefix="client-load-") as folder:
        flood, report = measure(options.seconds, options.rate, options.senders, Path(folder))
    found = goals(flood, report)
    _print(flood, report, found)
    if all(goal.met for goal in found):
        return 0
    if max(flood.late) > _DISTURBED:
        print(f"\nThe sender was over {_DISTURBED:.0f} ms late itself: this machine was busy with something else.")
        return 3
    return 1


if __name__ == "__main__":
    sys.exit(main())
