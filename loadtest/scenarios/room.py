"""Everyone talks, in rooms of a given size: an ordinary busy day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chat.errors import SetupError
from loadtest.run.scenario import Scenario
from loadtest.run.settings import Settings, number, option
from loadtest.run.window import Speaker
from loadtest.wires.wire import ROOMS

_GOLDEN = 0.6180339887  # steps of this, modulo 1, spread any number of users evenly over the interval, in no order


@dataclass(frozen=True)
class RoomSettings(Settings):
    """How large the rooms are."""

    room_size: int = option(10, number(int, 2), "members of one room", on_page=True)


class Room(Scenario):
    settings: RoomSettings
    settings_type = RoomSettings
    name = "room"
    summary = "everyone talks, in rooms of --room-size members"
    default_rate = 0.2  # a message every 5 seconds of each user: lively
    needs = frozenset((ROOMS,))
    takes_shapes = True

    def check(self) -> None:
        if self.users < 2:
            raise SetupError(f"room needs 2 users or more, got {self.users}: use --users")

    def room_of(self, user: int) -> str:
        return f"{self.settings.room}-{user // self.settings.room_size + 1}"

    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        interval = 1 / self.rate
        return [
            Speaker(user, room, interval * (user * _GOLDEN % 1), interval)
            for room, users in sorted(members.items())
            for user in users
        ]
