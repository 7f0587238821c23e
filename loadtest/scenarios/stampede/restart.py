"""`restart`: as `stampede`, under load and with the log on disk; who comes back asks for the history.

Everybody who came back reads the room's history as far back as the first word said around the restart. What anybody
had seen is there, once, in the order in which it was seen: exact counts, each with limit 0.
"""

import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.report.blocks import Block, Section, reasons, register_section
from loadtest.run.role import Role, Worker
from loadtest.run.run import ANSWER_S, Run
from loadtest.run.settings import number, option
from loadtest.scenarios.stampede.history import Account, first_seen, sum_of, young
from loadtest.scenarios.stampede.leader import Stampede
from loadtest.scenarios.stampede.returns import StampedeSettings
from loadtest.scenarios.stampede.speakers import Speakers

_DISK_MS = 50.0  # what `--durability relaxed` promises at a SIGKILL


@dataclass(frozen=True)
class RestartSettings(StampedeSettings):
    """How the server ends, and what it has to know afterwards."""

    # Long enough for the disk to have several groups of entries.
    under_load: float = option(2.0, number(float, 0.1), "restart: seconds of talk before the server is stopped")
    safe_after: float | None = option(
        None,
        number(float, 0),
        "restart: milliseconds: what was seen for less before a SIGKILL may be missing. 0 for a server with "
        f"--durability strict. Default: {_DISK_MS:g} with --kill, else 0",
    )

    @property
    def safe_after_ms(self) -> float:
        return (_DISK_MS if self.kill else 0.0) if self.safe_after is None else self.safe_after


class Restarted(Stampede):
    settings: RestartSettings
    settings_type = RestartSettings
    name = "restart"
    summary = "the server is stopped under load, and who comes back asks for what was said"
    brings_command = True

    def __init__(self, settings: RestartSettings, users: int) -> None:
        super().__init__(settings, users)
        self._folder = ""  # of the log, where the server is our own

    def role(self, worker: Worker) -> Role:
        return Speakers(worker, self.settings)

    def clear_up(self) -> None:
        super().clear_up()
        shutil.rmtree(self._folder, ignore_errors=True)

    def part(self) -> dict[str, Any]:
        account = self._account
        part = {**asdict(account), "messages": self._messages, "reasons": dict(self._reasons)} if account else None
        return {**super().part(), "restart": part}

    def missed(self) -> list[str]:
        return super().missed() + (self._account.wrong() if self._account else [])

    def command(self, host: str) -> str:
        """Fanfare with a log in a folder that goes with the run, unless a command is given."""
        if self.settings.server_command:
            return self.settings.server_command
        self._folder = self._folder or tempfile.mkdtemp(prefix="fanfare-restart-")
        words = ["-m", "chat.cli", "serve", "--listen", host, "--log", f"sqlite:{self._folder}/log.sqlite"]
        return shlex.join([sys.executable, *words, "--rate-limit", "off", "--max-per-address", str(self.users + 10)])

    def _begin(self) -> None:
        super()._begin()
        self._account: Account | None = None
        self._messages = 0
        self._reasons = Counter[str]()

    def _before_the_stop(self, run: Run) -> None:
        speakers = list(range(self.settings.announcers))
        interval_s = len(speakers) / self.rate if self.rate else 1.0
        run.ask("talk", speakers=speakers, window=run.next_number(), interval_s=interval_s)
        run.pause(self.settings.under_load)

    def _when_back(self, run: Run) -> None:
        run.step = "who came back asks for the history"
        seen = first_seen(answer["seen"] for answer in run.ask("stop_talking"))
        restart = self._restart
        if restart is None or restart.fault:
            return
        excused = set()
        if self.settings.kill:
            excused = young(seen, restart.signalled_ns, restart.ended_ns, self.settings.safe_after_ms)
        answers = run.ask(
            "history",
            self.users * self.settings.patience + ANSWER_S,
            due=[list(words) for words in seen],
            excused=[list(words) for words in excused],
        )
        self._messages = len(seen)
        self._account = sum_of(answers)
        for answer in answers:
            self._reasons.update(answer["reasons"])
        if not seen:
            run.note_fault("nobody had heard anything before the restart: use a longer --under-load or a higher --rate")


_HISTORY = (
    "Over all who came back, of what anybody had seen: not in the history; there, or heard, more than once; not where "
    "it was seen. Young: not there, and seen too shortly before a SIGKILL to be safe."
)


@register_section("restart")
def section(restart: Mapping[str, Any]) -> Section:
    counts = ("messages", "readers", "unanswered", "missed", "doubled", "reordered", "excused")
    head = ("messages", "readers", "unanswered", "missed", "doubled", "other order", "young")
    row = ("restart", *(f"{restart[name]:,}" for name in counts))
    blocks = [Block(("history", *head), (row,), note=_HISTORY)]
    if restart["reasons"]:
        why = (("restart", reasons(restart["reasons"])),)
        blocks.append(Block(("no history", "reasons"), why, has_words=True))
    return Section("History after the restart", tuple(blocks))
