"""The server is restarted under all users; they back off and come back: how long until all are members again.

A window of `--before` seconds shows that all is well; then SIGTERM, and the same command again as soon as the process
has ended. When all are back, or `--return-within` is over, a window of `--after` seconds shows that they really are.
"""

import time
from collections.abc import Mapping
from typing import Any

from chat.errors import SetupError
from loadtest.core.histogram import Histogram
from loadtest.report.blocks import (
    LATENCY_HEAD,
    NONE,
    Block,
    Section,
    each_count,
    latency,
    mib,
    ms,
    reasons,
    register_section,
    spaced,
)
from loadtest.run.role import Role, Worker
from loadtest.run.run import Run
from loadtest.run.scenario import OneRoom
from loadtest.scenarios.stampede import server
from loadtest.scenarios.stampede.returns import Return, StampedeSettings
from loadtest.scenarios.stampede.server import Look, NoServer, Restart, ServerCommand
from loadtest.scenarios.stampede.worker import Returners
from loadtest.wires.wire import LEAVES

_ANSWER_S = 10.0  # for a process's answer after the last moment to return in


class Stampede(OneRoom):
    settings: StampedeSettings
    settings_type = StampedeSettings
    name = "stampede"
    summary = "the server is restarted under all users, and they come back"
    default_rate = 20.0
    needs = frozenset((LEAVES,))
    one_clock = True
    brings_command = False  # it knows how to start a server without --server-command

    def __init__(self, settings: StampedeSettings, users: int) -> None:
        super().__init__(settings, users)
        self._server: ServerCommand | None = None
        self._begin()

    def role(self, worker: Worker) -> Role:
        return Returners(worker, self.settings)

    @property
    def server_pid(self) -> int:
        return self._server.pid if self._server else 0

    def check(self) -> None:
        if self.settings.server_command or not self.brings_command:
            server.split(self.settings.server_command)
        if self.users < 2:
            raise SetupError(f"{self.name} needs 2 users or more, got {self.users}: use --users")
        self.check_announcers(self.users)

    def command(self, host: str) -> str:
        """What starts the server."""
        return self.settings.server_command

    def prepare(self, host: str) -> None:
        self._server = ServerCommand(self.command(host), host)
        self._server.start()

    def clear_up(self) -> None:
        if self._server:
            self._server.end()

    def course(self, run: Run) -> None:
        settings = self.settings
        self._begin()
        run.step = "before"
        window = run.open_window(settings.before)
        run.play(window)
        self._phases["before"] = window.slices.between(window.start_ns, window.end_ns)
        self._restart_server(run)
        if settings.after and self._return.returned > 1:
            run.step = "after"
            window = run.open_window(settings.after)
            if missing := self._return.returned - window.users:  # between the two, when nobody was counting
                run.figures.dropped["lost as soon as all were back"] = missing
            run.play(window)
            self._phases["after"] = window.slices.between(window.start_ns, window.end_ns)

    def part(self) -> dict[str, Any]:
        return {"stampede": self._figures(self._restart) if self._restart else None}

    def missed(self) -> list[str]:
        settings, restart, lines = self.settings, self._restart, list(self._troubles)
        if restart is None:
            return lines
        if settings.kill:
            pass  # it had no say in how it ends
        elif restart.killed:
            lines.append(f"the server had not ended {settings.stop_within:g} s after SIGTERM, and was killed")
        elif restart.status >= 0 and restart.status != settings.server_exit_status:
            wanted = settings.server_exit_status
            lines.append(f"the server ended with status {restart.status} at SIGTERM, not with {wanted}")
        elif restart.status < 0:
            lines.append("the server did not heed SIGTERM: it was ended by a signal")
        if restart.fault:
            lines.append(f"the server did not come back: {restart.fault}")
        return lines + self._return.missed(settings.return_within, settings.max_timed_out)

    def _begin(self) -> None:
        """A course begins."""
        self._return = Return()
        self._restart: Restart | None = None
        self._end: Look | None = None  # the server, when all were back
        self._troubles: list[str] = []
        self._phases = {"before": Histogram(), "after": Histogram()}

    def _restart_server(self, run: Run) -> None:
        """Returns when all users are back, or the time is over."""
        settings, server = self.settings, self._server
        assert server
        run.step = "the server restarts, and all come back"
        run.ask("watch")
        self._before_the_stop(run)
        since_ns, within_s = time.monotonic_ns(), 0.0
        try:
            restart = self._restart = server.restart(settings.stop_within, settings.return_within, settings.kill)
        except NoServer as error:
            self._troubles.append(f"the server could not be stopped: {error}")
        else:
            run.mark(restart.signalled_ns, "SIGKILL" if settings.kill else "SIGTERM")
            since_ns, within_s = restart.signalled_ns, 0.0 if restart.fault else settings.return_within
        until_ns = since_ns + round(within_s * 1e9)
        self._return.take(run.ask("returned", within_s + _ANSWER_S, since_ns=since_ns, until_ns=until_ns))
        self._end = server.look()
        if self._end.ended and within_s:
            self._troubles.append(f"the server came back, and {self._end.ended}")
        for fault in self._return.faults(settings.max_loop_lag_ms, settings.max_cpu_percent):
            run.note_fault(fault)
        self._when_back(run)

    def _before_the_stop(self, run: Run) -> None:
        """All is well, and whoever loses the connection from now on comes back."""

    def _when_back(self, run: Run) -> None:
        """All are back, or the time to return in is over."""

    def _figures(self, restart: Restart) -> dict[str, Any]:
        since_ns, figures = restart.signalled_ns, self._return
        return {
            "users": figures.users,
            "returned": figures.returned,
            "still_away": figures.still_away,
            "kept": figures.kept,
            "lost_again": figures.lost_again,
            "cut_off": dict(figures.cut_off),
            "stopped_us": (restart.ended_ns - since_ns) // 1000,
            "away_us": self._away_us(restart),
            "back_50_us": figures.back_us(0.5),
            "back_90_us": figures.back_us(0.9),
            "back_all_us": figures.back_us(1),
            "back_us": figures.back.figures(),
            "most_back_in_1_s": figures.most_in_1_s,
            "attempts": figures.attempts.figures(),
            "reasons": dict(figures.attempts.reasons),
            "connect_us": figures.connect.figures(),
            "server": self._server_figures(restart.look, self._end),
            "generator": {
                "cpu_percent": round(figures.cpu_percent, 1),
                "loop_lag_us": figures.loop_lag.figures(),
            },
            "fanout_us": {phase: histogram.figures() for phase, histogram in self._phases.items()},
        }

    def _away_us(self, restart: Restart) -> int | None:
        """Until the first connection, be it the keeper's or a user's: in a crowd, the keeper's may have to wait."""
        accepted = [restart.accepted_ns, self._return.first_ns]
        moments = [moment for moment in accepted if moment is not None and moment > restart.ended_ns]
        return (min(moments) - restart.signalled_ns) // 1000 if moments else None

    def _server_figures(self, first: Look | None, last: Look | None) -> dict[str, Any] | None:
        """From the moment when it accepted until all were back."""
        if not (first and last and first.reading and last.reading):
            return None
        cpu_s = last.reading["cpu_s"] - first.reading["cpu_s"]
        return {
            "cpu_s": round(cpu_s, 3),
            "cpu_percent": round(100e9 * cpu_s / (last.at_ns - first.at_ns), 1),
            "memory_bytes": last.reading["memory_bytes"],
            "descriptors": last.reading["descriptors"],
        }


_RETURN = (
    "The server gets SIGTERM and is started again; all users back off and come back. Times count from the SIGTERM: "
    "until the old process has ended, until the new one accepts the first connection, until so many users are in the "
    "room again."
)
_USERS = "Never cut: the old server did not end their connection. Lost again: were back, and lost it before all were."
_ATTEMPTS = "Nobody listened (refused); no connection, or no answer on it, in time (timed out); another reason."
_AGAIN = "A TCP connection counts from the attempt that succeeded; the fan-out is that of the windows before and after."
_ANEW = "From the first connection until all were back."


@register_section("stampede")
def section(stampede: Mapping[str, Any]) -> Section:
    moments = ("stopped_us", "away_us", "back_50_us", "back_90_us", "back_all_us")
    users = {"in before": "users", "returned": "returned", "still away": "still_away", "never cut": "kept"}
    users |= {"lost again": "lost_again", "most in 1 s": "most_back_in_1_s"}
    attempts, why = stampede["attempts"], stampede["reasons"]
    blocks = [
        Block(
            ("after SIGTERM, ms", "server gone", "accepts again", "50 % back", "90 % back", "all back"),
            (("stampede", *(ms(stampede[moment]) for moment in moments)),),
            note=_RETURN,
        ),
        Block(("users", *users), (("stampede", *(f"{stampede[key]:,}" for key in users.values())),), note=_USERS),
        Block(("attempts to return", *map(spaced, attempts)), (("stampede", *each_count(attempts)),), note=_ATTEMPTS),
        Block(
            ("stampede, ms", *LATENCY_HEAD),
            (
                latency("back in the room", stampede["back_us"]),
                latency("TCP connection", stampede["connect_us"]),
                latency("fan-out before", stampede["fanout_us"]["before"]),
                latency("fan-out after", stampede["fanout_us"]["after"]),
            ),
            note=_AGAIN,
        ),
    ]
    if why:
        blocks.insert(3, Block(("other attempts", "reasons"), (("stampede", reasons(why)),), has_words=True))
    return Section("Stampede", (*blocks, _return_cost(stampede)))


def _return_cost(stampede: Mapping[str, Any]) -> Block:
    server, generator = stampede["server"], stampede["generator"]
    rows = [("generator's busiest process", NONE, f"{generator['cpu_percent']:.0f}", NONE, NONE)]
    if server:
        held = (mib(server["memory_bytes"]), f"{server['descriptors']:,}")
        rows.insert(0, ("server", f"{server['cpu_s']:,.2f}", f"{server['cpu_percent']:.0f}", *held))
    return Block(("during the return", "CPU, s", "CPU, %", "memory, MiB", "descriptors"), tuple(rows), note=_ANEW)
