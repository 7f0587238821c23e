"""The promises of the design, over real sockets."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from chat.server.log.memory import MemoryLog
from chat.wires.message import Message
from tests.support import IrcClient, running_server


@contextmanager
def frequent_switches() -> Iterator[None]:
    """Let the interpreter change threads as often as it can, so that a missing lock shows."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def texts(client: IrcClient) -> list[str]:
    return [message.params[1] for message in client.sync() if message.verb == "PRIVMSG"]


def in_parallel(*jobs: threading.Thread) -> None:
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()


def test_every_member_sees_one_order_and_it_is_the_order_of_the_rooms_log() -> None:
    with running_server(memory_length=10_000) as server, frequent_switches():
        clients = [server.irc(f"user{number}", "#a", caps="echo-message") for number in range(6)]

        def talk(client: IrcClient) -> None:
            for number in range(100):
                client.say("#a", f"{client.nick}/{number}")

        in_parallel(*(threading.Thread(target=talk, args=(client,)) for client in clients))
        for client in clients:
            client.sync()  # everything said is in the log now
        orders = []
        for client in clients:
            client.say("#a", f"end {client.nick}")
        for client in clients:
            seen: list[str] = []
            while sum(text.startswith("end ") for text in seen) < len(clients):
                message = client.expect("PRIVMSG")
                seen.append(message.params[1])
            orders.append(seen)
        log = server.server.loop.node.log
        assert isinstance(log, MemoryLog)
        said = [entry.request.params[1] for entry in log.entries if entry.request.verb == "PRIVMSG"]
        # The syncs above have read part of each stream: what is left is a tail of the log.
        for seen in orders:
            assert seen == said[-len(seen) :]


def test_all_that_is_said_reaches_every_member_once_in_one_order() -> None:
    with running_server() as server, frequent_switches():
        talkers = [server.irc(f"user{number}", "#a") for number in range(4)]
        listeners = [server.irc(f"quiet{number}", "#a") for number in range(4)]
        got: dict[str, list[str]] = {}

        def talk(client: IrcClient) -> None:
            client.send(*(f"PRIVMSG #a :{client.nick}/{number}" for number in range(250)))

        def listen(client: IrcClient) -> None:
            got[client.nick] = [client.expect("PRIVMSG").params[1] for _ in range(1000)]

        in_parallel(
            *(threading.Thread(target=talk, args=(client,)) for client in talkers),
            *(threading.Thread(target=listen, args=(client,)) for client in listeners),
        )
        first, *others = got.values()
        assert sorted(first) == sorted(f"user{user}/{number}" for user in range(4) for number in range(250))
        assert all(other == first for other in others)


def test_a_joiner_sees_its_own_join_first_and_none_of_the_words_before_it() -> None:
    with running_server() as server, frequent_switches():
        talker = server.irc("talker", "#a")
        joiners = [server.irc(f"joiner{number}") for number in range(20)]
        stop = threading.Event()

        def talk() -> None:
            numbers = count()
            while not stop.is_set():
                talker.send(*(f"PRIVMSG #a :{next(numbers)}" for _ in range(20)))
                talker.sync()

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            for joiner in joiners:
                joiner.send("JOIN #a")
                first = joiner.read()
                assert first is not None
                assert (first.verb, first.nick) == ("JOIN", joiner.nick)
                heard = [int(joiner.expect("PRIVMSG").params[1]) for _ in range(30)]
                assert heard == list(range(heard[0], heard[0] + 30))
                joiner.send("PART #a")
                joiner.expect("PART")
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("way", ["PART #a", "KICK"])
def test_after_a_leave_nothing_more_of_the_room_arrives(way: str) -> None:
    with running_server() as server, frequent_switches():
        operator, leaver = server.irc("op", "#a"), server.irc("leaver", "#a")
        talker = server.irc("talker", "#a")
        for round_number in range(10):
            talker.send(*(f"PRIVMSG #a :{round_number}/{number}" for number in range(50)))
            if way == "KICK":
                operator.send("KICK #a leaver :out")
                leaver.expect("KICK")
            else:
                leaver.send(way)
                leaver.expect("PART")
            talker.say("#a", "afterwards")
            talker.sync()
            assert leaver.sync() == []
            leaver.join("#a")


def test_a_rename_is_told_once_and_between_the_words_under_both_names() -> None:
    with running_server() as server:
        ana, bob = server.irc("ana", "#a", "#b", "#c"), server.irc("bob", "#a", "#b", "#c")
        ana.send("PRIVMSG #a :1", "PRIVMSG #b :2", "NICK anna", "PRIVMSG #b :3", "PRIVMSG #a :4")
        ana.sync()
        seen = [(message.nick, message.verb, message.params[-1]) for message in bob.sync()]
        assert seen.count(("ana", "NICK", "anna")) == 1
        renamed = seen.index(("ana", "NICK", "anna"))
        assert set(seen[:renamed]) == {("ana", "PRIVMSG", "1"), ("ana", "PRIVMSG", "2")}
        assert set(seen[renamed + 1 :]) == {("anna", "PRIVMSG", "3"), ("anna", "PRIVMSG", "4")}


def test_who_quits_is_announced_once_to_each_who_shared_any_room() -> None:
    with running_server() as server:
        ana = server.irc("ana", "#a", "#b")
        both, one, none = server.irc("both", "#a", "#b"), server.irc("one", "#b"), server.irc("none", "#c")
        ana.send("PRIVMSG #a :last words", "QUIT :bye")
        assert ana.rest()[-1].startswith("ERROR :")
        assert [message.verb for message in both.sync() if message.nick == "ana"] == ["PRIVMSG", "QUIT"]
        assert [message.verb for message in one.sync() if message.nick == "ana"] == ["QUIT"]
        assert none.sync() == []


def test_an_answer_never_overtakes_the_events_before_it() -> None:
    with running_server() as server:
        ana = server.irc("ana", "#a", "#b", caps="echo-message")
        ana.send("PRIVMSG #a :1", "PRIVMSG #b :2", "PING x", "PRIVMSG #a :3", "PING y")
        seen = [message.params[-1] for message in ana.until("PONG") + ana.until("PONG")]
        assert sorted(seen[:2]) == ["1", "2"]
        assert seen[2:] == ["x", "3", "y"]


class WatchedLock:
    """A lock that knows who holds it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.holder: int | None = None
        self.takes = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self.holder = threading.get_ident()
        self.takes += 1

    def __exit__(self, *_: object) -> None:
        self.holder = None
        self._lock.release()


def test_the_one_lock_between_acceptor_and_loop_is_not_held_across_a_system_call() -> None:
    lock = WatchedLock()
    calls: list[tuple[str, bool]] = []

    def note(frame: object, kind: str, function: object) -> None:
        owner = type(getattr(function, "__self__", None)).__name__
        if kind == "c_call" and owner in ("socket", "epoll"):
            calls.append((getattr(function, "__name__", ""), lock.holder == threading.get_ident()))

    threading.setprofile(note)  # for the threads that start from here on: the loop and the acceptor
    try:
        with running_server() as server:
            server.server.gate._lock = lock  # type: ignore[assignment]
            for number in range(10):
                ana = server.irc(f"ana{number}", "#a")
                ana.send("QUIT")
                ana.rest()
    finally:
        threading.setprofile(None)
    assert lock.takes > 10
    assert {"send", "recv", "poll", "accept"} <= {name.removeprefix("_") for name, _ in calls}
    assert not [name for name, held in calls if held]


def test_a_reader_that_lags_over_the_limit_for_too_long_is_dropped_and_the_others_still_receive() -> None:
    with running_server(lag_limit=20_000, lag_time=0.5) as server:
        server.slow("slow", "#a")
        listener, talker = server.irc("listener", "#a"), server.irc("talker", "#a")
        quit_reason = None
        sent = 0
        heard: list[Message] = []
        while quit_reason is None and sent < 1_000_000:
            talker.send(*(f"PRIVMSG #a :{'x' * 400}" for _ in range(20)))  # the listener is never over the limit
            sent += 20
            quit_reason = next((message for message in talker.sync() if message.verb == "QUIT"), None)
            heard += listener.sync()
        assert quit_reason is not None
        assert quit_reason.nick == "slow"
        assert quit_reason.params[0].startswith("Slow reader: ")
        assert "the limit is 20,000" in quit_reason.params[0]
        assert sum(message.verb == "PRIVMSG" for message in heard) == sent
        assert sum(message.verb == "QUIT" for message in heard) == 1


def test_a_member_that_does_not_read_delays_nobody() -> None:
    with running_server(lag_limit=100_000_000) as server:
        server.slow("stuck", "#a")
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        for number in range(1000):
            ana.send(*(f"PRIVMSG #a :{number} {'x' * 400}" for _ in range(100)))
            assert all(bob.expect("PRIVMSG").params[1].startswith(f"{number} ") for _ in range(100))
            if any(connection.queue.oldest is not None for connection in server.server.loop.connections):
                break
        else:
            pytest.fail("the kernel took everything for a member that never read")
        ana.say("#a", "after its socket was full")
        assert bob.expect("PRIVMSG").params[1] == "after its socket was full"


def test_senders_that_are_faster_than_the_server_wait_in_the_kernel_and_nothing_is_lost() -> None:
    with running_server() as server, frequent_switches():
        talkers = [server.irc(f"user{number}", "#a") for number in range(4)]
        listener = server.irc("listener", "#a")

        def talk(client: IrcClient) -> None:
            client.send(*(f"PRIVMSG #a :{number} {'x' * 200}" for number in range(2000)))

        threads = [threading.Thread(target=talk, args=(client,)) for client in talkers]
        for thread in threads:
            thread.start()
        heard: dict[str, list[int]] = {}
        for _ in range(8000):
            message = listener.expect("PRIVMSG")
            heard.setdefault(message.nick, []).append(int(message.params[1].partition(" ")[0]))
        for thread in threads:
            thread.join()
        assert heard == {client.nick: list(range(2000)) for client in talkers}
