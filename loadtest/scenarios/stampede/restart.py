"""`restart`: as `stampede`, while people talk on, and with the log on disk: what was said must be in the history.

When all are back, everybody reads the room's history as far back as the first word said around the restart. What
anybody had seen is there, once, in the order in which it was seen.
"""

import shlex
import shutil
import sys
import tempfile

from loadtest.scenarios.stampede.leader import Stampede
from loadtest.scenarios.stampede.returns import StampedeSettings


class Restarted(Stampede):
    name = "restart"
    summary = "the server is stopped under load, and who comes back asks for what was said"
    brings_command = True
    talks_on = True
    needs_history = True

    def __init__(self, settings: StampedeSettings, users: int) -> None:
        super().__init__(settings, users)
        self._folder = ""  # of the log, where the server is our own

    def clear_up(self) -> None:
        super().clear_up()
        shutil.rmtree(self._folder, ignore_errors=True)

    def command(self, host: str) -> str:
        """Fanfare with a log in a folder that goes with the run, unless a command is given."""
        if self.settings.server_command:
            return self.settings.server_command
        self._folder = self._folder or tempfile.mkdtemp(prefix="fanfare-restart-")
        words = ["-m", "chat.cli", "serve", "--listen", host, "--log", f"sqlite:{self._folder}/log.sqlite"]
        return shlex.join([sys.executable, *words, "--rate-limit", "off", "--max-per-address", str(self.users + 10)])
