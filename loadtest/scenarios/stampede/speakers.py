"""Users who talk until the server is stopped, or on while it restarts, note what they hear, and read the history."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import gevent
from gevent.pool import Pool

from loadtest.core.receiver import Moment, Receiver
from loadtest.core.stamps import Stamp, Stamps
from loadtest.run.role import Member, Order
from loadtest.scenarios.stampede.history import Account, Words, digest, hold
from loadtest.scenarios.stampede.reader import CAPABILITIES, HISTORY, NoHistory, read_back
from loadtest.scenarios.stampede.worker import Returners

_ASKING = 8  # users at a time, in each process, where they wait for one another


class Heard:
    """What one user hears, message by message, across its connections. Small: one for each user is made at once."""

    def __init__(self, stamps: Stamps, seen: dict[Words, int]) -> None:
        self.words: list[Words] = []
        self._stamps = stamps
        self._seen = seen  # of all users of the process: when the first of them heard it

    def receive(self, receiver: Receiver, data: bytes, at: Moment) -> bool:
        for stamp in self._stamps.find(data):
            self._note(stamp, at[0])
        return b"PING" in data or b"ERROR" in data

    def _note(self, stamp: Stamp, at_ns: int) -> None:
        words = (stamp.sender, stamp.number)
        self.words.append(words)
        self._seen.setdefault(words, at_ns)


class Speakers(Returners):
    """Each user has one greenlet that speaks, until `stop_talking`, and one that reads the history.

    With `talks_on`, all speak again as soon as they are back, and read when nobody speaks. Otherwise a speaker who lost
    the connection is silent, and each user reads as soon as it is back.
    """

    def __init__(self, worker: Any, settings: Any, talks_on: bool) -> None:
        super().__init__(worker, settings)
        self._talks_on = talks_on
        self._heard: dict[int, Heard] = {}
        self._seen: dict[Words, int] = {}
        self._stamps = Stamps(worker.run_id, 0)
        self._said: dict[int, int] = {}  # messages of each speaker here
        self._speaking: dict[int, Any] = {}
        self._reading: dict[int, Any] = {}

    @property
    def orders(self) -> Mapping[str, Order]:
        own = {"listen": self._listen, "talk": self._talk, "stop_talking": self._stop_talking}
        return {**super().orders, **own, "history": self._history}

    def come(self, member: Member) -> None:
        wanted = (*member.capabilities, *CAPABILITIES)
        member.capabilities = tuple(dict.fromkeys(wanted))
        super().come(member)

    def lost(self, member: Member, reason: str) -> None:
        if not self._talks_on and (speaking := self._speaking.pop(member.number, None)):
            speaking.kill(block=False)
        super().lost(member, reason)

    def back(self, member: Member) -> None:
        if not self._talks_on and member.number in self._heard:
            self._reading[member.number] = gevent.spawn(self._read, member)

    def end(self) -> None:
        gevent.killall([*self._speaking.values(), *self._reading.values()], block=False)
        self._speaking.clear()
        self._reading.clear()
        super().end()

    def _listen(self, orders: dict[str, Any]) -> dict[str, Any]:
        """From now on what is said is noted: in all processes, before anybody speaks."""
        self._stamps = Stamps(self.worker.run_id, orders["window"], self.worker.settings.message_size)
        self._seen = {}
        self._reading = {}
        members = self.worker.members
        self._heard = {number: self._ear(number) for number in members}
        for number, member in members.items():
            member.ledger = self._heard[number]
        return {}

    def _ear(self, number: int) -> Heard:
        """What notes what a user hears."""
        return Heard(self._stamps, self._seen)

    def _talk(self, orders: dict[str, Any]) -> dict[str, Any]:
        members = self.worker.members
        mine = members.keys() & set(orders["speakers"])
        self._said = dict.fromkeys(mine, 0)
        self._speaking = {number: gevent.spawn(self._speak, members[number], orders["interval_s"]) for number in mine}
        return {}

    def _speak(self, member: Member, interval_s: float) -> None:
        due_ns = time.monotonic_ns()
        while True:
            gevent.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
            if member.number in self.worker.members:
                words = self._stamps.text(Stamp(member.number, self._said[member.number], due_ns))
                self._said[member.number] += member.send_words(member.receiver.room, words)
            due_ns += round(interval_s * 1e9)

    def _stop_talking(self, orders: dict[str, Any]) -> dict[str, Any]:
        """Nobody says more. What anybody here has heard so far, and when, on the clock of arrivals; and the last words
        of the speakers here."""
        gevent.killall(list(self._speaking.values()))
        self._speaking.clear()
        last = [[speaker, said - 1] for speaker, said in self._said.items() if said]
        return {"seen": [[*words, at_ns] for words, at_ns in self._seen.items()], "last": last}

    def _read(self, member: Member) -> list[Words] | str:
        """The history, or why there is none; empty where the server offers it to nobody."""
        if HISTORY not in member.granted:
            return ""
        member.ledger = None
        try:
            return read_back(member, self._stamps, self.worker.settings.patience)
        except NoHistory as error:
            return str(error)

    def _history(self, orders: dict[str, Any]) -> dict[str, Any]:
        """What each user who is in has read, or reads now, is held against `due` and what that user has heard."""
        due = {(speaker, number) for speaker, number in orders["due"]}
        excused = {(speaker, number) for speaker, number in orders["excused"]}
        total, digests, reasons = Account(), Counter[str](), Counter[str]()
        pool = Pool(_ASKING)
        readers = {number: member for number, member in self.worker.members.items() if number in self._heard}
        reading = {
            number: self._reading.get(number) or pool.spawn(self._read, member) for number, member in readers.items()
        }
        for number, each in reading.items():
            read = each.get()
            if read == "":
                total.not_offered += 1
            elif isinstance(read, str):
                total.unanswered += 1
                reasons[read] += 1
            else:
                digests[digest(read, due)] += 1
                total.add(hold(self._heard[number].words, read, due, excused))
        for member in self.worker.members.values():
            member.ledger = None
        return {"account": asdict(total), "digests": dict(digests), "reasons": dict(reasons)}
