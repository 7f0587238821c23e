"""One or a few announcers, everyone else listens: fan-out latency and completion against users and rate."""

from collections.abc import Mapping, Sequence

from chat.errors import SetupError
from loadtest.scenarios.scenario import Scenario, Speaker


class Broadcast(Scenario):
    name = "broadcast"
    summary = "a few announcers, all others listen, in one room"
    default_rate = 10.0

    def check(self, users: int) -> None:
        if self.choices.announcers > users:
            raise SetupError(f"--announcers {self.choices.announcers:,} is more than the {users:,} users")
        if users < 2:
            raise SetupError(f"broadcast needs 2 users or more, got {users}: use --users")

    def room_of(self, user: int) -> str:
        return self.choices.room

    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        """Their messages are spread evenly: n announcers at rate r are one stream at n times r."""
        interval = 1 / self.rate
        chosen = members.get(self.choices.room, ())[: self.choices.announcers]
        return [
            Speaker(user, self.choices.room, interval * turn / len(chosen), interval)
            for turn, user in enumerate(chosen)
        ]
