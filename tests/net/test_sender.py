"""A pass is sent by the loop alone or with its helpers: each socket is offered its bytes once, by somebody."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from bench.still import StillServer
from chat.server.net import sender
from chat.server.net.connections import Connections
from chat.server.net.sender import AT_ONCE, SHARED_FROM, SendLoop
from tests.support import PATIENCE, running_server


class FakeSocket:
    """Notes who sends; takes all, some, or fails."""

    def __init__(self, outcome: int | OSError | None = None, meet: threading.Barrier | None = None) -> None:
        self.outcome = outcome
        self.meet = meet
        self.sent_by: list[str] = []

    def send(self, data: bytes) -> int:
        if self.meet:
            self.meet.wait(PATIENCE)
        self.sent_by.append(threading.current_thread().name)
        if isinstance(self.outcome, OSError):
            raise self.outcome
        return len(data) if self.outcome is None else self.outcome


@contextmanager
def helpers(number: int) -> Iterator[Any]:
    running = SendLoop(number)
    running.start()
    try:
        yield running
    finally:
        running.stop()
        for thread in running._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


class Member:
    def __init__(self, sock: FakeSocket) -> None:
        self.sock = sock


def plan_of(socks: Sequence[FakeSocket]) -> dict[Any, tuple[bytes, int, int]]:
    return {Member(sock): (b"good morning", 12, 0) for sock in socks}


@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.parametrize("share", [False, True])
def test_each_socket_is_offered_its_bytes_once(number: int, share: bool) -> None:
    socks = [FakeSocket() for _ in range(3 * SHARED_FROM + 1)]
    with helpers(number) as send_loop:
        assert send_loop.send(plan_of(socks), share) == []
    assert all(len(sock.sent_by) == 1 for sock in socks)


def test_a_helper_sends_while_the_loop_does() -> None:
    """The first socket that each of the two takes waits for the other's."""
    meet = threading.Barrier(2)
    socks = [FakeSocket(meet=meet if number % AT_ONCE == 0 else None) for number in range(2 * AT_ONCE)]
    socks += [FakeSocket() for _ in range(SHARED_FROM)]
    with helpers(1) as send_loop:
        send_loop.send(plan_of(socks), share=True)
    first, second = socks[0].sent_by[0], socks[AT_ONCE].sent_by[0]
    assert {first, second} == {"MainThread", "helper-1"}


def test_the_loop_goes_on_only_when_the_helper_has_sent_too() -> None:
    """The helper stands still in its first send until the loop waits for it."""
    started, go = threading.Event(), threading.Event()

    class HeldSocket(FakeSocket):
        def send(self, data: bytes) -> int:
            if threading.current_thread() is threading.main_thread():
                started.wait(PATIENCE)
            else:
                started.set()
                go.wait(PATIENCE)
            return super().send(data)

    class Done:
        def __init__(self, queue: Any) -> None:
            self.queue = queue
            self.put = queue.put

        def get(self) -> None:
            go.set()
            self.queue.get()

    socks = [HeldSocket() for _ in range(SHARED_FROM)]
    with helpers(1) as send_loop:
        send_loop._done = Done(send_loop._done)
        send_loop.send(plan_of(socks), share=True)
        sent = sum(len(sock.sent_by) for sock in socks)
        go.set()
    assert sent == SHARED_FROM


@pytest.mark.parametrize(("size", "share"), [(SHARED_FROM - 1, True), (10 * SHARED_FROM, False)])
def test_little_and_what_is_not_to_be_shared_wakes_nobody(size: int, share: bool) -> None:
    socks = [FakeSocket() for _ in range(size)]
    with helpers(1) as send_loop:
        send_loop.send(plan_of(socks), share)
        assert send_loop._jobs.empty()
    assert {name for sock in socks for name in sock.sent_by} == {"MainThread"}


@pytest.mark.parametrize("share", [False, True])
def test_whoever_took_less_or_nothing_is_told_of_and_the_others_are_served(share: bool) -> None:
    socks = [FakeSocket() for _ in range(100)]
    socks[3].outcome, socks[50].outcome, socks[90].outcome = 5, BlockingIOError(), ConnectionResetError("gone")
    with helpers(1) as send_loop:
        shorts = send_loop.send(plan_of(socks), share)
    assert {short.connection.sock: short.outcome for short in shorts} == {
        socks[3]: 5,
        socks[50]: 0,
        socks[90]: socks[90].outcome,
    }
    assert all(len(sock.sent_by) == 1 for sock in socks)


def test_the_loop_shares_while_it_rests_longer_than_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[bool] = []
    server = StillServer()
    clock = SimpleNamespace(rest=0.0, send=0.0)

    def timed_send(connections: Connections, share: bool = False) -> None:
        shares.append(share)
        server.now += clock.send

    def timed_poll(timeout: float | None) -> Any:
        server.now += clock.rest
        return []

    monkeypatch.setattr(Connections, "send", timed_send)
    monkeypatch.setattr(server.poller, "poll", timed_poll)
    for clock.rest, clock.send in [(0.04, 0.01), (0.04, 0.01), (0.002, 0.01), (0.0, 0.01), (0.02, 0.01), (0.02, 0.05)]:
        server.step()
    server.step()
    server.close()
    assert shares == [True, True, False, False, True, True, False]


def test_a_fault_of_ours_in_a_helper_is_the_loops_to_raise() -> None:
    """The loop waits in its first send until the helper has come upon the fault."""
    met = threading.Event()

    class FaultySocket(FakeSocket):
        def send(self, data: bytes) -> int:
            if threading.current_thread() is threading.main_thread():
                met.wait(PATIENCE)
                return super().send(data)
            met.set()
            raise ZeroDivisionError("a fault of ours")

    with helpers(1) as send_loop:
        with pytest.raises(ZeroDivisionError):
            send_loop.send(plan_of([FaultySocket() for _ in range(SHARED_FROM)]), share=True)
        assert send_loop._done.empty()
        assert send_loop.send(plan_of([FakeSocket() for _ in range(SHARED_FROM)]), share=True) == []


def test_a_fault_of_ours_in_the_loop_waits_for_the_helper_too() -> None:
    at_fault = threading.Event()

    class FaultySocket(FakeSocket):
        def send(self, data: bytes) -> int:
            if threading.current_thread() is threading.main_thread():
                at_fault.set()
                raise ZeroDivisionError("a fault of ours")
            at_fault.wait(50)  # or the helper may be done before the loop has sent anything
            return super().send(data)

    with helpers(1) as send_loop:
        with pytest.raises(ZeroDivisionError):
            send_loop.send(plan_of([FaultySocket() for _ in range(10 * SHARED_FROM)]), share=True)
        assert send_loop._done.empty()
        assert send_loop._jobs.empty()


@pytest.mark.parametrize("number", [1, 3])
def test_what_many_are_told_by_several_threads_arrives_whole_and_in_order(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SHARED_FROM", 2)
    monkeypatch.setattr(sender, "AT_ONCE", 1)
    send = Connections.send
    monkeypatch.setattr(Connections, "send", lambda connections, share=False: send(connections, True))
    with running_server(helpers=number) as server:
        members = [server.irc(f"user{number}", "#a") for number in range(30)]
        members[-1].sync()
        for number in range(50):
            for talker in members[:3]:
                talker.say("#a", f"{talker.nick} {number}")
        heard = []
        for listener in members[3:]:
            words: list[str] = []
            while len(words) < 150:
                message = listener.read()
                assert message is not None
                if message.verb == "PRIVMSG":
                    words.append(message.params[-1])
            heard.append(words)
    assert all(words == heard[0] for words in heard)
    for nick in ("user0", "user1", "user2"):
        assert [word for word in heard[0] if word.startswith(f"{nick} ")] == [
            f"{nick} {number}" for number in range(50)
        ]
