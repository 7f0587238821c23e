"""What a scenario decides: who is in which room, who says how much, and what happens to them. No sockets, no Locust.

`room_of` is asked in every process as a user comes; all else once, by whoever leads the run, when all are in.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, ClassVar

from chat.errors import SetupError
from loadtest.core.requirements import DEFAULT
from loadtest.core.result import Figures, Verdict
from loadtest.core.schedules import dealt, drawn, in_bursts, read_log
from loadtest.run.role import Role, Worker
from loadtest.run.run import Run
from loadtest.run.settings import Settings
from loadtest.run.window import Speaker

SCENARIOS: dict[str, "type[Scenario]"] = {}  # by name


class Scenario(ABC):
    """A subclass is known by its `name`, which is its class's own in small letters, and is what `--scenario` takes."""

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""  # what happens, in a few words, for --help; the first line of its docstring
    default_rate: ClassVar[float] = 10.0  # messages a second of each sender
    requirement: str = DEFAULT  # where --require says nothing else
    needs: ClassVar[frozenset[str]] = frozenset()  # what its wire must tell: rooms, names, leaves
    brings_server: ClassVar[bool] = False  # it needs no --host: `prepare` starts its own, and sets `server_url`
    usual_users: ClassVar[int] = 1  # without --users; Locust's own default
    settings_type: ClassVar[type[Settings]] = Settings  # with options of its own, where it has some
    warms_up: ClassVar[bool] = False  # by itself
    once: ClassVar[bool] = False  # with Locust's page, too, the test ends after one course
    least_hosts: ClassVar[int] = 1  # that --host must name
    one_host: ClassVar[bool] = False  # and no more
    one_clock: ClassVar[bool] = False  # it compares moments of several processes by itself
    takes_shapes: ClassVar[bool] = False  # the number of users may change in a window

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        if "course" in vars(cls) and not vars(cls).get("name"):
            cls.name = cls.__name__.lower()
            cls.summary = vars(cls).get("summary") or (cls.__doc__ or "").strip().partition("\n")[0]
        if vars(cls).get("name"):
            SCENARIOS[cls.name] = cls

    settings: Settings

    def __init__(self, settings: Settings, users: int) -> None:
        self.settings = settings
        self.users = users
        self.server_url = ""  # of the server that it brings
        self.rate = settings.rate or self.default_rate

    @property
    def server_pid(self) -> int:
        """The server's process, to be watched in each window; 0 where it is not known."""
        return self.settings.server_pid

    @property
    def messages_planned(self) -> int | None:
        """In one window; None where it is not known before everyone is in."""
        return None

    def check(self) -> None:  # noqa: B027  (most scenarios take any number)
        """Raises SetupError when the options do not fit this many users."""

    def prepare(self, host: str) -> None:  # noqa: B027  (most have nothing to prepare)
        """Called in the process that leads, before the first user comes to `host`. Raises SetupError."""

    def clear_up(self) -> None:  # noqa: B027
        """Called in the same process when the run is over, however it ended. Harmless when there is nothing to do."""

    @property
    def first_users(self) -> int:
        """How many users Locust should start at first. The usual scenario has all of them in all the time."""
        return self.users

    @abstractmethod
    def room_of(self, user: int) -> str:
        """The room of the user with this number; users are numbered from 0 over all processes."""

    def is_victim(self, user: int) -> bool:
        """Whether this user is held by a process apart, which can be made to die."""
        return False

    @abstractmethod
    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        """Who speaks in a window, given each room's users in ascending order."""

    def times_of(
        self, speakers: Sequence[Speaker], window: int, length_s: float
    ) -> tuple[list[list[float]], dict[int, list[int]]]:
        """Each speaker's moments in seconds, where they are not even; and the sizes of messages, where they differ."""
        settings = self.settings
        if settings.replay:
            shares = dealt(read_log(settings.replay), len(speakers), length_s) if speakers else []
            sizes = {sender: [event.size for event in share] for sender, share in enumerate(shares)}
            return [[event.at_s for event in share] for share in shares], sizes
        if settings.schedule == "poisson":
            return [
                drawn(f"{settings.seed}.{window}.{sender}", 1 / speaker.interval_s, length_s)
                for sender, speaker in enumerate(speakers)
            ], {}
        if settings.schedule == "bursts":  # one seed for all: they speak at the same moments, as when a goal is scored
            seed = f"{settings.seed}.{window}"
            return [in_bursts(seed, 1 / speaker.interval_s, length_s, settings.burst) for speaker in speakers], {}
        return [], {}

    def course(self, run: Run) -> None:
        """What happens, once everyone is in. Usually that is a single window. Raises Over when it cannot go on."""
        run.window()

    def role(self, worker: Worker) -> Role:
        """What the users of one process do."""
        return Role(worker)

    def part(self) -> dict[str, Any]:
        """This scenario's own part of `summary.json`, by key."""
        return {}

    def missed(self) -> list[str]:
        """The thresholds of its own that the run missed, each as one line with both numbers."""
        return []

    def measures(self) -> dict[str, float | None]:
        """What `--require` may ask of this scenario beside what all have, by name: None without a sample.

        Asked before the run as well, for the names.
        """
        return {}

    def verdict(self, figures: Figures) -> Verdict | None:
        """Where a run is not judged by its figures and thresholds, what it is judged to be."""
        return None


class OneRoom(Scenario):
    """All are in one room, where one or a few of them speak. What a locustfile calls `Scenario`:

    from loadtest import Scenario

    class Lecture(Scenario):
        \"\"\"Talk, silence, talk.\"\"\"

        def course(self, run):
            run.window(10)
            run.pause(5)
            run.window(10)
    """

    def room_of(self, user: int) -> str:
        return self.settings.room

    @property
    def messages_planned(self) -> int | None:
        seconds = self.settings.duration
        return (
            None
            if seconds is None or self.settings.replay
            else ceil(round(seconds * self.rate, 6)) * self.settings.announcers
        )

    def check_announcers(self, present: int, what: str = "users") -> None:
        """Raises SetupError when fewer are there than should speak."""
        if self.settings.announcers > present:
            raise SetupError(f"--announcers {self.settings.announcers:,} is more than the {present:,} {what}")

    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        """Their messages are spread evenly: n announcers at rate r are one stream at n times r."""
        interval = 1 / self.rate
        chosen = members.get(self.settings.room, ())[: self.settings.announcers]
        return [
            Speaker(user, self.settings.room, interval * turn / len(chosen), interval)
            for turn, user in enumerate(chosen)
        ]
