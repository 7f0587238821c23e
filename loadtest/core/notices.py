"""Who was reported gone, to whom, when and why: the observers of one process in one window. Knows no sockets.

An observer is *informed* once it was told of every victim. Which user a notice is about stands in the nickname, so that
one search over the bytes that many observers read alike is enough, and whom an observer was told of is one integer,
a bit for each user.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from loadtest.core.histogram import Histogram
from loadtest.core.reasons import printable
from loadtest.core.statement import Notices


class Observer(Protocol):
    told: int  # a bit for each user whom it was told of


class Gone(NamedTuple):
    """The departures that some bytes tell of."""

    users: int  # a bit for each
    reasons: dict[int, str]


class NoticeLog:
    """Times count from `since_ns`, when the victims were meant to die."""

    def __init__(self, nick_head: str, victims: Iterable[int], since_ns: int) -> None:
        """`nick_head` is what this run's nicknames begin with; the user's number follows in base 36."""
        head = re.escape(nick_head.encode())
        self._pattern = re.compile(rb"^(?:@\S+ )?:%b([0-9a-z]+)(?:!\S+)? QUIT(?: :?([^\r\n]*))?" % head, re.M)
        self._victims = sum(1 << number for number in set(victims))
        self._since_ns = since_ns
        self._first: dict[int, tuple[int, str]] = {}  # who was reported: after how many µs at the earliest, and why
        self.informed = Histogram()  # one sample an observer: when it was told of the last victim
        self.notices = Histogram()  # one sample for each observer and victim

    def find(self, data: bytes) -> Gone | None:
        """The departures in whole lines; None when there are none."""
        if b" QUIT" not in data:
            return None
        reasons = {
            int(number, 36): printable(why.decode(errors="replace")) for number, why in self._pattern.findall(data)
        }
        return Gone(sum(1 << number for number in reasons), reasons) if reasons else None

    def note(self, observer: Observer, gone: Gone, now_ns: int) -> None:
        """An observer reads of these departures; a repeated one is not news."""
        fresh = gone.users & ~observer.told
        if not fresh:
            return
        observer.told |= fresh
        us = max(0, now_ns - self._since_ns) // 1000
        if news := (fresh & self._victims).bit_count():
            self.notices.add(us, news)
            if observer.told & self._victims == self._victims:
                self.informed.add(us)
        for number in gone.reasons.keys() - self._first.keys():
            self._first[number] = (us, gone.reasons[number])

    def heard(self) -> Notices:
        return Notices(self.informed, self.notices, dict(self._first))
