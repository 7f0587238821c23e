"""The heartbeat asks the loop, and tells a loop that is late from one that is stuck."""

from collections.abc import Callable

from chat.server.ops.heartbeat import LAG_BOUNDS, STUCK_AFTER, Heartbeat


class Asked:
    """A heartbeat whose questions wait here, by a clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0
        self.posted: list[Callable[[], None]] = []
        self.heartbeat = Heartbeat(self.posted.append, clock=lambda: self.now)

    def answer(self) -> None:
        self.posted.pop()()


def test_an_answer_counts_as_long_as_it_took() -> None:
    asked = Asked()
    for lag in (0.0, 0.004, 7.0):
        asked.heartbeat.beat()
        asked.now += lag
        assert round(asked.heartbeat.silence(), 6) == lag
        asked.answer()
        assert asked.heartbeat.silence() == 0.0
    counts = dict(zip((*LAG_BOUNDS, "more"), asked.heartbeat.lags, strict=True))
    assert {bound: count for bound, count in counts.items() if count} == {0.0005: 1, 0.005: 1, "more": 1}
    assert round(asked.heartbeat.lagged, 6) == 7.004


def test_a_loop_that_does_not_answer_is_stuck_and_is_not_asked_again() -> None:
    asked = Asked()
    for _ in range(3):
        asked.heartbeat.beat()
    assert len(asked.posted) == 1
    asked.now += STUCK_AFTER
    assert not asked.heartbeat.is_stuck
    asked.now += 0.1
    assert asked.heartbeat.is_stuck
    asked.answer()
    assert not asked.heartbeat.is_stuck
    asked.heartbeat.beat()
    assert len(asked.posted) == 1


def test_who_wants_to_know_is_told_of_answers_only() -> None:
    posted: list[Callable[[], None]] = []
    told: list[int] = []
    heartbeat = Heartbeat(posted.append, lambda: told.append(len(posted)), interval=0.001)
    heartbeat.start()
    while not posted:
        pass
    posted[0]()
    while not told or len(posted) < 2:  # told of the first answer, then asked again
        pass
    heartbeat.stop()
    assert len(posted) == 2
    assert set(told) <= {1, 2}
