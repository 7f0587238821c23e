"""Users who talk on while the server is restarted, note what they hear, and ask for the history once they are back."""

import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import gevent
from gevent.pool import Pool

from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Moment, Receiver
from loadtest.core.stamps import Stamp, Stamps
from loadtest.run.role import Member, Order
from loadtest.scenarios.stampede.history import Account, Words, hold
from loadtest.scenarios.stampede.reader import CAPABILITIES, NoHistory, read_back
from loadtest.scenarios.stampede.worker import Returners

_ASKING = 8  # users at a time, in each process
_NEVER_LATE_NS = 1 << 62


class Heard(Ledger):
    """What one user hears, message by message, across its connections."""

    def __init__(self, stamps: Stamps, seen: dict[Words, int]) -> None:
        super().__init__(stamps, _NEVER_LATE_NS)
        self.words: list[Words] = []
        self._stamps = stamps
        self._seen = seen  # of all users of the process: when the first of them heard it

    def receive(self, receiver: Receiver, data: bytes, at: Moment) -> bool:
        for stamp in self._stamps.find(data):
            words = (stamp.sender, stamp.number)
            self.words.append(words)
            self._seen.setdefault(words, at[0])
        return b"PING" in data or b"ERROR" in data


class Speakers(Returners):
    def __init__(self, worker: Any, settings: Any) -> None:
        super().__init__(worker, settings)
        self._heard: dict[int, Heard] = {}
        self._seen: dict[Words, int] = {}
        self._stamps = Stamps(worker.run_id, 0)
        self._talking: list[Any] = []

    @property
    def orders(self) -> Mapping[str, Order]:
        return {**super().orders, "talk": self._talk, "stop_talking": self._stop_talking, "history": self._history}

    def come(self, member: Member) -> None:
        wanted = (*member.capabilities, *CAPABILITIES)
        member.capabilities = tuple(dict.fromkeys(wanted))
        super().come(member)

    def end(self) -> None:
        gevent.killall(self._talking, block=False)
        self._talking.clear()
        super().end()

    def _talk(self, orders: dict[str, Any]) -> dict[str, Any]:
        """Those of the speakers who are here speak until `stop_talking`, as long and as often as they are connected."""
        self._stamps = Stamps(self.worker.run_id, orders["window"], self.worker.settings.message_size)
        self._seen = {}
        self._heard = {number: Heard(self._stamps, self._seen) for number in self.worker.members}
        for number, member in self.worker.members.items():
            member.ledger = self._heard[number]
        mine = [member for number, member in self.worker.members.items() if number in orders["speakers"]]
        self._talking = [gevent.spawn(self._speak, member, orders["interval_s"]) for member in mine]
        return {}

    def _speak(self, member: Member, interval_s: float) -> None:
        said, due_ns = 0, time.monotonic_ns()
        while True:
            gevent.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
            if member.number in self.worker.members:
                words = self._stamps.text(Stamp(member.number, said, due_ns))
                said += member.send_words(member.receiver.room, words)
            due_ns += round(interval_s * 1e9)

    def _stop_talking(self, orders: dict[str, Any]) -> dict[str, Any]:
        """Nobody says more. What anybody here has heard so far, and when, on the clock of arrivals."""
        gevent.killall(self._talking)
        self._talking.clear()
        return {"seen": [[*words, at_ns] for words, at_ns in self._seen.items()]}

    def _history(self, orders: dict[str, Any]) -> dict[str, Any]:
        """Each user who is in reads it, and it is held against `due` and what that user has heard."""
        due = {(speaker, number) for speaker, number in orders["due"]}
        excused = {(speaker, number) for speaker, number in orders["excused"]}
        total, digests, reasons = Account(), Counter[str](), Counter[str]()

        def ask(member: Member) -> None:
            try:
                read = read_back(member, self._stamps, self.worker.settings.patience)
            except NoHistory as error:
                total.unanswered += 1
                reasons[str(error)] += 1
                return
            digests[hashlib.sha256(repr(read).encode()).hexdigest()] += 1
            total.add(hold(self._heard[member.number].words, read, due, excused))

        pool = Pool(_ASKING)
        for member in list(self.worker.members.values()):
            if member.number in self._heard:
                pool.spawn(ask, member)
        pool.join()
        for member in self.worker.members.values():
            member.ledger = None
        return {"account": asdict(total), "digests": dict(digests), "reasons": dict(reasons)}
