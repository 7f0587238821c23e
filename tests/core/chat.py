"""A node and clients without sockets: what each client is sent in a pass, and how many pushes that took."""

from collections.abc import Callable, Iterable, Sequence

from chat.events import Event, Say
from chat.server.commands import finish, run
from chat.server.core.client import Client
from chat.server.core.delivery import Separate
from chat.server.core.node import Node
from chat.server.core.room import Room, User
from chat.server.log.log import Log
from chat.server.log.memory import MemoryLog
from chat.settings import Settings
from chat.wires.irc import IrcDialect
from chat.wires.message import Message, parse
from chat.wires.wire import Dialect

IRC = IrcDialect.of(())
START = 1000.0  # s since the epoch


class FakeClient(Client):
    """Keeps what is pushed to it."""

    __slots__ = ("answers", "hung_up", "notices", "pushes", "resumed")

    def __init__(self, node: Node, dialect: Dialect, host: str) -> None:
        super().__init__(host, dialect, node.fan_out, node.name)
        self.pushes: list[bytes | memoryview] = []
        self.answers = 0  # bytes of them that it asked for
        self.notices = 0  # sends of them that may be merged
        self.hung_up = ""
        self.resumed = 0

    @property
    def gone(self) -> bool:
        return False

    def hang_up(self, reason: str) -> None:
        self.hung_up = reason

    def resume(self) -> None:
        self.resumed += 1

    def take(self) -> bytes:
        """What has been pushed since the last time."""
        data = b"".join(self.pushes)
        self.pushes.clear()
        self.answers = self.notices = 0
        return data

    def lines(self) -> list[str]:
        return self.take().decode().split("\r\n")[:-1]


class FakeSink:
    def push(self, client: Client, data: bytes | memoryview, answers: int) -> None:
        assert isinstance(client, FakeClient)
        client.pushes.append(data)
        client.answers += answers

    def push_all(self, clients: Iterable[Client], data: bytes) -> None:
        for client in clients:
            self.push(client, data, 0)

    def push_separately(self, client: Client, sends: Sequence[bytes], notice: bool) -> None:
        assert isinstance(client, FakeClient)
        client.pushes += sends
        client.notices += notice * len(sends)

    def push_all_separately(self, clients: Iterable[Client], separate: Separate) -> None:
        for client in clients:
            for data, notice in (*separate.first, *((word, False) for word in separate.words)):
                self.push_separately(client, [data], notice)


class Chat:
    """`run` is what clients do in one pass; `flush` ends it. `now` is the clock."""

    def __init__(
        self, make_log: Callable[[str, int, Callable[[], float]], Log] = MemoryLog, **settings: object
    ) -> None:
        self.now = START
        self.node = Node(Settings(**settings), FakeSink(), lambda: self.now, make_log)  # type: ignore[arg-type]

    def client(self, dialect: Dialect = IRC, host: str = "host") -> FakeClient:
        return FakeClient(self.node, dialect, host)

    def member(self, nick: str, *rooms: str, dialect: Dialect = IRC, host: str = "host") -> FakeClient:
        """A client whose user has registered and joined before this pass."""
        client = self.client(dialect, host)
        has_commands = "0" if dialect.numerics else "plain"
        self.node.ask(client, Message("USER", ["~u", has_commands, "*", nick], f"{nick}!~u@{host}"))
        client.user = self.node.state.get_user(nick)
        self.node.fan_out.clients[client.user] = client
        for room in rooms:
            self.node.ask(client, Message("JOIN", [room], client.user.mask))
        self.flush()
        client.take()
        return client

    def run(self, client: Client, *lines: str) -> None:
        for line in lines:
            run(self.node, client, parse(line))
            if client.cursor is not None:
                client.send(*filter(None, client.cursor))
                client.cursor = None
                client.pending -= 1
                finish(client)

    def say(self, client: Client, text: str, to: str = "#a") -> None:
        self.run(client, f"PRIVMSG {to} :{text}")

    def answers(self, client: FakeClient, *lines: str) -> list[str]:
        """What the client is told when it says these, others' news included; without the server's name in front."""
        self.flush()
        client.take()
        self.run(client, *lines)
        return [line.removeprefix(f":{self.node.name} ") for line in self.told(client)]

    def log_in(self, client: FakeClient, account: str) -> None:
        """The client's user proves to be that account's, which is made if there is none."""
        assert client.user is not None
        if self.node.state.accounts.find(account) is None:
            self.node.ask(client, Message("REGISTER", [account, "-"], self.node.name))
        self.node.ask(client, Message("ACCOUNT", [account], client.user.mask))
        self.flush()
        client.take()

    def flush(self) -> None:
        self.node.fan_out.flush()

    def told(self, client: FakeClient) -> list[str]:
        """The lines that the client has been sent since the last time, this pass included."""
        self.flush()
        return client.lines()

    def user(self, nick: str) -> User:
        return self.node.state.get_user(nick)

    def room(self, name: str = "#a") -> Room:
        return self.node.state.get_room(name)


class CountingDialect:
    """Shows an event as its text or its name, and counts how often it was asked."""

    wrap = None
    framed = True
    numerics = True
    echoes = False
    sees_own_join = True

    def __init__(self) -> None:
        self.encodes = 0

    def encode(self, event: Event) -> tuple[bytes, ...]:
        self.encodes += 1
        return (event.text.encode() if isinstance(event, Say) else type(event).__name__.encode(),)

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return ()

    def summary(self, count: int) -> tuple[bytes, ...]:
        return ()
