"""What a scenario decides: who is in which room, and who says how much. Knows no sockets and no Locust.

`room_of` is asked in every process as a user comes; `speakers` once, by whoever leads the run, when all are in.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol


class Choices(Protocol):
    """The settings that scenarios look at."""

    @property
    def rate(self) -> float | None: ...
    @property
    def announcers(self) -> int: ...
    @property
    def room(self) -> str: ...
    @property
    def room_size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Speaker:
    """One user's schedule in a window: the first message after `first_s`, then one every `interval_s`."""

    user: int
    room: str
    first_s: float
    interval_s: float


class Scenario(ABC):
    """Subclass it in a file beside this one and add it to `SCENARIOS`."""

    name: ClassVar[str]
    summary: ClassVar[str]  # what happens, in a few words, for --help
    default_rate: ClassVar[float]  # messages a second of each sender

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.rate = choices.rate or self.default_rate

    def check(self, users: int) -> None:  # noqa: B027  (most scenarios take any number)
        """Raises SetupError when the options do not fit this many users."""

    @abstractmethod
    def room_of(self, user: int) -> str:
        """The room of the user with this number; users are numbered from 0 over all processes."""

    @abstractmethod
    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        """Who speaks, given each room's users in ascending order."""
