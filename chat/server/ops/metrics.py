"""The metrics: a table of them, each with how it is read.

The numbers are plain integers of the objects where things happen, and are read while the loop runs: a value may be a
pass old. A module that has more of them enters each with `counter`, `gauge` or `histogram`. Names follow
https://prometheus.io/docs/practices/naming/; this module itself needs no package.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat import __version__
from chat.server.net.certificates import Certificates
from chat.server.net.gate import Gate
from chat.server.net.handshakes import Handshakes
from chat.server.net.loop import PASS_BOUNDS, Loop
from chat.server.ops.heartbeat import LAG_BOUNDS, Heartbeat


@dataclass(frozen=True, slots=True)
class Sources:
    """The objects that own the numbers."""

    gate: Gate
    loop: Loop
    heartbeat: Heartbeat
    is_stopping: Callable[[], bool]
    certificates: Certificates | None = None  # with listeners that take TLS, as the next
    handshakes: Handshakes | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between bounds, in seconds; the last is of what is over all of them."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


Labelled = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str  # without the ending _total of a counter
    help: str
    kind: str  # counter, gauge, histogram or summary
    labels: tuple[str, ...]
    read: Callable[[Sources], Any]  # a number, Labelled where there are labels, Histogram, or (count, sum)


METRICS: list[Metric] = []


def counter(name: str, text: str, read: Callable[[Sources], float]) -> None:
    METRICS.append(Metric(name, text, "counter", (), read))


def counters(name: str, text: str, labels: Sequence[str], read: Callable[[Sources], Labelled]) -> None:
    METRICS.append(Metric(name, text, "counter", tuple(labels), read))


def gauge(name: str, text: str, read: Callable[[Sources], float]) -> None:
    METRICS.append(Metric(name, text, "gauge", (), read))


def gauges(name: str, text: str, labels: Sequence[str], read: Callable[[Sources], Labelled]) -> None:
    METRICS.append(Metric(name, text, "gauge", tuple(labels), read))


def histogram(name: str, text: str, read: Callable[[Sources], Histogram]) -> None:
    METRICS.append(Metric(name, text, "histogram", (), read))


def summary(name: str, text: str, read: Callable[[Sources], tuple[int, float]]) -> None:
    METRICS.append(Metric(name, text, "summary", (), read))


def _by_one(counts: Mapping[str, int]) -> Labelled:
    counts = dict(counts)  # one operation, while the owner goes on
    return {(name.lower().replace(" ", "_"),): value for name, value in counts.items()}


def _connections(sources: Sources) -> Labelled:
    counts = dict(sources.loop.connections.by_kind)
    return {(_wire(wire), _transport(transport)): count for (wire, transport), count in counts.items()}


def _wire(kind: type) -> str:
    return kind.__name__.removesuffix("Wire").lower()


def _transport(kind: type) -> str:
    name = kind.__name__.lower()
    return "tcp" if name == "socket" else name.removesuffix("transport")


def _queued(sources: Sources) -> list[int]:
    """Bytes in each send queue that is in use."""
    return [size for connection in list(sources.loop.writes.queued) if (size := connection.queue.size)]


def _handshakes(sources: Sources) -> Labelled:
    if sources.handshakes is None:
        return {}
    return {("made",): sources.handshakes.made, **_by_one(sources.handshakes.refused)}


def _going(sources: Sources) -> int:
    return 0 if sources.handshakes is None else sources.handshakes.going


def _log_lag(sources: Sources) -> float:
    oldest = sources.loop.node.log.figures().oldest
    return 0.0 if oldest is None else max(0.0, time.time() - oldest)


def _commits(sources: Sources) -> tuple[int, float]:
    figures = sources.loop.node.log.figures()
    return figures.commits, figures.commit_seconds


# The server
gauges("fanfare_info", "Always 1; the labels say what runs.", ["version"], lambda s: {(__version__,): 1.0})
gauge("fanfare_draining", "1 while the server stops.", lambda s: float(s.is_stopping()))

# Connections
gauges("fanfare_connections", "Connections there are.", ["wire", "transport"], _connections)
gauge("fanfare_connections_limit", "Connections that there may be.", lambda s: s.gate.limit)
counter("fanfare_connections_accepted", "Connections let in.", lambda s: s.loop.connections.accepted)
counters(
    "fanfare_connections_refused",
    "Connections turned away at the gate, by reason.",
    ["reason"],
    lambda s: _by_one(s.gate.refusals),
)
counters(
    "fanfare_connections_dropped",
    "Connections that did not end by QUIT, by reason.",
    ["reason"],
    lambda s: _by_one(s.loop.connections.drops),
)

# TLS
counters("fanfare_tls_handshakes", "TLS handshakes, made or refused with the reason.", ["outcome"], _handshakes)
gauge("fanfare_tls_handshakes_going", "TLS handshakes not done yet.", _going)
gauge(
    "fanfare_certificate_expiry_timestamp_seconds",
    "When the certificate ends; 0 without one.",
    lambda s: s.certificates.expires if s.certificates else 0.0,
)

# The chat
gauge("fanfare_users", "Registered users, of all nodes.", lambda s: len(s.loop.node.state.users))
gauge("fanfare_rooms", "Rooms that somebody is in.", lambda s: len(s.loop.node.state.rooms))
counter("fanfare_commands", "Commands that ran.", lambda s: s.loop.commands)
counter("fanfare_messages", "Messages, notices and tag messages accepted.", lambda s: s.loop.node.fan_out.messages)
counter("fanfare_deliveries", "Messages times their receivers here.", lambda s: s.loop.node.fan_out.deliveries)

counters("fanfare_logins", "Logins to accounts.", ["outcome"], lambda s: _by_one(s.loop.node.logins.outcomes))

# The network
counter("fanfare_sends", "System calls that send.", lambda s: s.loop.writes.sends + s.loop.connections.flushes)
counter("fanfare_received_bytes", "Bytes read from connections.", lambda s: s.loop.received)
counter("fanfare_sent_bytes", "Bytes given to connections, also those never taken.", lambda s: s.loop.writes.bytes)
gauge("fanfare_send_queue_bytes", "Bytes that sockets have not taken yet.", lambda s: sum(_queued(s)))
gauge("fanfare_send_queues", "Connections with such bytes.", lambda s: len(_queued(s)))

# The loop
histogram(
    "fanfare_loop_pass_seconds",
    "How long passes of the loop take, without waiting.",
    lambda s: Histogram(PASS_BOUNDS, list(s.loop.passes), s.loop.passing),
)
histogram(
    "fanfare_loop_lag_seconds",
    "How long a call of another thread waits for the loop; asked twice a second.",
    lambda s: Histogram(LAG_BOUNDS, list(s.heartbeat.lags), s.heartbeat.lagged),
)
gauge("fanfare_loop_silence_seconds", "For how long the loop has owed an answer.", lambda s: s.heartbeat.silence())

# The log
gauge("fanfare_log_waiting_entries", "Entries not on disk yet.", lambda s: s.loop.node.log.figures().waiting)
gauge("fanfare_log_lag_seconds", "Age of the oldest of them.", _log_lag)
counter("fanfare_log_lost_entries", "Entries that the full queue lost.", lambda s: s.loop.node.log.figures().lost)
gauge("fanfare_log_failing", "1 while the log takes nothing.", lambda s: float(bool(s.loop.node.log.figures().error)))
gauge("fanfare_log_shared_entries", "Entries in a shared log.", lambda s: s.loop.node.log.figures().shared[0])
gauge("fanfare_log_shared_bytes", "Its store's memory for them.", lambda s: s.loop.node.log.figures().shared[1])
summary("fanfare_log_commit_seconds", "Commits to the log's file, and how long they took.", _commits)


def health(sources: Sources) -> str:
    """Why the server is not well; empty when it is."""
    if sources.is_stopping():
        return "the server stops"
    if sources.heartbeat.is_stuck:
        return f"the loop has not answered for {sources.heartbeat.silence():.0f} s"
    error = sources.loop.node.log.figures().error
    return f"the log takes nothing: {error}" if error else ""
