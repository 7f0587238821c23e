"""Change how many users are in, by Locust's own means, between windows: nobody counts on those users then."""

import time
from typing import Any

from loadtest.lead.processes import Processes

_NEWS_S = 0.5  # longer than a process takes to say that it lost a user


def resize(runner: Any, processes: Processes, users: int, spawn_rate: float, patience_s: float) -> int:
    """Have Locust start or stop users; gives how many are in, once nobody is on the way in or out any more.

    Users who were cut off before are replaced. Fewer than asked for are in when some were refused, or when for
    `patience_s` nobody got in or was refused. Raises Over.
    """
    processes.wait(lambda: False, _after(_NEWS_S))
    refused = processes.status_sum("refused")
    if runner.target_user_count == users == processes.status_sum("joined"):
        return users
    runner.start(users, spawn_rate)

    def here() -> int:
        return processes.status_sum("joined")

    def on_the_way() -> int:
        turned_away = processes.status_sum("refused") - refused
        return max(0, users - here() - turned_away) or max(0, here() - users)

    while left := on_the_way():
        if not processes.wait(lambda seen=left: on_the_way() != seen, _after(patience_s)):  # type: ignore[misc]
            break
    return here()


def _after(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)
