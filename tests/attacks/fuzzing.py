"""Random users of the still server: what they send, when, and what becomes of their beliefs. All from one seed."""

from collections.abc import Callable
from difflib import ndiff
from random import Random

from bench.still import StillServer
from chat.server.core.apply import apply
from chat.server.core.change import Change
from chat.server.core.state import State
from chat.server.log.entry import parse_entry
from chat.server.log.memory import MemoryLog
from chat.settings import Settings
from chat.wires.irc import CAPABILITIES
from chat.wires.schemes import SCHEMES
from tests.attacks import transports as carriers
from tests.attacks.answers import IrcBelief
from tests.attacks.late_log import LateLog
from tests.attacks.transports import Carried, Tcp
from tests.attacks.unframed_beliefs import UnframedBelief
from tests.attacks.wording import is_whole, operator_line, random_line, random_text

USERS = (*["irc"] * 10, *["ircs"] * 2, *["ws"] * 2, *["relay"] * 2, *["joined"] * 2, "tilde", "nick")  # a user each
REST_EVERY = 1_500  # inputs between two comparisons of all beliefs with the state
PACES = ([0, 0, 1, 1, 1, 2, 5], [0, 0, 0, 0, 0, 0, 1, 1])  # passes between inputs: few share one, or many do
MOST_WAITING = 6_000  # bytes that a user leaves unread by the server before it sends more
CHEAP: dict[str, int] = {"helpers": 0, "password_iterations": 4_096, "login_attempts": 1_000}
EVERYTHING = 10**9
LONG_REST = 4_000  # looks at a server that is to come to rest


class FuzzSocket(Carried):
    """Can break, so that the next send finds the peer gone."""

    broken = False

    def send(self, data: bytes | memoryview) -> int:
        if self.broken:
            raise ConnectionResetError(104, "Connection reset by peer")
        return super().send(data)


class FuzzUser:
    """One connection after the other, each with its belief."""

    def __init__(self, crowd: "Crowd", number: int, scheme: str) -> None:
        self.scheme = scheme
        self.host = f"10.0.0.{number}"
        self.labels: set[str] | None = None  # of the commands that must have been answered at rest
        self._crowd = crowd
        self._number = number
        self.connect()

    def connect(self) -> None:
        crowd, random = self._crowd, self._crowd.random
        name = f"{self.scheme} {self._number}"
        make_client, tls = carriers.SCHEMES.get(self.scheme, (Tcp, False))
        client = make_client()
        self.sock = FuzzSocket(crowd.server.counts, crowd.server.poller.changed, client, tls)
        self.irc = IrcBelief(name, crowd.whole_answers) if self.scheme in carriers.SCHEMES else None
        self.plain = UnframedBelief(name, self.scheme) if self.irc is None else None
        self.labels = None
        wire = client.wire if self.irc is not None else SCHEMES[self.scheme].wire
        crowd.server.loop.adopt(self.sock, self.host, wire())
        if self.irc is None:
            self.say(*(["", "joined:"][self.scheme == "joined"] + random.choice(crowd.nicks) for _ in range(1)))
            return
        wanted = random.sample(CAPABILITIES, random.randrange(len(CAPABILITIES) + 1))
        if {"labeled-response", "batch"} <= set(wanted):
            self.labels = set()
        self.say("CAP LS" + random.choice(["", " 302"]), f"CAP REQ :{' '.join(wanted)}")
        self.say(f"NICK {random.choice(crowd.nicks)}", f"USER u{self._number} 0 * :someone", "CAP END")

    def say(self, *lines: str) -> None:
        """All in one packet."""
        end = "\r\n" if self.irc is not None else ""
        self.sock.said += "".join(f"{line}{end}" for line in lines).encode("utf-8", "surrogateescape")

    def act(self) -> int:
        """Say something, or stop reading, or go; gives how many commands that was."""
        random = self._crowd.random
        if self.sock.closed:
            self.connect()
            return 1
        if self.sock.ended or len(self.sock.said) > MOST_WAITING:
            return 0
        if self.irc is None:
            self.say(f"{random.choice(self._crowd.nicks)}: {random_text(random)}")
            return 1
        if not self.irc.registered and random.random() < 0.5:
            self.say(f"NICK {random.choice(self._crowd.nicks)}")
            return 1
        lines = [self._line() for _ in range(random.choice([1, 1, 1, 2, 3, 6]))]
        self.say(*lines)
        return len(lines)

    def _line(self) -> str:
        crowd = self._crowd
        operated = self.irc.operated() if self.irc is not None else []
        if operated and crowd.random.random() < 0.3:
            line = operator_line(crowd.random, *crowd.random.choice(operated))
        else:
            line = random_line(crowd.random, crowd.nicks)
        if self.labels is not None and crowd.random.random() < 0.3 and is_whole(line):
            label = str(next(crowd.numbers))
            self.labels.add(label)
            line = f"@label={label} {line}"
        if "CAP REQ" in line or "QUIT" in line:
            self.labels = None  # whether they are still answered is no longer known
        return line

    def disturb(self) -> None:
        """Something happens to the connection."""
        random = self._crowd.random
        kind = random.random()
        if kind < 0.6:
            # On an unframed wire a send that the socket takes in part is read as two messages; nothing can help that.
            self.sock.room = random.choice([0, 0, 1, 50, 400, None]) if self.irc is not None else 0
        elif kind < 0.8:
            self.sock.ended = True
        else:
            self.sock.broken = True

    def read(self) -> None:
        """Take what has been sent, and believe it."""
        heard, self.sock.heard = self.sock.heard, []
        for data in heard:
            if self.irc is not None:
                self.irc.receive(data)
            elif self.plain is not None:
                self.plain.receive(data)
        if self.irc is not None and self.irc.pings:
            self.say(*(f"PONG {token}" for token in self.irc.pings))
            self.irc.pings.clear()


class Crowd:
    """`run` makes so many inputs; `contradictions` is what was found."""

    def __init__(self, seed: int, late: bool = False, **settings: int) -> None:
        self.random = Random(seed)
        self.numbers = iter(range(1, EVERYTHING))
        self.nicks = ["ana", "Ana", "bob", "cleo", "d[]", "d{}", "eve", "fay", "g_g", "hal", "ivy", "jo", "kim", "lea"]
        self.late = late
        self.whole_answers = "answer_limit" not in settings
        self.server = StillServer(Settings(**{**CHEAP, **settings}), self._make_log)  # type: ignore[arg-type]
        self.contradictions: list[str] = []
        self.replica = State(self.server.node.state.limits)
        self.users = [FuzzUser(self, number, scheme) for number, scheme in enumerate(USERS, 1)]

    def _make_log(self, node: str, kept: int, clock: Callable[[], float]) -> MemoryLog:
        self.log = (LateLog if self.late else MemoryLog)(node, EVERYTHING, clock)
        return self.log

    def close(self) -> None:
        self.server.close()

    def run(self, inputs: int) -> None:
        done = since_rest = 0
        pace = PACES[0]
        while done < inputs:
            before = done
            for user in self.random.sample(self.users, self.random.choice([1, 1, 2, 3])):
                done += user.act()
                if self.random.random() < 0.004:
                    user.disturb()
            since_rest += done - before
            self._go_on(self.random.choice(pace))
            if since_rest >= REST_EVERY:
                since_rest, pace = 0, self.random.choice(PACES)
                self.rest()
        self.rest()

    def leave(self) -> None:
        """Everybody goes; nothing of them may stay."""
        for user in self.users:
            user.sock.room, user.sock.ended = None, True
        for _ in range(LONG_REST):
            if isinstance(self.log, LateLog):
                self.log.release(EVERYTHING)
            self.server.settle(at_least=1)
            if not self.server.loop.connections and not self.server.node._waiting:
                break
            self.server.now += 1.0
        node = self.server.node
        state, fan_out = node.state, node.fan_out
        left = (
            len(self.server.loop.connections), state.users, state.rooms, state.remembered, state.rooms_by_host,
            state.entries_by_host, state.entries_remembered, state.secret_rooms, fan_out.clients, fan_out._audiences,
            fan_out._streams, node._waiting, self.server.poller.watched.keys() - {self.server.loop.mailbox.wakeup},
        )  # fmt: skip
        assert not any(left), f"after the last has gone there is still {left!r:.500}"

    def _go_on(self, steps: int) -> None:
        for _ in range(steps):
            if isinstance(self.log, LateLog):
                self.log.release(self.random.choice([0, 0, 1, 2, 20]))
            self.server.step()
        self.server.now += self.random.expovariate(1 / 0.15)
        if steps:
            for user in self.users:
                user.read()

    def rest(self) -> None:
        """Let everything that waits happen, then hold everything against the state."""
        for user in self.users:
            user.sock.room = None
        for _ in range(LONG_REST):
            if isinstance(self.log, LateLog):
                self.log.release(EVERYTHING)
            self.server.settle(at_least=1)
            for user in self.users:
                user.read()
            if self._is_still():
                break
            self.server.now += 0.05
        else:
            raise AssertionError("the server does not come to rest")
        connected = {connection.user for connection in self.server.loop.connections if connection.user is not None}
        assert set(self.server.node.state.users.values()) == connected, "a user has no connection"
        heard = self._replay()
        for user in self.users:
            self._compare(user, heard)

    def _is_still(self) -> bool:
        late = isinstance(self.log, LateLog) and self.log.waiting
        return not late and not any(
            connection.resume_at is not None or len(connection.queue) or connection.merged or connection.wire.waiting
            for connection in self.server.loop.connections
        )

    def _replay(self) -> dict[str, list[str]]:
        """Read the log since the last rest into the replica; gives whose words each user should have heard."""
        state = self.server.node.state
        heard: dict[str, list[str]] = {}
        for entry in self.log.entries:
            again = parse_entry(entry.line)
            assert again == entry, f"{again} was written as {entry}"
            for change in apply(self.replica, again):
                if isinstance(change, Change) and again.request.verb in ("PRIVMSG", "NOTICE"):
                    whom = (
                        [change.whom]
                        if change.whom is not None
                        else [*change.among, *(m for room in change.rooms for m in room.members)]
                    )
                    for hearer in whom:
                        if hearer is not change.user:
                            heard.setdefault(str(hearer.signed_on) + hearer.person.host, []).append(
                                again.request.params[1]
                            )
        self.log.entries.clear()
        if differences := _differences(self.replica.dump().split("\n"), state.dump().split("\n")):
            raise AssertionError(f"the log replayed makes another state: {differences}")
        return heard

    def _compare(self, user: FuzzUser, heard: dict[str, list[str]]) -> None:
        state = self.server.node.state
        belief = user.irc or user.plain
        assert belief is not None
        if not user.sock.closed and (connection := self.server.connection(user.sock)).left is None:
            if user.plain is not None and not connection.audiences:
                user.plain.forget()  # the lobby's modes do not let it listen any longer
            elif user.plain is not None:
                user.plain.compare(state, self.server.node.settings.lobby, connection.nick)
            elif user.irc is not None and user.irc.registered:
                user.irc.compare(state)
                member = state.find_user(user.irc.nick)
                wanted = heard.get(f"{member.signed_on}{member.person.host}", []) if member is not None else []
                if differences := _differences(user.irc.heard, wanted):
                    user.irc.complain(f"heard and said differ: {differences}")
                if user.labels is not None and user.labels != set(user.irc.labels):
                    user.irc.complain(f"not answered are the labels {user.labels ^ set(user.irc.labels)}")
        if user.irc is not None:
            user.irc.heard.clear()
        self.contradictions += belief.contradictions
        belief.contradictions.clear()


def _differences(one: list[str], other: list[str]) -> list[str]:
    """The lines that only one of the two has, or that stand elsewhere."""
    return [line for line in ndiff(one, other) if line[0] != " "] if one != other else []
