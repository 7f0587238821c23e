"""Users of a cluster of which one node goes: its own, who may lose the connection, and all others, who watch.

`doom` names the node, and says whether the connections of its users end; `revive` has those come back to it.
"""

from collections.abc import Mapping
from typing import Any

import gevent
from gevent.event import Event

from loadtest.run.role import Gone, Member, Order, Role, Worker

_LOOK_EVERY_S = 0.05  # whether all are back


class Survivors(Role):
    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self._doomed: set[int] = set()  # whose connection will end
        self._away: dict[int, Event] = {}  # who has lost it; set when it shall come back

    @property
    def standing(self) -> int:
        return len(self._away)

    @property
    def orders(self) -> Mapping[str, Order]:
        return {"doom": self._doom, "revive": self._revive}

    def stay(self, member: Member) -> None:
        while True:
            member.gone.wait()
            back = self._away.get(member.number)
            if back is None:
                raise Gone(member.gone_why)
            back.wait()
            entered = member.enter(member.receiver.room)
            del self._away[member.number]
            if not entered:
                raise Gone(member.gone_why)
            self.admit(member)

    def lost(self, member: Member, reason: str) -> None:
        if member.number not in self._doomed:
            super().lost(member, reason)
        elif self.worker.members.pop(member.number, None):
            self._away[member.number] = Event()
            if self.worker.part:
                self.worker.part.remove(member)

    def end(self) -> None:
        self._away.clear()

    def _doom(self, orders: dict[str, Any]) -> dict[str, Any]:
        users = sorted(number for number, member in self.worker.members.items() if member.node == orders["node"])
        self._doomed = set(users) if orders["cuts"] else set()
        return {"users": users}

    def _revive(self, orders: dict[str, Any]) -> dict[str, Any]:
        """All here who were cut off try once, within `patience`; the answer says how many are in again."""
        trying = dict(self._away)
        for back in trying.values():
            back.set()
        while trying.keys() & self._away.keys():
            gevent.sleep(_LOOK_EVERY_S)
        return {"back": len(trying.keys() & self.worker.members.keys())}
