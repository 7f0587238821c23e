"""An order that Locust dropped is given again, until there is an answer or the time is over."""

from typing import Any

import pytest

from loadtest.run import workers
from loadtest.run.workers import Over, Workers


class Channel:
    """To one process, which hears only every `hears`-th order."""

    is_apart = False

    def __init__(self, hears: int) -> None:
        self.hears = hears
        self.sent: list[dict[str, Any]] = []
        self.workers: Workers

    def names(self) -> list[str]:
        return ["local"]

    def has_gone(self, name: str) -> bool:
        return False

    def index(self, name: str) -> int:
        return 0

    def send(self, name: str, order: dict[str, Any]) -> None:
        self.sent.append(order)
        if len(self.sent) % self.hears == 0:
            self.workers.note_answer(name, {"to": order["order"], "data": {"turn": len(self.sent)}})


def led(hears: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Channel, Workers]:
    monkeypatch.setattr(workers, "_AGAIN_NS", 1_000_000)
    channel = Channel(hears)
    channel.workers = Workers(channel)
    return channel, channel.workers


def test_an_order_that_is_answered_at_once_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, one = led(1, monkeypatch)
    assert one.order("plan", {"local": {"rank": 0}}, 60) == [{"turn": 1}]
    assert channel.sent == [{"order": "plan", "data": {"rank": 0}}]


def test_an_order_without_an_answer_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, one = led(3, monkeypatch)
    assert one.order("plan", {"local": {"rank": 0}}, 60) == [{"turn": 3}]
    assert channel.sent == [{"order": "plan", "data": {"rank": 0}}] * 3


def test_a_process_that_cannot_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, one = led(1_000_000, monkeypatch)
    channel.send = lambda name, order: one.note_answer(name, {"to": "hold", "fault": "no room"})  # type: ignore[method-assign]
    with pytest.raises(Over, match="no room"):
        one.ask("hold", {}, 60)


def test_a_process_that_never_answers_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    _, one = led(1_000_000, monkeypatch)
    with pytest.raises(Over, match=r"a generator process did not answer within 0\.01 s"):
        one.order("plan", {"local": {}}, 0.01)
