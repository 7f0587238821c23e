"""The hashing thread: results come back by the mailbox, faults end nothing, and what waits is bounded."""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from chat.server.accounts.hashing import HashingThread


def test_results_come_back_in_order_and_a_fault_is_told_as_none(caplog: pytest.LogCaptureFixture) -> None:
    posted: SimpleQueue[Callable[[], None]] = SimpleQueue()
    hasher, done = HashingThread(), list[object]()
    hasher.start(posted.put)

    def fault() -> str:
        raise RuntimeError

    with caplog.at_level(logging.CRITICAL):
        assert hasher.run(lambda: "one", done.append)
        assert hasher.run(fault, done.append)
        assert hasher.run(lambda: "three", done.append)
        for _ in range(3):
            posted.get(timeout=50)()
    hasher.close()
    assert done == ["one", None, "three"]


def test_only_so_many_wait_and_the_end_drops_them() -> None:
    posted: SimpleQueue[Callable[[], None]] = SimpleQueue()
    begun, go = threading.Event(), threading.Event()
    hasher = HashingThread(waiting=2)
    hasher.start(posted.put)

    def first() -> bool:
        begun.set()
        return go.wait(50)

    def ignore(result: object) -> None: ...

    assert hasher.run(first, ignore)
    assert begun.wait(50)
    assert [hasher.run(lambda: 1, ignore) for _ in range(3)] == [True, True, False]

    def let_go() -> None:
        while hasher._tasks.qsize() == 2:
            pass
        go.set()

    threading.Thread(target=let_go).start()
    hasher.close()
    assert posted.qsize() == 1
