"""The server is restarted under all users; they back off and come back: how long until all are members again.

A window of `--before` seconds shows that all is well. Then people talk for `--under-load` seconds, the server gets
SIGTERM, and the same command is run again as soon as the process has ended. Whoever is back asks for the history, where
the server offers it. When all are back, or `--return-within` is over, a window of `--after` seconds shows that they
really are.
"""

import time
from collections import Counter
from dataclasses import asdict
from typing import Any

from chat.errors import SetupError
from loadtest.core.histogram import Histogram
from loadtest.core.requirements import DEFAULT
from loadtest.core.result import messages_in, told
from loadtest.run.role import Role, Worker
from loadtest.run.run import ANSWER_S, Run
from loadtest.run.scenario import OneRoom
from loadtest.scenarios.stampede import server
from loadtest.scenarios.stampede.history import REQUIREMENT, Account, first_seen, measures_of, sum_of, young
from loadtest.scenarios.stampede.returns import Return, StampedeSettings
from loadtest.scenarios.stampede.server import Look, NoServer, Restart, ServerCommand
from loadtest.scenarios.stampede.speakers import Speakers
from loadtest.wires.wire import LEAVES


class Stampede(OneRoom):
    settings: StampedeSettings
    settings_type = StampedeSettings
    name = "stampede"
    summary = "the server is restarted under all users, and they come back"
    default_rate = 20.0
    requirement = f"{DEFAULT},{REQUIREMENT}"
    needs = frozenset((LEAVES,))
    one_clock = True
    one_host = True
    brings_command = False  # it knows how to start a server without --server-command
    talks_on = False  # while users return; the history is then read when all are back, not by each one at once
    needs_history = False  # a server that offers none fails the run

    def __init__(self, settings: StampedeSettings, users: int) -> None:
        super().__init__(settings, users)
        self._server: ServerCommand | None = None
        self._begin()

    def role(self, worker: Worker) -> Role:
        return Speakers(worker, self.settings, self.talks_on)

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
        return {
            "stampede": self._figures(self._restart) if self._restart else None,
            "history": self._history_figures(self._account) if self._account else None,
        }

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
        lines += self._return.missed(settings.return_within, settings.max_timed_out)
        return lines + (self._account.wrong(self.needs_history) if self._account else [])

    def measures(self) -> dict[str, float | None]:
        return measures_of([self._account] if self._account else [])

    def _begin(self) -> None:
        """A course begins."""
        self._return = Return()
        self._restart: Restart | None = None
        self._end: Look | None = None  # the server, when all were back
        self._troubles: list[str] = []
        self._phases = {"before": Histogram(), "after": Histogram()}
        self._account: Account | None = None
        self._messages = 0  # that somebody had seen
        self._reasons = Counter[str]()  # for which users got no history
        self.requirement = DEFAULT  # until somebody has read the history

    def _restart_server(self, run: Run) -> None:
        """Returns when all users are back, or the time is over."""
        settings, server = self.settings, self._server
        assert server
        run.step = "the server restarts, and all come back"
        run.ask("watch")
        self._talk(run)
        since_ns, within_s = time.monotonic_ns(), 0.0
        try:
            restart = self._restart = server.restart(settings.stop_within, settings.return_within, settings.kill)
        except NoServer as error:
            self._troubles.append(f"the server could not be stopped: {error}")
        else:
            run.mark(restart.signalled_ns, "SIGKILL" if settings.kill else "SIGTERM")
            since_ns, within_s = restart.signalled_ns, 0.0 if restart.fault else settings.return_within
        until_ns = since_ns + round(within_s * 1e9)
        self._return.take(run.ask("returned", within_s + ANSWER_S, since_ns=since_ns, until_ns=until_ns))
        self._end = server.look()
        if self._end.ended and within_s:
            self._troubles.append(f"the server came back, and {self._end.ended}")
        for fault in self._return.faults(settings.max_loop_lag_ms, settings.max_cpu_percent):
            run.note_fault(fault)
        self._read_history(run)

    def _talk(self, run: Run) -> None:
        """All is well, and whoever loses the connection from now on comes back."""
        speakers = list(range(self.settings.announcers))
        run.ask("listen", window=run.next_number())
        run.ask("talk", speakers=speakers, interval_s=1 / self.rate)
        run.pause(self.settings.under_load)

    def _read_history(self, run: Run) -> None:
        """All are back, or the time to return in is over."""
        run.step = "the history is read"
        seen = first_seen(answer["seen"] for answer in run.ask("stop_talking"))
        restart, settings = self._restart, self.settings
        if restart is None or restart.fault:
            return
        excused = set()
        if settings.kill:
            excused = young(seen, restart.signalled_ns, restart.ended_ns, settings.safe_after_ms)
        answers = run.ask(
            "history",
            self.users * settings.patience + ANSWER_S,
            due=[list(words) for words in seen],
            excused=[list(words) for words in excused],
        )
        self._messages = len(seen)
        self._account = sum_of(answers)
        for answer in answers:
            self._reasons.update(answer["reasons"])
        if self._account.readers:
            self.requirement = f"{DEFAULT},{REQUIREMENT}"
        if not seen:
            run.note_fault("nobody had heard anything before the restart: use a longer --under-load or a higher --rate")

    def _history_figures(self, account: Account) -> dict[str, Any]:
        return {**asdict(account), "messages": self._messages, "reasons": dict(self._reasons)}

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
            "back_us": told(figures.back),
            "most_back_in_1_s": figures.most_in_1_s,
            "attempts": figures.attempts.figures(),
            "reasons": dict(figures.attempts.reasons),
            "connect_us": told(figures.connect),
            "server": self._server_figures(restart.look, self._end),
            "generator": {
                "cpu_percent": round(figures.cpu_percent, 1),
                "loop_lag_us": told(figures.loop_lag),
            },
            "fanout_us": {
                phase: told(histogram, messages_in(histogram, self.users - 1))
                for phase, histogram in self._phases.items()
            },
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
