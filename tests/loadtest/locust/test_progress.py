"""The line of progress: whole where there is room, rewritten in place on a terminal, and out of others' way."""

import io
import logging
from typing import Any

import pytest

from loadtest.core.result import Verdict
from loadtest.locust.progress import Progress, line

TIMES = {"count": 1, "p50": 8_100, "p90": 9_000, "p99": 14_200, "p999": 15_000, "max": 123_456}
WHOLE = (
    "broadcast   window 1, 12 s of 30   1,000 users   20 msg/s   19,980 deliveries/s   "
    "p50 8.1  p99 14.2 ms   lost 0   pass so far"
)


def values(**more: Any) -> dict[str, Any]:
    return {
        "scenario": "broadcast",
        "doing": "window 1, 12 s of 30",
        "users": 1000,
        "refused": 0,
        "asked_users": 1000,
        "so_far": Verdict("pass", []),
        "last": None,
        "recent": {"fanout_us": TIMES, "messages_per_s": 20.0, "deliveries_per_s": 19_980.0},
        "whole": {"fanout_us": TIMES},
        "messages": {"lost": 0},
        **more,
    }


class Terminal(io.StringIO):
    encoding = "ascii"

    def isatty(self) -> bool:
        return True


def test_the_line_has_all_that_there_is_room_for() -> None:
    assert line(values()) == WHOLE
    assert line(values(), len(WHOLE)) == WHOLE
    assert line(values(), 80) == "broadcast   window 1, 12 s of 30   p50 8.1  p99 14.2 ms   lost 0   pass so far"
    assert line(values(), 50) == "window 1, 12 s of 30   lost 0   pass so far"
    assert line(values(), 20) == "window 1, 12 s of 3…"


@pytest.mark.parametrize("width", range(1, 130))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    so_far = Verdict("fail", ["19 deliveries lost; the requirement is lost=0", "and more"])
    assert len(line(values(so_far=so_far), width)) <= width


def test_before_anything_is_measured_it_says_how_many_have_come() -> None:
    nothing = {"fanout_us": {**TIMES, "count": 0}, "messages_per_s": None, "deliveries_per_s": None}
    coming = values(doing="coming in", users=120, refused=3, so_far=None, recent=nothing, whole=nothing)
    assert line(coming) == "broadcast   coming in   120 of 1,000 users, 3 refused"


def test_lost_that_nobody_can_tell_is_not_shown() -> None:
    assert "lost" not in line(values(messages={"lost": None}))


def test_on_a_terminal_the_line_is_rewritten_and_gone_when_others_write() -> None:
    out = Terminal()
    progress = Progress(values, 10, out)
    progress.show()
    progress.show()
    shown = line(values(), 79)
    assert out.getvalue() == f"\r\x1b[K{shown}\r\x1b[K{shown}"
    progress.clear()
    progress.clear()
    assert out.getvalue().endswith(f"{shown}\r\x1b[K")


def test_a_log_line_finds_the_terminals_line_clear() -> None:
    out = Terminal()
    handler = logging.StreamHandler(out)
    logging.getLogger().addHandler(handler)
    progress = Progress(values, 10, out)
    try:
        progress.start()
        progress.show()
        logging.getLogger().error("something happened")
        assert out.getvalue().endswith("\r\x1b[Ksomething happened\n")
    finally:
        progress.stop()
        logging.getLogger().removeHandler(handler)


def test_elsewhere_each_line_is_one() -> None:
    out = io.StringIO()
    progress = Progress(values, 10, out)
    progress.show()
    progress.show()
    progress.stop()
    assert out.getvalue() == f"{WHOLE}\n{WHOLE}\n"


def test_a_terminal_that_cannot_show_a_character_gets_another() -> None:
    out = Terminal()
    Progress(lambda: values(doing="résumé"), 10, out).show()
    assert "r?sum?" in out.getvalue()


def test_without_a_run_there_is_no_line() -> None:
    out = io.StringIO()
    Progress(lambda: None, 10, out).show()
    assert out.getvalue() == ""
