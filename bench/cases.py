"""The cases: each with its members, its load and how often it runs. Runs nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

JOIN_DEADLINE = 60.0  # s until all are in the room; the slowest server takes about 10
ARRIVAL_DEADLINE = 90.0  # s for 5,000 that join at once; later ones count as missing
CROWD_DEADLINE = 60.0  # s for 10,000 in one room, which get 50 million JOIN lines in all
ROOMS_DEADLINE = 120.0  # s for 1,000 that join 50 rooms each; ngIRCd takes about 80
MESSAGE_DEADLINE = 10.0  # s until every member must have a message, or it counts as lost
TEXT = 100  # bytes of a message's text; a long line of chat
LARGE_TEXT = 400  # bytes; the most that always fits in IRC's 512 with prefix, command and room
WINDOW = 64  # messages in flight when saturated; enough that no server waits for the sender
RATE = 20  # messages/s when steady; a lively room
WARMUP = 0.5  # s of load that is not counted
STEP_WARMUP = 0.25  # of the counted seconds, in each step of a search
FIRST_RATE = 1000  # messages/s of a search's first step; every server here does more
P99_LIMIT = 0.05  # s until a message's last receiver, on a busy day; people do not notice less
BUSY_ROOM = 20  # members of a room on a busy day
CROWDED_ROOM = 50  # members of a room, and rooms of a user, in the case of many rooms
TLS_PENDING = 200  # members with TLS that may connect at a time; a server may drop a handshake that takes 10 s
STEPS_MOST = 60  # of a search, which takes about 20; after these a generator counts as stuck
PLAIN = {"tls-saturated": "saturated", "tls-steady": "steady", "tls-idle": "idle"}  # cases with TLS, and those without


@dataclass(frozen=True)
class Case:
    """`mode` and `options` are the generator's. Runs in every `every`-th round: costly cases run less often."""

    name: str
    title: str
    members: int
    options: Mapping[str, float] = field(default_factory=dict)
    join_deadline: float = JOIN_DEADLINE
    mode: str = ""  # "": same as the name
    every: int = 1
    deadline: float = MESSAGE_DEADLINE

    def command_line(self) -> list[str]:
        """The generator's options, without those that name the server."""
        options = {
            **self.options,
            "members": self.members,
            "deadline": self.deadline,
            "join-deadline": self.join_deadline,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", f"{value:g}")]
        return ["--mode", self.mode or self.name, *words]

    @property
    def tls(self) -> bool:
        return bool(self.options.get("tls"))

    @property
    def patience(self) -> float:
        """Seconds until a generator that keeps all its deadlines must have reported."""
        load = self.options.get("seconds", 0) + self.options.get("warmup", 0)
        return self.join_deadline + load * (STEPS_MOST if self.mode == "busy" else 1) + self.deadline


def all_cases(
    scale: float = 1, seconds: float = 2, step_seconds: float = 1, idle_seconds: float = 20, readers: int = 0
) -> list[Case]:
    """Every case, in the order of the tables. `scale` is of the members, `readers` the generator's reading threads."""

    def of(members: int) -> int:
        return max(2, round(members * scale))

    load = {"text": TEXT, "seconds": seconds, "warmup": WARMUP, "readers": readers}
    flood = {**load, "window": WINDOW}
    steady = {**load, "rate": RATE}
    search = {
        "text": TEXT,
        "seconds": step_seconds,
        "warmup": STEP_WARMUP * step_seconds,
        "rate": FIRST_RATE,
        "limit": P99_LIMIT,
        "readers": readers,
    }
    busy = {**search, "rooms-each": 1, "room-size": BUSY_ROOM}
    rooms = {**search, "rooms-each": CROWDED_ROOM, "room-size": CROWDED_ROOM}
    silence = {"seconds": idle_seconds, "warmup": idle_seconds / 10, "rooms-each": 1, "room-size": BUSY_ROOM}
    secure = {"tls": 1}
    every_message = f"{TEXT}-byte messages, {RATE} a second on a fixed timetable"
    kept = f"the most messages a second with p99 below {P99_LIMIT * 1000:g} ms"
    return [
        Case(
            "saturated", f"{of(1000):,} members in one room, {TEXT}-byte messages, {WINDOW} in flight", of(1000), flood
        ),
        Case("steady-100", f"{of(100):,} members in one room, {every_message}", of(100), steady, mode="steady"),
        Case("steady", f"{of(1000):,} members in one room, {every_message}", of(1000), steady),
        Case(
            "steady-10000",
            f"{of(10_000):,} members in one room, {every_message}",
            of(10_000),
            steady,
            CROWD_DEADLINE,
            mode="steady",
            every=3,
        ),
        Case(
            "busy",
            f"{of(1000):,} users in rooms of {BUSY_ROOM}, everyone talks: {kept}",
            of(1000),
            busy,
            every=2,
        ),
        Case(
            "rooms",
            f"{of(1000):,} users, each in {CROWDED_ROOM} rooms of {CROWDED_ROOM}, everyone talks: {kept}",
            of(1000),
            rooms,
            ROOMS_DEADLINE,
            mode="busy",
            every=3,
        ),
        Case(
            "large",
            f"{of(1000):,} members in one room, {LARGE_TEXT}-byte messages, {WINDOW} in flight",
            of(1000),
            {**flood, "text": LARGE_TEXT},
            mode="saturated",
            every=3,
        ),
        Case(
            "arrival",
            f"{of(5000):,} users join one room, all at once; {ARRIVAL_DEADLINE:g} s for that",
            of(5000),
            {"seconds": 0},
            ARRIVAL_DEADLINE,
            mode="idle",
            every=3,
        ),
        Case(
            "idle",
            f"{of(10_000):,} members in rooms of {BUSY_ROOM}, {idle_seconds:g} s of silence",
            of(10_000),
            silence,
            every=3,
        ),
        Case(
            "tls-saturated",
            f"{of(1000):,} members by TLS in one room, {TEXT}-byte messages, {WINDOW} in flight",
            of(1000),
            {**flood, **secure},
            mode="saturated",
        ),
        Case(
            "tls-steady",
            f"{of(1000):,} members by TLS in one room, {every_message}",
            of(1000),
            {**steady, **secure},
            mode="steady",
        ),
        Case(
            "tls-idle",
            f"{of(10_000):,} members by TLS in rooms of {BUSY_ROOM}, {idle_seconds:g} s of silence",
            of(10_000),
            {**silence, **secure},
            ROOMS_DEADLINE,
            mode="idle",
            every=3,
        ),
    ]
