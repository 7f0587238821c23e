"""Prometheus reads how a run goes: a line a figure, and nothing before the first run but that there is none."""

from loadtest.core.histogram import Histogram
from loadtest.locust.page import text
from loadtest.run.live import Live, Situation, look


def test_before_the_first_run_there_is_only_that_it_has_not_begun() -> None:
    assert text(None).splitlines()[-1] == "fanfare_up 0"


def test_every_figure_of_a_window_is_a_line() -> None:
    live, complete = Live(), Histogram()
    live.grown["fanout"].add(1_500, 8)
    complete.add(2_000)
    situation = Situation("room", "window 1", 9, 0, 9, 1, 1.0, 2.0)
    lines = text(look(live, complete, situation, None, 3.0)).splitlines()
    assert 'fanfare_users{scenario="room"} 9' in lines
    assert 'fanfare_deliveries{scenario="room",state="delivered"} 8' in lines
    assert 'fanfare_latency_seconds{scenario="room",of="complete",quantile="0.99"} 0.002' in lines
    assert 'fanfare_latency_seconds_count{scenario="room",of="fanout"} 8' in lines
    assert 'fanfare_generator_seconds_count{scenario="room",of="loop_lag"} 0' in lines
    assert all(line.startswith(("#", "fanfare_")) for line in lines)


def test_several_nodes_have_two_more_latencies() -> None:
    live = Live()
    for name in ("within", "across"):
        live.grown[name].add(1_500, 4)
    for nodes, shown in ((1, 0), (2, 4)):
        situation = Situation("room", "window 1", 9, 0, 9, 1, 1.0, 2.0, None, nodes)
        lines = text(look(live, Histogram(), situation, None, 3.0))
        assert lines.count('scenario="room",of="within",quantile=') == shown
        assert lines.count('scenario="room",of="across",quantile=') == shown
