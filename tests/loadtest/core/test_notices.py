"""Who of the observers was told of whose end, when, and what they were told that was not so."""

from dataclasses import dataclass

from loadtest.core.histogram import Histogram
from loadtest.core.notices import NoticeLog
from loadtest.core.statement import Statement, total
from loadtest.scenarios.deaths.leader import Disconnect

MS = 1_000_000  # ns
DEATH = 5_000 * MS
HEAD = "fa1b"
VICTIMS = (36, 37)  # in base 36: 10 and 11


@dataclass
class Ear:
    told: int = 0


def notices() -> NoticeLog:
    return NoticeLog(HEAD, VICTIMS, DEATH)


def note(noted: NoticeLog, ear: Ear, data: bytes, ms: int) -> None:
    if gone := noted.find(data):
        noted.note(ear, gone, DEATH + ms * MS)


def test_an_observer_is_informed_once_it_was_told_of_every_victim() -> None:
    noted, early, late = notices(), Ear(), Ear()
    both = b":fa1b10!~u@h QUIT :reset\r\n:fa1b11!~u@h QUIT :gone\r\n"
    note(noted, early, both, 3)
    note(noted, late, b":fa1b10!~u@h QUIT :reset\r\n", 4)
    assert (noted.informed.count, noted.notices.count) == (1, 3)
    note(noted, late, b":fa1b11!~u@h QUIT :gone\r\n", 9)
    assert (noted.informed.count, noted.notices.count) == (2, 4)
    assert (noted.informed.shortest, noted.informed.longest) == (3_000, 9_000)


def test_what_is_told_twice_is_no_news() -> None:
    noted, ear = notices(), Ear()
    for ms in (1, 2, 3):
        note(noted, ear, b":fa1b10!~u@h QUIT :reset\r\n:fa1b11!~u@h QUIT\r\n", ms)
    assert (noted.informed.count, noted.informed.longest, noted.notices.count) == (1, 1_000, 2)


def test_the_first_to_be_told_says_when_and_why() -> None:
    noted = notices()
    note(noted, Ear(), b":fa1b10!~u@h QUIT :Ping timeout: 2 seconds\r\n", 7)
    note(noted, Ear(), b":fa1b10!~u@h QUIT :Ping timeout: 2 seconds\r\n", 8)
    assert noted.heard().reported == {36: (7_000, "Ping timeout: 2 seconds")}


def test_lines_that_only_look_like_a_departure_are_none() -> None:
    noted = notices()
    for line in (
        b":ana!~u@h PRIVMSG #load :fa1b10!~u@h QUIT\r\n",
        b":ana!~u@h PRIVMSG #load ::fa1b10!~u@h QUIT :no\r\n",
        b":fc2d10!~u@h QUIT :of another run\r\n",
        b":fa1b10!~u@h PART #load :QUIT\r\n",
        b":fa1b10!~u@h PRIVMSG #load : QUIT\r\n",
    ):
        assert noted.find(line) is None, line


def test_a_departure_is_found_behind_tags_without_a_mask_and_between_other_lines() -> None:
    noted = notices()
    data = b":x PONG y\r\n@time=2026-01-01T00:00:00.000Z :fa1b10!~u@h QUIT :a\r\n:fa1b11 QUIT :b\r\n:x PONG z\r\n"
    gone = noted.find(data)
    assert gone is not None
    assert gone.reasons == {36: "a", 37: "b"}


def statement(noted: NoticeLog, *here: int) -> Statement:
    return Statement(here=list(here), notices=noted.heard())


def test_the_processes_figures_add_up_and_the_earliest_notice_counts() -> None:
    one, other = notices(), notices()
    note(one, Ear(), b":fa1b10!~u@h QUIT :reset\r\n:fa1b11!~u@h QUIT :reset\r\n", 5)
    note(other, Ear(), b":fa1b10!~u@h QUIT :reset\r\n:fa1b11!~u@h QUIT :gone\r\n", 4)
    disconnect = Disconnect("rst", 2, 2, 10_000)
    disconnect.take(VICTIMS, total([statement(one, 2), statement(other, 3), Statement(here=[4])]))
    assert (disconnect.informed.count, disconnect.notices.count) == (2, 4)
    assert disconnect.after_us == {36: 4_000, 37: 4_000}
    assert disconnect.reasons == {"reset": 1, "gone": 1}
    assert disconnect.missed() == []


def test_who_lives_and_was_reported_gone_is_a_false_death_but_not_who_lost_the_connection() -> None:
    noted = notices()
    note(noted, Ear(), b":fa1b2!~u@h QUIT :x\r\n:fa1b3!~u@h QUIT :y\r\n", 5)
    disconnect = Disconnect("kill", 2, 1, 10_000)
    disconnect.take(VICTIMS, statement(noted, 2))  # 2 is still here, 3 is not
    assert disconnect.false_deaths == 1
    assert "kill: 1 who live were reported gone" in disconnect.missed()


def phase(us: int) -> Histogram:
    taken = Histogram()
    taken.add(us)
    return taken


def test_each_shortfall_is_a_line_with_both_numbers() -> None:
    disconnect = Disconnect("silence", 3, 9, 2_000_000, informed=phase(2_500_000), ghosts=2)
    disconnect.phases = {"before": phase(1_000), "during": phase(4_000)}
    assert disconnect.missed(max_ratio=3) == [
        "silence: 1 of 9 observers were told of all 3 victims",
        "silence: the others' fan-out p99 rose to 4.00 times its earlier 1.000 ms, the limit is 3 times",
    ]
    disconnect.observers = 1
    assert disconnect.missed() == ["silence: the last observer was told after 2.500 s, the limit is 2 s"]
    assert disconnect.missed(max_ratio=4) == disconnect.missed()
