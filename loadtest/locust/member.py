"""The user class that Locust starts for a scenario: its process says who it is, its role what it does."""

from locust.exception import StopUser

from loadtest.core.receiver import Receiver
from loadtest.locust import seams
from loadtest.locust.chat_user import ChatUser
from loadtest.net.connection import Connection
from loadtest.run.role import Gone, Role
from loadtest.run.worker import Worker


class ScenarioUser(ChatUser):
    """A user whose room and words the scenario decides."""

    abstract = True
    worker: Worker  # set by the plugin for the process
    number = -1
    node = 0  # the place of its host among several
    role: Role

    def at(self, node: int) -> None:
        """Its host from the next connection on."""
        self.node, self.host = node, self.worker.hosts.urls[node]

    def on_start(self) -> None:
        if self._take_part():
            self.role.come(self)

    def stay(self) -> None:
        if self.number < 0:
            raise StopUser("there was no run to take part in")
        seams.may_be_stopped_at_once(self)
        try:
            self.role.stay(self)
        except Gone as why:
            raise StopUser(str(why)) from None

    tasks = [stay]  # noqa: RUF012  (Locust's own way)

    def on_stop(self) -> None:
        self.worker.remove(self)

    def leave(self, seconds: float = 0.0) -> None:
        """Goes at once: members do not come back by their own will."""
        super().leave(seconds)

    @property
    def is_in(self) -> bool:
        return isinstance(self.connection, Connection) and self.connection.is_open

    def connected(self) -> None:
        self.role.connected(self)

    def refused(self, reason: str) -> None:
        self.role.refused(self, reason)

    def lost(self, reason: str) -> None:
        self.role.lost(self, self.gone_why or reason)

    def _take_part(self) -> bool:
        """Number, name and room; False when there is no run, as this process came too late for it."""
        worker = self.worker
        if not worker.run_id:
            return False
        settings = worker.settings
        self.number = worker.next_number()
        self.role = worker.role
        self.nick = worker.nick_of(self.number)
        self.label = settings.scenario
        self.door = worker.door
        self.sources = worker.sources
        self.wire = worker.hosts.wire
        self.at(worker.node_of(self.number))
        self.patience = settings.patience
        self.tls_ca = settings.tls_ca
        self.login = settings.login()
        self.capabilities = tuple(name for name in settings.capabilities.split(",") if name)
        self.receiver = Receiver(worker.scenario.room_of(self.number))
        return True
