"""A user who is back reads the history amid the flood of those who come back as well, and is cheap to keep."""

import tracemalloc
from typing import Any, cast

import gevent
import pytest

from loadtest.core.receiver import Receiver, just
from loadtest.core.stamps import Stamp, Stamps
from loadtest.run.role import Member
from loadtest.scenarios.stampede.reader import NoHistory, read_back
from loadtest.scenarios.stampede.speakers import Heard

STAMPS = Stamps("abc12345", 2, 80)
JOIN = b"@time=2026-01-02T03:04:05.678Z;msgid=0a1b2c :fabc1!fabc1@127.0.0.1 JOIN #load\r\n"
LIVE = f"@msgid=7 :ana!a@b PRIVMSG #load :{STAMPS.text(Stamp(9, 9, 9))}\r\n".encode()
TALK = b":ana!a@b PRIVMSG #load :batch=1 BATCH +1 chathistory FAIL CHATHISTORY 421\r\n"


def line(number: int, tags: str) -> bytes:
    return f"@{tags} :ana!a@b PRIVMSG #load :{STAMPS.text(Stamp(1, number, 5))}\r\n".encode()


class Back:
    """A member whose server answers each question with the next of these."""

    def __init__(self, *answers: bytes) -> None:
        self.connection: Any = self
        self.receiver = Receiver("#load")
        self.is_open = True
        self.gone_why = ""
        self.asked: list[bytes] = []
        self.passed_on: list[bytes] = []
        self.on_lines: Any = lambda data, at: self.passed_on.append(data)
        self._answers = list(answers)

    def send(self, data: bytes) -> bool:
        self.asked.append(data)
        gevent.spawn(lambda: self.on_lines(self._answers.pop(0), just(1)))
        return True


def read(back: Back) -> list[tuple[int, int]]:
    return read_back(cast(Member, back), STAMPS, 5)


@pytest.mark.parametrize("tags", ["batch=1;msgid=m{}", "time=x;batch=1;msgid=m{}", "msgid=m{};time=x;batch=1"])
def test_a_history_amid_joins_and_talk_is_read_page_by_page_and_nothing_else_is(tags: str) -> None:
    other = line(7, "batch=12;msgid=x")  # of another batch, whose name begins alike
    page = JOIN + TALK + b":s BATCH +1 chathistory #load\r\n" + JOIN + line(3, tags.format(3)) + LIVE + other
    page += JOIN + line(4, tags.format(4)) + TALK + b"@time=x :s BATCH -1\r\n"
    first = b"BATCH +2 chathistory #load\r\n" + line(2, "batch=2;msgid=m2") + b"BATCH -2\r\n"
    back = Back(page, first, b"BATCH +3 chathistory #load\r\nBATCH -3\r\n")
    listening = back.on_lines
    assert read(back) == [(1, 2), (1, 3), (1, 4)]
    assert [asked.split()[1:4] for asked in back.asked] == [
        [b"LATEST", b"#load", b"*"],
        [b"BEFORE", b"#load", b"msgid=m3"],
        [b"BEFORE", b"#load", b"msgid=m2"],
    ]
    assert back.on_lines is listening


@pytest.mark.parametrize("refusal", [b":s FAIL CHATHISTORY NOT :Not now\r\n", b":s 421 u CHATHISTORY :Not now\r\n"])
@pytest.mark.parametrize("before", [JOIN, JOIN + TALK])
def test_a_refusal_is_told_and_talk_of_one_is_none(before: bytes, refusal: bytes) -> None:
    with pytest.raises(NoHistory, match="Not now"):
        read(Back(before + refusal))


def test_a_ping_amid_an_answer_is_still_answered() -> None:
    back = Back(JOIN + b"PING x\r\nBATCH +1 chathistory #load\r\nBATCH -1\r\n")
    assert read(back) == []
    assert len(back.passed_on) == 1


def test_what_one_user_hears_takes_next_to_nothing_until_it_hears_something() -> None:
    """All are made at once, between two turns of the generator's loop: a window's ledger takes 200 KB."""
    tracemalloc.start()
    try:
        ears = [Heard(STAMPS, {}) for _ in range(100)]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < len(ears) * 2_000
