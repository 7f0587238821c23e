"""What is new in one process's part of a window since it last said so, in plain values. Knows no other process.

It goes with each status, five times a second: how the run goes is seen while it runs, and costs little.
"""

from collections import Counter
from typing import Any

from loadtest.accounting.accounts import Account
from loadtest.accounting.growth import Growth
from loadtest.accounting.histogram import Histogram
from loadtest.worker.generator import Health


class Fresh:
    def __init__(self, account: Account, health: Health, dropped: Counter[str]) -> None:
        self._account = account
        self._health = health
        self._dropped = dropped
        self._growths = {name: Growth() for name in self._histograms()}

    def take(self) -> dict[str, Any]:
        """The histograms' growth since the last call; all else so far."""
        account = self._account
        return {
            "grown": {name: self._growths[name].take(each) for name, each in self._histograms().items()},
            "duplicated": account.duplicated,
            "reordered": account.reordered,
            "late": account.late,
            "cpu_percent": self._health.cpu_percent(),
            "dropped": dict(self._dropped),
        }

    def _histograms(self) -> dict[str, Histogram]:
        health = self._health
        return {
            "fanout": self._account.fanout,
            "send_lateness": health.send_lateness,
            "loop_lag": health.loop_lag,
            "receive_backlog": self._account.waits,
        }
