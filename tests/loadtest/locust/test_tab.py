"""The rows of the tab, each with its figures of the last seconds and of the whole window."""

from loadtest.core.histogram import Histogram
from loadtest.core.result import Verdict
from loadtest.locust.page import rows
from loadtest.run.live import Live, Situation, look
from tests.loadtest.run.test_live import status


def test_the_rows_say_how_it_goes() -> None:
    live, complete = Live(), Histogram()
    live.take("a", status(sent=2, fanout=(1_500, 2_500), overdue=19, reordered=1, stray=2, corrupt=3), 1.0)
    complete.add(2_500)
    so_far, last = Verdict("fail", ["one", "two"]), Verdict("pass", [])
    where = Situation("room", "window 2, 1 s of 9", 8, 1, 10, 1, 0.5, 2.0, last)
    shown = {name: (recent, whole) for name, recent, whole in rows(look(live, complete, where, so_far, 2.5))}
    assert shown["Run"] == ("window 2, 1 s of 9", "room, 8 of 10 users, 1 refused")
    assert shown["Verdict so far"] == ("fail", "one; two")
    assert shown["Last verdict"] == ("pass", "")
    assert shown["Fan-out p99.9, ms"][1] == "2.500"
    assert shown["Completion p50, ms"] == ("", "2.500")
    assert shown["Lost deliveries"] == ("", "19")
    assert shown["Reordered deliveries"] == ("", "1")
    assert (shown["Stray deliveries"], shown["Corrupt deliveries"]) == (("", "2"), ("", "3"))
    assert shown["Messages a second"] == ("2.0", "1.0")
    assert shown["Generator: loop lag p99, ms"] == ("", "–")


def test_what_stays_within_a_node_and_what_goes_across_are_told_apart_where_there_are_several() -> None:
    live = Live()
    live.take("a", status(sent=2, fanout=(100, 2_500), within=(100,), across=(2_500,)), 1.0)
    by_nodes = {}
    for nodes in (1, 2):
        where = Situation("room", "window 1", 8, 0, 8, 1, 0.5, 2.0, None, nodes)
        values = look(live, Histogram(), where, None, 2.5)
        by_nodes[nodes] = {name: row for name, *row in rows(values) if " node" in name}
    assert by_nodes == {
        1: {},
        2: {
            "Fan-out within a node p50, ms": ["0.100", "0.100"],
            "Fan-out within a node p99, ms": ["0.100", "0.100"],
            "Fan-out across nodes p50, ms": ["2.500", "2.500"],
            "Fan-out across nodes p99, ms": ["2.500", "2.500"],
        },
    }


def test_before_the_first_run_there_is_one_row() -> None:
    assert rows(None) == [("Run", "not started", "")]
