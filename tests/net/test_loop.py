"""A pass: who has their turn, how much of it, and what a fault of ours does."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from bench.still import StillServer, still_server
from chat.server.net import loop as loop_module
from chat.server.net.loop import CALLBACKS_A_PASS, LINES_A_PASS, LINES_A_TURN, UNREAD_BYTES
from chat.server.net.sender import Job
from chat.server.ops.counted import CountedLog
from chat.server.server import Server
from chat.settings import Settings, parse_address
from chat.wires.irc import IrcWire
from tests.support import PATIENCE, RunningServer


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server() as running:
        yield running
        assert running.failures == []


# Turns


def test_of_each_connection_a_turn_of_lines_runs_in_a_pass_one_after_the_other(server: StillServer) -> None:
    ana, bob, watcher = server.connect("ana", "#a"), server.connect("bob", "#a"), server.connect("watcher", "#a")
    watcher.heard.clear()
    for sock in (ana, bob):
        sock.said = b"PRIVMSG #a :x\r\n" * (LINES_A_TURN + 10)
    heard = []
    for _ in range(2):
        server.step()
        heard.append([line[1:4] for line in watcher.lines()])
    assert heard == [["ana"] * LINES_A_TURN + ["bob"] * LINES_A_TURN, ["ana"] * 10 + ["bob"] * 10]


def test_a_pass_runs_a_bounded_number_of_lines_and_everybody_has_a_turn_before_any_has_two() -> None:
    ample = Settings(helpers=0, rate_burst=10**6, address_burst=10**6, speech_burst=10**9)
    with still_server(ample) as server:
        talkers = [server.connect(f"u{letter}x", "#a") for letter in "abcdefghijklmnopqrst"]
        watcher = server.connect("watcher", "#a")
        watcher.heard.clear()
        for sock in talkers:
            sock.said = b"PRIVMSG #a :x\r\n" * 2 * LINES_A_TURN
        counts: list[dict[str, int]] = []
        for _ in range(6):
            server.step()
            nicks = [line[1:4] for line in watcher.lines()]
            assert len(nicks) <= LINES_A_PASS
            counts.append({nick: nicks.count(nick) for nick in nicks})
        assert sum(len(count) for count in counts[:3]) >= 20
        heard: dict[str, int] = {}
        for count in counts:
            for nick, number in count.items():
                heard[nick] = heard.get(nick, 0) + number
            assert max(heard.values()) - min([heard.get(nick, 0) for nick in heard]) <= 2 * LINES_A_TURN
        assert sum(heard.values()) == 20 * 2 * LINES_A_TURN


def test_one_who_talks_faster_than_they_are_run_waits_in_the_kernel_and_loses_nothing(server: StillServer) -> None:
    ana, watcher = server.connect("ana", "#a"), server.connect("watcher", "#a")
    watcher.heard.clear()
    said = [f"PRIVMSG #a :{number} {'x' * 400}" for number in range(1000)]
    ana.said = "".join(f"{line}\r\n" for line in said).encode()
    most = 0
    while ana.said:
        server.step()
        most = max(most, server.connection(ana).wire.waiting)
    server.settle()
    assert most < UNREAD_BYTES + loop_module.READ_BYTES
    assert [line.partition(" :")[2] for line in watcher.lines()] == [line.partition(":")[2] for line in said]


def test_of_what_other_threads_post_a_bounded_number_is_done_in_a_pass(server: StillServer) -> None:
    done: list[int] = []
    for number in range(CALLBACKS_A_PASS + 5):
        server.loop.mailbox.post(lambda number=number: done.append(number))  # type: ignore[misc]
    server.step()
    assert done == list(range(CALLBACKS_A_PASS))
    server.step()
    assert done == list(range(CALLBACKS_A_PASS + 5))


# Long answers


def test_a_long_answer_is_made_in_portions_while_the_others_are_served() -> None:
    with still_server(Settings(helpers=0, rate_limit=0.0, answer_limit=1000)) as server:
        for number in range(100):
            server.connect(f"member{number}", "#big")
        asker, ana = server.connect("asker"), server.connect("ana")
        asker.heard.clear()
        asker.said = b"WHO #big\r\nPING x\r\n"
        portions: list[int] = []
        while not any(b" PONG " in data for data in asker.heard):
            ana.heard.clear()
            ana.said = b"PING y\r\n"
            server.step()
            assert ana.lines() == [":fanfare.local PONG fanfare.local y"]
            portions.append(sum(map(len, asker.heard)) - sum(portions))
        assert len(portions) > 5
        assert max(portions) < 1300
        lines = asker.lines()
        assert [line.split(" ")[1] for line in lines] == ["352"] * 100 + ["315", "PONG"]


def test_a_portion_is_made_only_when_the_asker_has_taken_the_one_before() -> None:
    with still_server(Settings(helpers=0, rate_limit=0.0, answer_limit=1000)) as server:
        for number in range(100):
            server.connect(f"member{number}", "#big")
        asker = server.connect("asker")
        asker.heard.clear()
        asker.room = 500
        server.say(asker, "WHO #big")
        assert server.connection(asker).queue.size < 1000
        for _ in range(100):
            asker.room = 500
            server.settle()
            assert server.connection(asker).queue.size < 1500
        assert asker.lines()[-1].split(" ")[1] == "315"


# Waiting


def test_it_waits_for_the_next_deadline_and_not_at_all_while_there_is_something_to_do(server: StillServer) -> None:
    assert server.poller.timeouts[-1:] in ([], [None])
    server.step()
    assert server.poller.timeouts[-1] is None
    sock = server.adopt(IrcWire())
    server.step()
    timeout = server.poller.timeouts[-1]
    assert timeout is not None
    assert 30.0 <= timeout <= 30.25
    sock.said = b"PING x\r\n" * (LINES_A_TURN + 1)
    server.step()
    server.step()
    assert server.poller.timeouts[-1] == 0.0


# The end


def test_who_comes_while_the_server_stops_is_told_so(server: StillServer) -> None:
    server.connect("ana")
    server.loop.stop("Server is shutting down", 0.0, 5.0)
    server.settle()
    assert server.adopt(IrcWire()).lines() == ["ERROR :Closing link: Server is shutting down"]


def test_a_second_stop_ends_a_drain(server: StillServer) -> None:
    socks = [server.connect(f"user{number}") for number in range(10)]
    server.loop.stop("Server is shutting down", 1000.0, 5.0)
    server.settle()
    server.advance(1.0)
    assert 0 < len(server.node.state.users) < 10
    server.loop.stop("Server is shutting down", 0.0, 5.0)
    server.settle()
    assert all(sock.lines()[-1] == "ERROR :Closing link: Server is shutting down" for sock in socks)


# Faults


@contextlib.contextmanager
def started(**settings: object) -> Iterator[RunningServer]:
    listen = (parse_address("irc://127.0.0.1:0"),)
    server = Server(Settings(listen=listen, rate_limit=0.0, stop_deadline=1.0, **settings))  # type: ignore[arg-type]
    (address,) = server.start()
    with contextlib.ExitStack() as clients:
        try:
            yield RunningServer(server, {"irc": address.port}, clients)
        finally:
            clients.close()
            server.stop()


def fault() -> None:
    raise ZeroDivisionError("a fault of ours")


def test_a_fault_of_the_loop_ends_the_server_with_its_reason_and_closes_every_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.CRITICAL), started() as running:
        ana = running.irc("ana")
        running.server.loop.mailbox.post(fault)
        assert running.server.wait() is False
        assert running.server.failure == (
            "the loop ended after an internal error: ZeroDivisionError('a fault of ours')"
        )
        assert ana.rest() == []
        assert running.server.loop.join(PATIENCE)


def test_a_fault_of_a_helper_ends_the_server_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    work: Callable[[Job], None] = Job.work
    met = threading.Event()

    def faulty(job: Job) -> None:
        if threading.current_thread().name.startswith("helper"):
            met.set()
            fault()
        met.wait(PATIENCE)
        work(job)

    monkeypatch.setattr(Job, "work", faulty)
    with caplog.at_level(logging.CRITICAL), started(helpers=1) as running:
        members = [running.irc(f"user{number}", "#a") for number in range(5)]
        monkeypatch.setattr("chat.server.net.sender.SHARED_FROM", 2)  # now that all are in
        while not met.is_set() and not running.server.failure:  # until a pass is shared
            with contextlib.suppress(OSError):
                members[0].say("#a", "hello")
            running.server._ended.wait(0.01)
        assert running.server.wait() is False
        assert running.server.failure.endswith("ZeroDivisionError('a fault of ours')")


def test_a_fault_of_the_acceptor_ends_the_server_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL), started() as running:
        ana = running.irc("ana", "#a")

        def report(*_: object) -> None:
            fault()

        monkeypatch.setattr(CountedLog, "report", report)
        running.connect()
        assert running.server.wait() is False
        assert running.server.failure == "the acceptor failed: ZeroDivisionError: a fault of ours"
        running.server.stop()
        assert ana.rest() == ["ERROR :Closing link: Server is shutting down"]
