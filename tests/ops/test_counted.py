"""What happens often is logged as a count."""

from chat.server.ops.counted import CountedLog


def counted() -> tuple[CountedLog, list[str]]:
    lines: list[str] = []
    return CountedLog(lines.append, "refused a connection", "refused {:,} connections"), lines


def test_the_first_is_logged_at_once_and_the_others_as_one_line_ten_seconds_later() -> None:
    log, lines = counted()
    for number in range(1235):
        log.add("full", f"reason {number}", 100.0)
    assert lines == ["refused a connection: reason 0"]
    assert log.due_in(104.0) == 6.0
    log.report(109.9)
    assert len(lines) == 1
    log.report(110.0)
    assert lines[1:] == ["refused 1,234 connections in 10 s, the last: reason 1234"]


def test_a_count_of_one_is_named_as_one() -> None:
    log, lines = counted()
    log.add("full", "a", 0.0)
    log.add("full", "b", 1.0)
    log.report(10.0)
    assert lines[1:] == ["refused a connection in 10 s, the last: b"]


def test_one_that_goes_on_stays_one_line_in_ten_seconds() -> None:
    log, lines = counted()
    for second in range(100):
        for _ in range(50):
            log.add("full", "x", float(second))
        log.report(float(second))
    assert len(lines) == 10


def test_kinds_are_counted_apart() -> None:
    log, lines = counted()
    log.add("full", "a", 0.0)
    log.add("address", "b", 5.0)
    log.add("full", "c", 6.0)
    assert log.due_in(6.0) == 4.0
    log.report(10.0)
    assert lines == ["refused a connection: a", "refused a connection: b", "refused a connection in 10 s, the last: c"]
    assert log.due_in(10.0) == 5.0


def test_a_quiet_kind_is_forgotten_and_its_next_is_logged_at_once() -> None:
    log, lines = counted()
    log.add("full", "a", 0.0)
    log.report(10.0)
    assert log.due_in(10.0) is None
    log.add("full", "b", 11.0)
    assert lines == ["refused a connection: a", "refused a connection: b"]


def test_at_the_end_what_was_counted_is_logged() -> None:
    log, lines = counted()
    for text in "abc":
        log.add("full", text, 0.0)
    log.close(3.0)
    assert lines[1:] == ["refused 2 connections in 3 s, the last: c"]
    log.close(4.0)
    assert len(lines) == 2
