"""What processes state adds up, in any order, and crosses the wire whole."""

from dataclasses import fields
from typing import Any

import pytest

from loadtest.core.codec import Misfit, decode, encode
from loadtest.core.histogram import Histogram
from loadtest.core.statement import Notices, Statement, total


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


ONE = Statement(
    window=3,
    sent={0: 2},
    crowd_sent={"#r": 1},
    due=4,
    delivered=3,
    slices=[of(5)],
    read=of(7),
    orders=[("#r", [0, 0, 1, 0], 3)],
    cpu_percent=20.0,
    usage=[[(10.0, 1_000), (None, None)]],
    stood_still_us=9,
    machine={"waited_percent": 2.0},
    dropped={"reset": 1},
    notices=Notices(of(4), of(4, 5), {7: (4, "gone")}),
    here=[0, 2],
    role=[{"arrivals": 1}],
)
OTHER = Statement(
    window=3,
    sent={0: 1, 1: 5},
    due=1,
    delivered=1,
    slices=[of(6), of(8)],
    cpu_percent=30.0,
    dropped={"reset": 2, "quit": 1},
    notices=Notices(of(), of(3), {7: (3, "reset")}),
    here=[1],
)


def test_it_is_read_as_it_was_written() -> None:
    assert decode(Statement, encode(ONE)) == ONE
    with pytest.raises(Misfit, match="statement: 'due' is missing"):
        decode(Statement, {name: value for name, value in encode(ONE).items() if name != "due"}, "statement")


def test_two_add_up_and_stay_as_they_are() -> None:
    before = encode(ONE), encode(OTHER)
    both = ONE + OTHER
    assert (both.window, both.sent, both.due, both.delivered) == (3, {0: 3, 1: 5}, 5, 4)
    assert both.slices == [of(5, 6), of(8)]
    assert (both.cpu_percent, both.stood_still_us, both.machine) == (30.0, 9, {"waited_percent": 2.0})
    assert (both.dropped, both.here, both.orders) == ({"reset": 3, "quit": 1}, [0, 2, 1], ONE.orders)
    assert both.notices == Notices(of(4), of(3, 4, 5), {7: (3, "reset")})
    assert (encode(ONE), encode(OTHER)) == before


def test_none_changes_nothing_and_the_order_does_not_matter_to_what_is_counted() -> None:
    assert total([]) == Statement()
    assert total([ONE]) == ONE + Statement() == Statement() + ONE == ONE
    one, other = total([ONE, OTHER]), total([OTHER, ONE])
    listed = {"here", "orders", "usage", "role", "completed", "partial"}
    assert [each.name for each in fields(Statement) if getattr(one, each.name) != getattr(other, each.name)] == [
        name for name in ("here",) if name in listed
    ]


def having(name: str, value: object) -> Statement:
    fields_of: dict[str, Any] = {name: value}
    return Statement(**fields_of)


def test_of_each_field_that_is_a_count_or_a_histogram_the_sum_is_of_both_processes() -> None:
    highest = {"window", "cpu_percent", "stood_still_us"}
    for each in fields(Statement):
        plain = getattr(Statement(), each.name)
        if isinstance(plain, Histogram):
            one, other = having(each.name, of(5)), having(each.name, of(7, 9))
            assert getattr(one + other, each.name) == of(5, 7, 9), each.name
        elif isinstance(plain, (int, float)):
            one, other = having(each.name, 5), having(each.name, 7)
            assert getattr(one + other, each.name) == (7 if each.name in highest else 12), each.name


def test_of_a_death_that_two_processes_report_the_first_moment_counts() -> None:
    one, other = Notices(of(), of(), {1: (5, "gone")}), Notices(of(), of(), {1: (4, "reset"), 2: (9, "gone")})
    for both in (one + other, other + one):
        assert both.reported == {1: (4, "reset"), 2: (9, "gone")}
