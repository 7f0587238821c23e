"""Who is where and who says what, and what that adds up to over the processes of a run."""

from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from loadtest.accounting.histogram import Histogram
from loadtest.accounting.schedules import read_log
from loadtest.accounting.stamps import MAX_SIZE, MIN_SIZE
from loadtest.judge.verdict import Figures
from loadtest.lead.window import Window
from loadtest.scenarios import SCENARIOS, Scenario
from loadtest.settings.options import Settings
from loadtest.watch.resources import Cost

SECOND = 1_000_000_000  # ns


def scenario(name: str, users: int = 10, **choices: Any) -> Scenario:
    return SCENARIOS[name](Settings(scenario=name, **choices), users)


def test_announcers_share_one_room_and_take_turns() -> None:
    broadcast = scenario("broadcast", announcers=2, rate=4)
    assert {broadcast.room_of(user) for user in range(9)} == {"#load"}
    speakers = broadcast.speakers({"#load": [0, 1, 2, 3]})
    assert [(each.user, each.first_s, each.interval_s) for each in speakers] == [(0, 0, 0.25), (1, 0.125, 0.25)]


def test_rooms_are_filled_one_after_the_other_and_everyone_speaks() -> None:
    room = scenario("room", room="#r", room_size=3, rate=2)
    assert [room.room_of(user) for user in range(7)] == ["#r-1"] * 3 + ["#r-2"] * 3 + ["#r-3"]
    speakers = room.speakers({"#r-1": [0, 1, 2], "#r-2": [3, 4]})
    assert [each.user for each in speakers] == [0, 1, 2, 3, 4]
    assert all(0 <= each.first_s < each.interval_s == 0.5 for each in speakers)


@pytest.mark.parametrize(
    ("name", "choices", "users"), [("broadcast", {"announcers": 5}, 4), ("broadcast", {}, 1), ("room", {}, 1)]
)
def test_options_that_do_not_fit_the_users_are_refused(name: str, choices: dict[str, Any], users: int) -> None:
    with pytest.raises(SetupError):
        scenario(name, users, **choices).check()


@pytest.mark.parametrize(("rate", "duration_s", "count"), [(10, 1, 10), (3, 1, 3), (0.5, 3, 2), (0.4, 1, 1)])
def test_a_sender_says_what_falls_into_the_window(rate: float, duration_s: int, count: int) -> None:
    window = Window(1, 0, duration_s * SECOND, [{"#load": [0, 1]}])
    window.cast(scenario("broadcast", rate=rate), lambda histogram: None)
    assert [speaker[5] for speaker in window.orders({"#load": []})["speakers"]] == [count]


def test_a_window_knows_its_rooms_over_all_processes_and_tells_each_what_it_hears() -> None:
    parts = [{"#r-1": [2, 0], "#r-2": [4]}, {"#r-1": [1]}]
    window = Window(3, 5, 6 * SECOND, parts)
    window.cast(scenario("room", room="#r", room_size=3), lambda histogram: None)
    assert window.rooms == {"#r-1": [0, 1, 2], "#r-2": [4]}
    assert window.users == 4
    assert [speaker[1] for speaker in window.orders(parts[0])["speakers"]] == [0, 1, 2, 4]
    assert [speaker[1] for speaker in window.orders(parts[1])["speakers"]] == [0, 1, 2]


def test_a_message_is_complete_when_every_process_that_has_receivers_says_so() -> None:
    window = Window(1, 0, SECOND, [{"#load": [0]}, {"#load": [1, 2]}, {"#load": [3]}])
    shown: list[int] = []
    window.cast(scenario("broadcast"), lambda histogram: shown.append(histogram.count))
    window.complete([0, 0, 1, 500, 500, 500])  # the speaker's own process has no receiver beside it
    window.complete([0, 0, 2, 700, 700, 700])
    assert shown == [0, 1]


def test_statements_add_up() -> None:
    window = Window(1, 0, 2 * SECOND, [{"#load": [0, 1]}, {"#load": [2]}])
    one = Histogram()
    one.add(500)
    statement = {
        "sent": 2,
        "due": 4,
        "under_way": 1,
        "joined": 3,
        "ended": 3,
        "tenths": [one.pack()] * 10,
        "crowd_sent": {},
        "delivered": 2,
        "duplicated": 1,
        "reordered": 1,
        "late": 1,
        **dict.fromkeys(("stray", "corrupt", "diverged"), 0),
        **dict.fromkeys(("sent_by", "completed", "partial", "lags"), ()),
        "orders": {},
        **{key: [0, 0, 0] for key in ("read", "doubt", "collections")},
        "slices": [one.pack()],
        "send_lateness": one.pack(),
        "loop_lag": one.pack(),
        "receive_backlog": one.pack(),
        "cpu_percent": 10.0,
        "usage": [(10.0, 1000), (30.0, 2000)],
        "stood_still_us": 7,
        "machine": None,
        "dropped": {"reset": 1},
    }
    figures = Figures("broadcast", "host:1", 3)
    other = {"sent": 0, "due": 0, "crowd_sent": {"#load": 1}, "cpu_percent": 20.0, "usage": [(20.0, 500)]}
    window.sum_up(figures, [statement, {**statement, **other}], [(7.0, 4000)])
    assert (figures.duration_s, figures.sent, figures.expected) == (2.0, 3, 2 * 2 + 3)
    assert (figures.delivered, figures.under_way, figures.lost) == (4, 2, 1)
    assert (figures.duplicated, figures.reordered, figures.late) == (2, 2, 2)
    assert (figures.joined, figures.left) == (6, 4)
    assert [tenth.count for tenth in figures.tenths] == [2] * 10
    assert (figures.fanout.count, figures.cpu_percent, figures.dropped) == (2, 20.0, {"reset": 2})
    assert (figures.receive_backlog.count, figures.stood_still_us) == (2, 7)
    assert [(at_s, each.count) for at_s, each in figures.over_time] == [(0.0, 2), (1.0, 0)]
    assert figures.costs == [Cost(20.0, 1500, 7.0, 4000), Cost(30.0, 2000)]


def test_the_seconds_of_a_later_window_count_from_the_first() -> None:
    figures = Figures("crash", "host:1", 3, began_ns=SECOND)
    for start in (SECOND, 9 * SECOND):
        Window(1, start, start + 2 * SECOND, []).sum_up(figures, [], [(1.0, 1), (1.0, 1)])
    Window(3, 20 * SECOND, 60 * SECOND, []).sum_up(figures, [], [(1.0, 1)])
    assert [at_s for at_s, _ in figures.over_time] == [0.0, 1.0, 8.0, 9.0, 19.0], "the third was stopped early"
    assert len(figures.costs) == 5


def test_a_poisson_schedule_is_the_same_for_the_same_seed_and_has_the_rate_that_is_asked_for() -> None:
    def speakers(seed: str) -> list[Any]:
        window = Window(1, 0, 100 * SECOND, [{"#load": [0, 1]}])
        window.cast(scenario("broadcast", rate=20.0, schedule="poisson", seed=seed), lambda histogram: None)
        found: list[Any] = window.orders({"#load": []})["speakers"]
        return found

    (one,), (again,), (other,) = (speakers(seed) for seed in "001")
    assert one == again != other
    assert one[5] == len(one[6])
    assert 1_800 < one[5] < 2_200
    assert one[6] == sorted(one[6])
    assert one[6][-1] < 100 * SECOND


def test_a_recorded_log_is_dealt_out_to_the_senders_with_its_times_and_sizes(tmp_path: Path) -> None:
    log = tmp_path / "chat.log"
    log.write_text("# seconds bytes\n10.0 80\n\n10.5 200\n12.25 9999\n11 1\n99 80\n")
    window = Window(1, 0, 5 * SECOND, [{"#load": [0, 1, 2]}])
    window.cast(scenario("broadcast", announcers=2, replay=str(log)), lambda histogram: None)
    orders = window.orders({"#load": []})
    assert [speaker[6] for speaker in orders["speakers"]] == [[0, SECOND], [SECOND // 2, 2_250_000_000]]
    assert orders["sizes"] == [[0, [80, MIN_SIZE]], [1, [200, MAX_SIZE]]]


@pytest.mark.parametrize(("text", "why"), [("x 5", "line 1: 'x 5' is not like"), ("", "there is no message in it")])
def test_a_log_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "log").write_text(text)
    with pytest.raises(SetupError, match=why):
        read_log(str(tmp_path / "log"))
    with pytest.raises(SetupError, match="No such file"):
        read_log(str(tmp_path / "none"))
