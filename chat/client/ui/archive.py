"""What is kept on this machine: settings, logs, drafts and unsent lines. Knows no widgets."""

from collections.abc import Callable, Iterable

from chat.client.model import drafts, logs, settings
from chat.client.model.changes import Change
from chat.client.model.client import Client
from chat.client.model.network import Network
from chat.client.model.reconnect import Reconnect
from chat.client.model.talk import Line
from chat.client.ui.log_writer import LogWriter

_RECALLED = 200  # lines of a talk that the logs give at a time


class Archive:
    """Makes the client of what was kept, and keeps what it becomes."""

    def __init__(self, reconnect: Callable[[], Reconnect]) -> None:
        self.client = Client(settings.load(), reconnect, recall=self._recall)
        self.logs = logs.folder()
        self._log_writer = LogWriter(self.client, self.logs)
        self._drafts = drafts.load()

    def restore(self, network: Network) -> None:
        """Put drafts and unsent lines back into the talks of a network that is opened."""
        drafts.restore(network, self._drafts)

    def note(self, changes: Iterable[Change]) -> None:
        """Write to the logs what is said."""
        self._log_writer.note(changes)

    def save(self) -> None:
        """Settings, drafts and unsent lines as they are now."""
        settings.save(self.client.settings)
        here = {network.server for network in self.client.networks}
        self._drafts = [*drafts.gather(self.client.networks), *(one for one in self._drafts if one.server not in here)]
        drafts.save(self._drafts)

    def close(self) -> None:
        """Wait until the logs are written."""
        self._log_writer.close()

    def _recall(self, server: str, talk: str, before: float) -> list[Line]:
        """What the logs have of a talk."""
        if not self.client.settings.log:
            return []
        return logs.last(self.logs / logs.place(server, talk), _RECALLED, before)
