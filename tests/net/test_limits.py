"""Every limit at the limit and one past it, over real sockets; and what a stranger beyond it is told."""

import contextlib
import os
import resource
import socket
import subprocess
import sys

import pytest

from bench.still import still_server
from chat.settings import Settings
from tests.support import PATIENCE, IrcClient, running_server


def test_the_last_place_is_given_and_the_next_client_is_told_that_the_server_is_full() -> None:
    with running_server(max_connections=2, max_per_address=2) as server:
        first, second = server.irc("first"), server.irc("second")
        refused = server.raw()
        assert refused.rest() == ["ERROR :Closing link: server is full: 2 connections, the limit is 2"]
        first.send("QUIT")
        first.rest()
        first.sock.close()
        assert second.sync() == []
        while True:  # until the place is counted free
            client = server.raw()
            client.send("PING x")
            if (client.read_line() or "").startswith(":"):
                break
        second.sync()


def test_one_address_cannot_take_the_places_of_the_others() -> None:
    with running_server(max_connections=4, exempt=()) as server:
        server.irc("first"), server.irc("second")
        assert server.raw().rest() == [
            "ERROR :Closing link: too many connections from 127.0.0.1: it has 2, and 2 places are free"
        ]
        other = IrcClient(server.connect(source="127.0.1.2"))
        other.register("other")


@pytest.mark.parametrize(
    ("scheme", "told"),
    [
        ("relay", "* server is full: 0 connections, the limit is 0"),
        ("tilde", "SERVER~server is full: 0 connections, the limit is 0"),
    ],
)
def test_a_refusal_comes_in_the_clients_own_wire(scheme: str, told: str) -> None:
    with running_server((scheme,)) as server:
        server.server.gate.limit = 0
        assert server.plain(scheme).rest() == told


def test_without_a_descriptor_left_a_client_gets_an_error_line_and_the_server_goes_on() -> None:
    """In a process of its own, whose limit of open files is low."""
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)); from chat.cli import main; "
        "sys.exit(main(['serve', '--listen', 'irc://127.0.0.1:0', '--max-connections', '1000', "
        "'--max-per-address', '1000', '--rate-limit', 'off']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    sockets: list[socket.socket] = []
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])

        def connect() -> IrcClient:
            sockets.append(socket.create_connection(("127.0.0.1", port), PATIENCE))
            return IrcClient(sockets[-1])

        member = connect()
        member.register("member")
        refusals: list[str] = []
        while len(refusals) < 20:
            assert len(sockets) < 400
            client = connect()
            client.send("PING x")
            line = client.read_line()
            if line is not None and line.startswith("ERROR"):
                refusals.append(line)
        assert set(refusals) == {"ERROR :Closing link: server is out of file descriptors"}
        member.sync()
        for sock in sockets[1:]:
            sock.close()
        member.sync()
        back = connect()
        back.send("PING x")
        while (line := back.read_line()) is not None and line.startswith("ERROR"):  # until the closed ones are counted
            back = connect()
            back.send("PING x")
        back.register("back")
    finally:
        for sock in sockets:
            sock.close()
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    script = (
        "import resource; from chat.server.server import raise_file_limit; "
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard)); "
        "raise_file_limit(); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard)"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "True\n"
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 200


def test_a_user_over_the_rate_waits_and_loses_nothing() -> None:
    with running_server(rate_limit=20.0, rate_burst=10) as server:
        listener = server.irc("listener", "#a")
        talker = server.irc("talker", "#a")  # CAP, NICK, USER, JOIN have used some of the burst
        talker.send(*(f"PRIVMSG #a :{number}" for number in range(30)))
        heard = [listener.expect("PRIVMSG").params[1] for _ in range(30)]
        assert heard == [str(number) for number in range(30)]


def test_one_users_flood_does_not_slow_anothers_words() -> None:
    with running_server(rate_limit=1.0, rate_burst=20) as server:
        flooder, ana, bob = server.irc("flooder", "#a"), server.irc("ana", "#a"), server.irc("bob", "#a")
        flooder.send(*(f"PRIVMSG #a :{number}" for number in range(1000)))
        ana.say("#a", "excuse me")
        heard: list[str] = []
        while not heard or heard[-1] != "excuse me":
            heard.append(bob.expect("PRIVMSG").params[1])
        assert len(heard) < 30


@pytest.mark.parametrize("scheme", ["relay", "joined", "tilde", "nick"])
def test_an_unframed_client_that_never_pauses_is_cut_off_and_the_others_learn_why(scheme: str) -> None:
    with running_server(("irc", scheme), input_limit=10_000, rate_limit=5.0) as server:
        observer = server.irc("observer", "#lobby")
        client = server.plain(scheme)
        client.send({"joined": "joined:flo"}.get(scheme, "flo"))
        observer.expect("JOIN")
        with contextlib.suppress(OSError):  # cut off while it sends
            for _ in range(100):
                client.send("x" * 1000)
        reason = observer.expect("QUIT").params[0]
        assert reason.startswith("Excess flood: ")
        assert reason.endswith(" bytes unread, the limit is 10,000")


def test_what_a_reader_has_stopped_to_take_waits_where_a_limit_sees_it_and_not_in_the_kernel() -> None:
    """Left alone, the kernel takes some 3 MB for it."""
    said = 500_000
    with running_server() as server:
        server.slow("stuck", "#a")
        talker = server.irc("talker", "#a")
        for _ in range(said // 400 // 50):
            talker.send(*(f"PRIVMSG #a :{'x' * 400}" for _ in range(50)))
            talker.sync()
        waiting = sum(each.queue.size for each in server.server.loop.connections)
        assert waiting > said - 100_000  # the peer's own buffer, the kernel's share, and the sends that filled them


def test_who_reads_nothing_at_all_is_dropped_though_its_socket_is_never_ready() -> None:
    """Nothing but the push shows how far it lags behind."""
    settings = Settings(helpers=0, rate_limit=0.0, lag_limit=50_000, lag_time=3.0, lag_age=1000.0, ping_interval=1000.0)
    with still_server(settings) as server:
        stuck, talker = server.connect("stuck", "#a"), server.connect("talker", "#a")
        stuck.room = 0
        said = 0
        while said < 51_000:
            server.say(talker, f"PRIVMSG #a :{'x' * 400}")
            said += 400
        talker.heard.clear()
        server.advance(2.0)
        assert talker.lines() == []
        server.advance(2.0)
        (line,) = talker.lines()
        assert line.startswith(":stuck!~stuck@127.0.0.1 QUIT :Slow reader: ")
        assert line.endswith(" bytes unread for 4 s, the limit is 50,000")
        assert stuck.closed


def test_who_is_over_the_limit_for_a_moment_only_stays() -> None:
    settings = Settings(helpers=0, rate_limit=0.0, lag_limit=1_000, lag_time=3.0, lag_age=1000.0, ping_interval=1000.0)
    with still_server(settings) as server:
        slow, talker = server.connect("slow", "#a"), server.connect("talker", "#a")
        for _ in range(5):
            slow.room = 0
            server.say(talker, *[f"PRIVMSG #a :{'x' * 400}"] * 5)
            assert server.connection(slow).queue.lag > 1_000
            server.advance(2.0)
            slow.room = 2_000
            server.advance(2.0)
            slow.room = None
            server.settle()
        server.advance(10.0)
        assert not slow.closed


def test_an_endless_line_is_refused_and_then_cut_off() -> None:
    with running_server() as server:
        client, bystander = server.irc("client", "#a"), server.irc("bystander", "#a")
        client.sync()
        client.sock.sendall(b"x" * 200_000)
        lines = client.rest()
        assert lines[0].split()[1] == "417"
        assert lines[-1].startswith("ERROR :Closing link: line has no end after ")
        assert bystander.expect("QUIT").params[0].startswith("line has no end")


def test_a_user_may_be_in_as_many_rooms_as_the_limit() -> None:
    with running_server(max_rooms=2) as server:
        client = server.irc("ana", "#a", "#b")
        client.send("JOIN #c")
        assert client.expect("405").params[1] == "#c"
        client.send("PART #a")
        client.join("#c")


def test_a_stopped_server_has_given_every_descriptor_back() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with running_server() as server:
        server.irc("ana").sync()
    assert len(os.listdir("/proc/self/fd")) == before
