"""Who is where and who says what, and what that adds up to over the processes of a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from loadtest.core.histogram import Histogram
from loadtest.core.result import Cost, Figures
from loadtest.core.schedules import read_log
from loadtest.core.stamps import MAX_SIZE, MIN_SIZE
from loadtest.core.statement import Statement
from loadtest.run.messages import SenderPlan
from loadtest.run.scenario import SCENARIOS, Scenario
from loadtest.run.window import Window

SECOND = 1_000_000_000  # ns


def scenario(name: str, users: int = 10, **choices: Any) -> Scenario:
    kind = SCENARIOS[name]
    return kind(kind.settings_type(scenario=name, **choices), users)


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
    window.assign(scenario("broadcast", rate=rate), lambda histogram: None)
    assert [each.count for each in window.opening({"#load": []}).senders] == [count]


def test_a_window_knows_its_rooms_over_all_processes_and_tells_each_what_it_hears() -> None:
    parts = [{"#r-1": [2, 0], "#r-2": [4]}, {"#r-1": [1]}]
    window = Window(3, 5, 6 * SECOND, parts)
    window.assign(scenario("room", room="#r", room_size=3), lambda histogram: None)
    assert window.rooms == {"#r-1": [0, 1, 2], "#r-2": [4]}
    assert window.users == 4
    assert [each.user for each in window.opening(parts[0]).senders] == [0, 1, 2, 4]
    assert [each.user for each in window.opening(parts[1]).senders] == [0, 1, 2]


def test_a_message_is_complete_when_every_process_that_has_receivers_says_so() -> None:
    window = Window(1, 0, SECOND, [{"#load": [0]}, {"#load": [1, 2]}, {"#load": [3]}])
    shown: list[int] = []
    window.assign(scenario("broadcast"), lambda histogram: shown.append(histogram.count))
    window.complete([0, 0, 1, 500, 500, 500])  # the speaker's own process has no receiver beside it
    window.complete([0, 0, 2, 700, 700, 700])
    assert shown == [0, 1]


def test_statements_add_up() -> None:
    window = Window(1, 0, 2 * SECOND, [{"#load": [0, 1]}, {"#load": [2]}])
    one = Histogram()
    one.add(500)
    statement = Statement(
        sent={0: 2},
        due=4,
        under_way=1,
        joined=3,
        ended=3,
        tenths=[one] * 10,
        delivered=2,
        duplicated=1,
        reordered=1,
        late=1,
        slices=[one],
        send_lateness=one,
        loop_lag=one,
        receive_backlog=one,
        cpu_percent=10.0,
        usage=[[(10.0, 1000), (30.0, 2000)]],
        stood_still_us=7,
        dropped={"reset": 1},
    )
    figures = Figures("broadcast", "host:1", 3)
    other = replace(statement, sent={}, due=0, crowd_sent={"#load": 1}, cpu_percent=20.0, usage=[[(20.0, 500)]])
    window.sum_up(figures, statement + other, [(7.0, 4000)])
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
        Window(1, start, start + 2 * SECOND, []).sum_up(figures, Statement(), [(1.0, 1), (1.0, 1)])
    Window(3, 20 * SECOND, 60 * SECOND, []).sum_up(figures, Statement(), [(1.0, 1)])
    assert [at_s for at_s, _ in figures.over_time] == [0.0, 1.0, 8.0, 9.0, 19.0], "the third was stopped early"
    assert len(figures.costs) == 5


def test_a_poisson_schedule_is_the_same_for_the_same_seed_and_has_the_rate_that_is_asked_for() -> None:
    def senders(seed: str) -> list[SenderPlan]:
        window = Window(1, 0, 100 * SECOND, [{"#load": [0, 1]}])
        window.assign(scenario("broadcast", rate=20.0, schedule="poisson", seed=seed), lambda histogram: None)
        return window.opening({"#load": []}).senders

    (one,), (again,), (other,) = (senders(seed) for seed in "001")
    assert one == again != other
    assert one.count == len(one.times_ns)
    assert 1_800 < one.count < 2_200
    assert one.times_ns == sorted(one.times_ns)
    assert one.times_ns[-1] < 100 * SECOND


@pytest.mark.parametrize(("rate", "seconds", "burst"), [(20.0, 100, 10), (3.0, 1, 10), (7.0, 3, 4), (1.0, 5, 1)])
def test_bursts_have_as_many_messages_as_an_even_schedule_and_all_senders_speak_at_once(
    rate: float, seconds: int, burst: int
) -> None:
    def senders(seed: str, schedule: str = "bursts") -> list[SenderPlan]:
        window = Window(1, 0, seconds * SECOND, [{"#load": [0, 1, 2]}])
        settings: dict[str, Any] = {"rate": rate, "announcers": 2, "burst": burst, "seed": seed, "schedule": schedule}
        window.assign(scenario("broadcast", **settings), lambda histogram: None)
        return window.opening({"#load": []}).senders

    one, again, other = (senders(seed) for seed in "001")
    assert one == again != other
    assert one[0].times_ns == one[1].times_ns
    assert [each.count for each in one] == [each.count for each in senders("0", "even")]
    times = one[0].times_ns
    assert len(times) == one[0].count
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < seconds * SECOND
    sizes = [times.count(moment) for moment in dict.fromkeys(times)]
    assert sizes[:-1] == [burst] * (len(sizes) - 1)
    assert 0 < sizes[-1] <= burst


def test_a_recorded_log_is_dealt_out_to_the_senders_with_its_times_and_sizes(tmp_path: Path) -> None:
    log = tmp_path / "chat.log"
    log.write_text("# seconds bytes\n10.0 80\n\n10.5 200\n12.25 9999\n11 1\n99 80\n")
    window = Window(1, 0, 5 * SECOND, [{"#load": [0, 1, 2]}])
    window.assign(scenario("broadcast", announcers=2, replay=str(log)), lambda histogram: None)
    opening = window.opening({"#load": []})
    assert [each.times_ns for each in opening.senders] == [[0, SECOND], [SECOND // 2, 2_250_000_000]]
    assert opening.sizes == {0: [80, MIN_SIZE], 1: [200, MAX_SIZE]}


@pytest.mark.parametrize(("text", "why"), [("x 5", "line 1: 'x 5' is not like"), ("", "there is no message in it")])
def test_a_log_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "log").write_text(text)
    with pytest.raises(SetupError, match=why):
        read_log(str(tmp_path / "log"))
    with pytest.raises(SetupError, match="No such file"):
        read_log(str(tmp_path / "none"))
