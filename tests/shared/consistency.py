"""Random talk on three nodes with random faults, and what must hold of what everybody saw.

`python -m tests.shared.consistency --faults 300 --seed 7`, as root; the seed is printed. Store and nodes are processes
in network namespaces of their own. Faults, one at a time: a node is killed and begins again, stands still, or has a
clock that jumps; packets between a node and the store are lost, one way or both, or are slow; the store is killed and
begins again.

1. One order: what a connection saw in a room comes with growing ids.
2. No phantom: all that anybody saw was said, by that person, in that room; nothing twice.
3. No loss: what anybody saw is in the log at the end, and who was in a room all the time has seen all that is.
4. One holder of a name, and one state: at the end all nodes give the same members, topic and modes of each room.
5. One history: at the end all nodes give the same last words of each room, of which none is missing that was shown.
"""

import argparse
import random
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from chat.server.shared.place import Place
from chat.server.shared.store import Store
from chat.wires.message import Message, parse
from tests.ops.serving import IRC, Process, serving
from tests.shared.jumping_server import AHEAD, BACK, JUMPING
from tests.shared.network import Link, network
from tests.shared.store_process import RedisProcess, started
from tests.support import IrcClient

ROOMS = ("#a", "#b", "#c")
NODES = ("one", "two", "three")
USERS = 9
NICKS = tuple(f"n{number}" for number in range(12))  # fewer than enough for everybody to have what they like
PACE = 0.004  # s between two deeds
CALM = 60  # rounds between two faults
FAULT_ROUNDS = (60, 60, 250, 700)  # for which one lasts: shorter than a lease, longer, and longer than a call may take
STORE_PORT = 6379  # of the store's own network
LEASE = "0.6"  # s
CAPS = "message-tags server-time echo-message"
PATIENCE = 50.0  # s


Heal = Callable[[], None]
Fault = Callable[["Trial", "Node"], Heal]


class Inconsistent(AssertionError):
    """Somebody saw what must not be."""


@dataclass
class View:
    """What one connection saw: of each room the ids of what was said since it came in, while it stayed."""

    seen: dict[str, list[int]] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)  # rooms that it is in: the first id that it is due


class User:
    """A connection, read by a thread of its own. `nick` is what the server calls it."""

    def __init__(self, node: "Node", nick: str) -> None:
        self.view = View()
        self.node = node
        self.nick = nick
        self.ended = False
        self._name = f"~{nick}"  # nobody else's user name
        self._pongs: set[str] = set()
        self._news = threading.Condition()
        self._client = node.client()
        self._client.register(nick, CAPS)
        self._client.sock.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, line: str) -> None:
        with suppress(OSError):
            self._client.send(line)

    def sync(self, token: str) -> bool:
        """Wait for the answer to a PING; False when the connection has ended."""
        self.send(f"PING {token}")
        with self._news:
            if not self._news.wait_for(lambda: token in self._pongs or self.ended, PATIENCE):
                raise Inconsistent(f"{self.nick} on {self.node.name} gets no answer")
            return not self.ended

    def close(self) -> None:
        with suppress(OSError):
            self._client.sock.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._client.sock.close()

    def _read(self) -> None:
        with suppress(OSError):
            while (line := self._client.read_line()) is not None:
                self._take(parse(line))
        with self._news:
            self.ended = True
            self._news.notify_all()

    def _take(self, message: Message) -> None:
        who, _, rest = message.source.partition("!")
        if who == self.nick and rest and rest.partition("@")[0] != self._name:
            self.node.trial.problems.append(f"{who} on {self.node.name} was shown as its own: {message}")
        number = int(message.tag("msgid") or "0", 16)
        if message.verb == "PONG":
            with self._news:
                self._pongs.add(message.params[-1])
                self._news.notify_all()
        elif message.verb == "JOIN" and who == self.nick:
            self.view.since[message.params[0]] = number
        elif message.verb in ("PART", "KICK"):
            whom = who if message.verb == "PART" else message.params[1]
            if whom == self.nick:
                self.view.since.pop(message.params[0], None)
        elif message.verb == "NICK" and who == self.nick:
            self.nick = message.params[0]
        elif message.verb == "PRIVMSG":
            self.view.seen.setdefault(message.params[0], []).append(number)
            self.node.trial.note(number, who, message.params[0], message.params[1])


class Node:
    """A server process in a network of its own."""

    def __init__(self, trial: "Trial", name: str, link: Link) -> None:
        self.trial = trial
        self.name = name
        self.link = link
        self.begin()

    def begin(self) -> None:
        self._stack = ExitStack()
        store = f"redis://{self.link.host}:{STORE_PORT}"
        history = "stream" if self.name == "one" else f"sqlite:{self.trial.folder}/{self.name}.sqlite"
        words = (*IRC, "--log", store, "--history", history, "--node", self.name, "--lease", LEASE, "--admin", "off")
        command = (*self.link.node.prefix, *JUMPING, "--rate-limit", "off")
        log = self._stack.enter_context((self.trial.folder / f"{self.name}.log").open("a"))
        self.process: Process = self._stack.enter_context(serving(*words, command=command, stderr=log))
        self.port = self.process.port()

    def client(self) -> IrcClient:
        return IrcClient(self.link.connect(self.port))

    def end(self) -> None:
        self._stack.close()


class Trial:
    def __init__(self, folder: Path, store: RedisProcess, links: Sequence[Link], seed: int) -> None:
        self.folder = folder
        self.store = store
        self.random = random.Random(seed)
        self.said: dict[str, str] = {}  # text: room
        self.shown: dict[int, tuple[str, str, str]] = {}
        self._ids: dict[str, int] = {}  # of the texts shown
        self.problems: list[str] = []  # that a reading thread has seen
        self.faults: list[str] = []
        self._troubled = False  # a fault is under way
        self._lock = threading.Lock()
        self._count = 0
        self._pause = threading.Event()
        self.views: list[User] = []  # of connections that have ended
        self.nodes = [Node(self, name, link) for name, link in zip(NODES, links, strict=True)]
        self.users: list[User] = []

    def note(self, number: int, who: str, room: str, text: str) -> None:
        with self._lock:
            if self.said.get(text) != room:
                self.problems.append(f"{who} said {text!r} in {room}: nobody did")
            if self.shown.setdefault(number, (who, room, text)) != (who, room, text):
                self.problems.append(f"{number:x} is {self.shown[number]} and {(who, room, text)}")
            if self._ids.setdefault(text, number) != number:
                self.problems.append(f"{text!r} was said once and is {self._ids[text]:x} and {number:x}")

    def run(self, faults: int) -> None:
        kinds: list[str] = []
        for _ in range(faults):
            if not kinds:  # each comes as often as any other
                kinds = self.random.sample(sorted(FAULTS), len(FAULTS))
            self._talk(CALM)
            heal = self._begin_fault(kinds.pop())
            self._talk(self.random.choice(FAULT_ROUNDS))
            heal()
        self._talk(CALM)
        self._check()

    def _talk(self, rounds: int) -> None:
        for _ in range(rounds):
            self._keep_users()
            self._do_something()
            self._pause.wait(PACE)

    def _keep_users(self) -> None:
        for user in [user for user in self.users if user.ended]:
            self.users.remove(user)
            self.views.append(user)
            user.close()
        if len(self.users) < USERS and not self._troubled:
            node = self.random.choice(self.nodes)
            nick = f"u{self._next()}"
            user = User(node, nick)
            self.users.append(user)
            for room in ROOMS:
                if self.random.random() < 0.7:
                    user.send(f"JOIN {room}")

    def _do_something(self) -> None:
        if not self.users:
            return
        user, room, chance = self.random.choice(self.users), self.random.choice(ROOMS), self.random.random()
        if chance < 0.75:
            text = f"w{self._next()}"
            self.said[text] = room
            user.send(f"PRIVMSG {room} :{text}")
        elif chance < 0.82:
            user.send(f"NICK {self.random.choice(NICKS)}")
        elif chance < 0.88:
            user.send(f"PART {room}")
        elif chance < 0.94:
            user.send(f"JOIN {room}")
        elif chance < 0.96:
            user.send(f"TOPIC {room} :t{self._next()}")
        elif chance < 0.98:
            user.send(f"MODE {room} {self.random.choice(('+i', '-i', '+t', '-t'))}")
        else:
            user.send(f"KICK {room} {self.random.choice(self.users).nick}")

    def _next(self) -> int:
        self._count += 1
        return self._count

    # Faults

    def _begin_fault(self, kind: str) -> Heal:
        node = self.random.choice(self.nodes)
        self.faults.append(f"{kind} {node.name}")
        self._troubled = True
        end = FAULTS[kind](self, node)

        def heal() -> None:
            end()
            self._troubled = False

        return heal

    # What must hold

    def _check(self) -> None:
        for node in self.nodes:
            self.users.append(User(node, f"end{node.name}"))
            for room in ROOMS:
                self.users[-1].send(f"JOIN {room}")
        for turn in range(2):  # the second AWAY is behind all words in the log, and its PONG behind it on that node
            for user in list(self.users):
                user.send(f"AWAY :{turn}")
                user.sync(f"end{turn}{self._next()}")
        for user in list(self.users):
            user.close()
        if self.problems:
            raise Inconsistent(self.problems[0])
        log = self._read_log()
        for number, what in self.shown.items():
            # Who has another nickname by the time that the words come back is shown under that.
            if number not in log or log[number][1:] != what[1:]:
                raise Inconsistent(f"{what} was shown as {number:x}, the log has {log.get(number)}")
        for user in (*self.views, *self.users):
            self._check_view(user, log)
        self._check_states()

    def _check_view(self, user: User, log: dict[int, tuple[str, str, str]]) -> None:
        for room, seen in user.view.seen.items():
            if sorted(set(seen)) != seen:
                raise Inconsistent(f"{user.nick} saw {room} in another order, or something twice: {seen}")
        if user in self.views:
            return  # where its connection ended is not known
        for room, since in user.view.since.items():
            due = [number for number, (_, where, _) in log.items() if where == room and number > since]
            seen = [number for number in user.view.seen.get(room, []) if number > since]
            if due != seen:
                missed = [log[number] for number in due if number not in set(seen)]
                raise Inconsistent(f"{user.nick} on {user.node.name} missed in {room}: {missed}")

    def _read_log(self) -> dict[int, tuple[str, str, str]]:
        """What was said in rooms, by id. Refused words are in the log too: those that nobody was shown are left out."""
        said = {}
        store = Store(Place.of(self.store.url))
        for item in store.read("0-0", 1_000_000, None):
            message = parse(item.line)
            number = item.entry_id
            if message.verb == "PRIVMSG" and number in self.shown:
                room, text = message.params
                said[number] = (message.source.partition("!")[0], room, text)
        store.close()
        return said

    def _check_states(self) -> None:
        seen = {}
        for node in self.nodes:
            client = node.client()
            with client.sock:
                client.register(f"judge{node.name}", "batch message-tags draft/chathistory")
                client.sync()
                told = []
                for room in ROOMS:
                    client.join(room)
                    client.sync()
                    client.send(f"NAMES {room}", f"TOPIC {room}", f"MODE {room}")
                    told += [_fact(message) for message in client.sync()]
                    told.append(self._check_history(client, room))
                    client.send(f"PART {room}")
                client.send("QUIT")
                client.rest()
            seen[node.name] = sorted(fact for fact in told if fact)
        if len({tuple(facts) for facts in seen.values()}) > 1:
            raise Inconsistent(f"the nodes differ: {seen}")

    def _check_history(self, client: IrcClient, room: str) -> str:
        """The last words of the room, with their ids."""
        client.send(f"CHATHISTORY LATEST {room} * 100")
        lines = [message for message in client.sync() if message.verb == "PRIVMSG"]
        ids = [int(message.tag("msgid") or "0", 16) for message in lines]
        if ids:
            due = [number for number, (_, where, _) in self.shown.items() if where == room and number >= ids[0]]
            if missing := set(due) - set(ids):
                raise Inconsistent(f"{room}'s history lacks {[self.shown[number] for number in missing]}")
        return f"history of {room}: {[(number, line.params[1]) for number, line in zip(ids, lines, strict=True)]}"

    def close(self) -> None:
        for user in self.users:
            user.close()
        for node in self.nodes:
            node.end()


def _fact(message: Message) -> str:
    """What does not depend on who asks."""
    if message.verb == "353":
        return f"{message.params[2]} {sorted(nick for nick in message.params[3].split() if 'judge' not in nick)}"
    if message.verb in ("332", "324"):
        return " ".join((message.verb, *message.params[1:]))
    return ""


def _kill(trial: Trial, node: Node) -> Heal:
    node.process.signal(signal.SIGKILL)
    node.end()
    return node.begin


def _stop(trial: Trial, node: Node) -> Heal:
    node.process.signal(signal.SIGSTOP)
    return lambda: node.process.signal(signal.SIGCONT)


def _cut(*ways: str) -> Fault:
    def fault(trial: Trial, node: Node) -> Heal:
        node.link.cut(*ways)
        return node.link.mend

    return fault


def _slow(trial: Trial, node: Node) -> Heal:
    node.link.slow()
    return node.link.mend


def _jump(trial: Trial, node: Node) -> Heal:
    node.process.signal(AHEAD)
    return lambda: node.process.signal(BACK)


def _store(trial: Trial, node: Node) -> Heal:
    trial.store.stop()
    return trial.store.start


FAULTS: dict[str, Fault] = {
    "kill": _kill,
    "stop": _stop,
    "cut to": _cut("to"),
    "cut from": _cut("from"),
    "cut": _cut("to", "from"),
    "slow": _slow,
    "clock": _jump,
    "store": _store,
}


def try_out(faults: int, seed: int) -> Trial:
    """Raises Inconsistent."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        net = stack.enter_context(network(len(NODES)))
        store = RedisProcess(folder, STORE_PORT, "0.0.0.0", net.store.prefix)
        stack.enter_context(started(store))
        trial = Trial(folder, store, net.links, seed)
        try:
            trial.run(faults)
        except BaseException:
            for node in trial.nodes:
                print((folder / f"{node.name}.log").read_text(), file=sys.stderr)
            raise
        finally:
            trial.close()
        return trial


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    trial = try_out(options.faults, options.seed)
    print(f"{len(trial.said):,} words, {len(trial.shown):,} shown; {', '.join(trial.faults)}")
