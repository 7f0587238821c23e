"""One or a few announcers, everyone else listens: fan-out latency and completion against users and rate."""

from chat.errors import SetupError
from loadtest.run.scenario import OneRoom


class Broadcast(OneRoom):
    name = "broadcast"
    summary = "a few announcers, all others listen, in one room"
    default_rate = 10.0
    takes_shapes = True

    def check(self) -> None:
        self.check_announcers(self.users)
        if self.users < 2:
            raise SetupError(f"broadcast needs 2 users or more, got {self.users}: use --users")
