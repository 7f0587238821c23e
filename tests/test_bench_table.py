"""What turns become: medians, ratios to the best peer, and the goals. All turns are made up."""

import io
from typing import Any

import pytest

from bench.goals import GOALS, check, goals_table
from bench.servers import ThreadPerClient
from bench.table import cost_of_tls, failed, medians, table
from bench.turn import Turn


def turn(server: str, rate: float, others: float = 1, case: str = "saturated") -> Turn:
    latency = {"p50": 1000.0, "p99": 2000.0}
    result = {
        "deliveries_per_s": rate,
        "complete_us": latency,
        "generator_cpu_percent": 50,
        "server_cpu_percent": 90,
        "others_cpu_percent": others,
    }
    return Turn(server, case, 0, result)


def busy(server: str, rate: float | None, bounded_by: str) -> Turn:
    result: dict[str, Any] = {
        "messages_per_s": rate,
        "bounded_by": bounded_by,
        "members": 2,
        "arrival": {"joined": 2, "connections": 2, "joined_s": 0.5},
        "others_cpu_percent": 0,
    }
    return Turn(server, "busy", 0, result)


def test_a_table_shows_medians_of_undisturbed_rounds_and_their_ratio_to_the_best_peer() -> None:
    peer, other = ThreadPerClient("peer"), ThreadPerClient("other")
    turns = [turn("peer", 100), turn("peer", 300), turn("peer", 200), turn("peer", 9, others=90), turn("other", 50, 90)]
    turns.append(Turn("other", "saturated", 1, None, "it broke"))
    assert list(medians(turns, "peer", "saturated").values()) == [200, 1.0, 2.0, 90, 50, 1]
    shown = io.StringIO(table(turns, [peer, other], "saturated")).readlines()
    assert shown[1].split()[:3] == ["peer", "200", "1.00x"]
    assert shown[2].split()[:3] == ["other", "50", "0.25x"]
    assert failed(turns[-1]) == "saturated other FAILED in round 2: it broke"


def test_the_cost_of_tls_is_a_ratio_to_the_same_servers_plain_case_and_nothing_without_it() -> None:
    servers = [ThreadPerClient("a"), ThreadPerClient("b")]
    turns = [turn("a", 50, case="tls-saturated"), turn("a", 200), turn("b", 100)]
    rows = cost_of_tls(turns, servers, "tls-saturated").splitlines()
    assert rows[0].split()[:4] == ["TLS", "/", "plain", "deliveries/s"]
    assert [row.split()[:3] for row in rows[1:]] == [["a", "0.25x", "1.00x"]]
    assert cost_of_tls(turns[:1], servers, "tls-saturated") == ""


def test_a_search_that_the_generator_held_up_once_is_marked() -> None:
    turns = [busy("a", 100, "server"), busy("a", 300, "generator"), busy("a", 200, "server"), busy("b", 50, "server")]
    rows = io.StringIO(table(turns, [ThreadPerClient("a"), ThreadPerClient("b")], "busy")).readlines()
    assert rows[1].split()[:3] == ["a", "200", "1.00x"]
    assert "generator" in rows[1]
    assert "generator" not in rows[2]


def test_a_server_that_kept_no_rate_has_no_figure() -> None:
    assert table([busy("a", None, "server")], [ThreadPerClient("a")], "busy").splitlines()[1].split()[:2] == ["a", "-"]


MEDIANS: dict[str, dict[str, dict[str, float | None]]] = {
    "saturated": {
        "fanfare": {"deliveries/s": 125},
        "slow": {"deliveries/s": 10},
        "fast": {"deliveries/s": 100},
        "bare-epoll": {"deliveries/s": 140},
    },
    "steady": {
        "fanfare": {"complete p50": 7.5, "complete p99": 20},
        "slow": {"complete p50": 11, "complete p99": 20},
        "fast": {"complete p50": 10, "complete p99": 30},
    },
    "busy": {"fanfare": {"messages/s": 99}, "slow": {"messages/s": None}, "fast": {"messages/s": 100}},
    "arrival": {
        "fanfare": {"all joins seen": 6, "memory a member": 4.0},
        "fast": {"all joins seen": 10, "memory a member": 1},
    },
}


def test_goals_are_checked_at_their_bounds_and_those_without_figures_show_a_dash() -> None:
    checked = check(MEDIANS, "fanfare", ["slow", "fast"])
    assert [one.goal for one in checked] == [goal.text for goal in GOALS]
    assert [(one.value, one.reference, one.held_by, one.reached) for one in checked] == [
        (125, 100, "fast", True),
        (125, 140, "bare-epoll", False),
        (7.5, 10, "fast", True),
        (20, 20, "slow", False),
        (99, 100, "fast", False),
        (6, 10, "fast", False),
        (4, 1, None, True),
        (None, 1, None, None),
        (None, None, None, None),
    ]
    rows = goals_table(checked).splitlines()
    assert rows[1].split()[-5:] == ["125", "100", "(fast)", "1.25", "yes"]
    assert rows[2].split()[-1] == "no"
    assert rows[-1].split()[-4:] == ["-"] * 4


@pytest.mark.parametrize(
    ("server", "share", "more", "reached"),
    [
        ("fanfare-disk", (0.95, 1.05, 0.85), 0.0, [True, True, True]),
        ("fanfare-disk", (0.94, 1.06, 0.84), 0.0, [False, False, False]),
        ("fanfare-strict", (0.1, 1.0, 0.1), 2.0, [True]),
        ("fanfare-strict", (1.0, 1.0, 1.0), 2.1, [False]),
    ],
)
def test_the_logs_on_disk_are_held_against_the_one_in_memory(
    server: str, share: tuple[float, float, float], more: float, reached: list[bool]
) -> None:
    columns = {"saturated": "deliveries/s", "steady": "complete p50", "busy": "messages/s"}
    medians: dict[str, dict[str, dict[str, float | None]]] = {}
    for (case, column), part in zip(columns.items(), share, strict=True):
        medians[case] = {"fanfare": {column: 100.0}, server: {column: 100.0 * part + more}, "peer": {column: 1.0}}
    assert [one.reached for one in check(medians, server, ["peer"])] == reached


@pytest.mark.parametrize(("ours", "reached"), [(0.0, True), (0.1, True), (0.2, False), (0.3, False)])
def test_an_idle_server_is_below_its_peers_or_at_nothing(ours: float, reached: bool) -> None:
    medians: dict[str, dict[str, dict[str, float | None]]]
    medians = {"idle": {"fanfare": {"server CPU": ours}, "peer": {"server CPU": 0.2}}}
    assert check(medians, "fanfare", ["peer"])[-1].reached is reached
    medians["idle"]["peer"]["server CPU"] = 0.0
    assert check(medians, "fanfare", ["peer"])[-1].reached is (ours == 0)
