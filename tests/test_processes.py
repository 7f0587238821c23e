"""An order that Locust dropped is given again, until there is an answer or the time is over."""

from typing import Any

import pytest

from loadtest.lead import processes
from loadtest.lead.processes import Over, Processes


class Runner:
    """A local runner whose process hears only every `hears`-th order."""

    def __init__(self, hears: int) -> None:
        self.hears = hears
        self.sent: list[dict[str, Any]] = []
        self.processes: Processes

    def send_message(self, kind: str, order: dict[str, Any]) -> None:
        self.sent.append(order)
        if len(self.sent) % self.hears == 0:
            self.processes.note_answer("local", {"to": order["order"], "turn": len(self.sent)})


def led(hears: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Runner, Processes]:
    monkeypatch.setattr(processes, "_AGAIN_NS", 1_000_000)
    runner = Runner(hears)
    runner.processes = Processes(runner)
    return runner, runner.processes


def test_an_order_that_is_answered_at_once_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, one = led(1, monkeypatch)
    assert one.order("plan", {"local": {"rank": 0}}, 60) == [{"to": "plan", "turn": 1}]
    assert runner.sent == [{"order": "plan", "rank": 0}]


def test_an_order_without_an_answer_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, one = led(3, monkeypatch)
    assert one.order("plan", {"local": {"rank": 0}}, 60) == [{"to": "plan", "turn": 3}]
    assert runner.sent == [{"order": "plan", "rank": 0}] * 3


def test_a_process_that_never_answers_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    _, one = led(1_000_000, monkeypatch)
    with pytest.raises(Over, match=r"a generator process did not answer within 0\.01 s"):
        one.order("plan", {"local": {}}, 0.01)
