"""The benchmark's generator counts right, and says so when it cannot. Figures are not looked at, only accounts."""

import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from bench import build
from bench.build import BARE_EPOLL, BARE_URING, GENERATOR, compile_c, compiler, has_openssl
from bench.cases import Case
from bench.process import free_port, running, serving
from bench.servers import AT_ONCE, BareEpoll, BareUring, Fanfare, Server, ThreadPerClient, choose
from bench.turn import run_generator, take_turn
from tests.sloppy import sloppy_server
from tests.support import PATIENCE
from tests.tls import Authority

pytestmark = pytest.mark.skipif(compiler() is None, reason="the generator is written in C and no compiler is installed")

MEMBERS = 20
LOAD = {"text": 100, "seconds": 0.2, "warmup": 0.05}
SATURATED = Case("saturated", "", MEMBERS, {**LOAD, "window": 8}, 10)
STEADY = Case("steady", "", MEMBERS, {**LOAD, "rate": 100}, 10)
LARGE = Case("large", "", MEMBERS, {**LOAD, "text": 400, "window": 8}, 10, mode="saturated")
ARRIVAL = Case("arrival", "", MEMBERS, {"seconds": 0}, 10, mode="idle")
IDLE = Case("idle", "", MEMBERS, {"seconds": 0.2, "warmup": 0, "rooms-each": 1, "room-size": 5}, 10)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_c(GENERATOR, tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module", params=["fanfare", "fanfare-uring", "thread-per-client", "bare-epoll", "bare-uring"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("bare")
    (chosen,) = choose([request.param], compile_c(BARE_EPOLL, folder), bare_uring=compile_c(BARE_URING, folder))
    if chosen.missing():
        pytest.skip(f"{chosen.name} is {chosen.missing()}")
    return chosen


@pytest.fixture
def bare_uring(tmp_path: Path) -> Server:
    chosen = BareUring("bare-uring", compile_c(BARE_URING, tmp_path))
    if chosen.missing():
        pytest.skip(f"{chosen.missing()}")
    return chosen


def check_accounts(result: dict[str, Any], others: int) -> None:
    messages = result["messages"]
    assert messages["sent"] > 0
    assert messages["delivered"] == messages["expected_deliveries"] == messages["sent"] * others
    assert 0 < result["complete_us"]["count"] <= messages["sent"]
    assert 0 < result["complete_us"]["p50"] <= result["complete_us"]["p99"] <= result["complete_us"]["max"]


def check_arrival(result: dict[str, Any], connections: int, join_lines: int) -> None:
    arrival = result["arrival"]
    assert arrival["joined"] == arrival["connections"] == connections
    assert arrival["join_lines"] == arrival["join_lines_expected"] == join_lines
    assert 0 < arrival["joined_s"] <= arrival["settled_s"] + 0.1


def check_one_room(result: dict[str, Any], members: int) -> None:
    check_arrival(result, members + 1, (members + 1) * (members + 2) // 2)


@pytest.mark.parametrize("case", [SATURATED, STEADY, LARGE, ARRIVAL, IDLE], ids=lambda case: str(case.name))
def test_every_delivery_is_accounted_for(generator: Path, server: Server, tmp_path: Path, case: Case) -> None:
    turn = take_turn(generator, server, case, 0, tmp_path)
    assert turn.error is None
    assert turn.result is not None
    assert turn.result["mode"] == (case.mode or case.name)
    if case is IDLE:
        check_arrival(turn.result, MEMBERS, 4 * 5 * 6 // 2)
        assert turn.result["server_cpu_percent"] >= 0
    else:
        check_one_room(turn.result, MEMBERS)
    if turn.result["mode"] == "idle":
        assert "server_memory_growth" in turn.result
    else:
        check_accounts(turn.result, MEMBERS)
        assert turn.result["server_cpu_percent"] > 0
    if case is STEADY:
        assert turn.result["messages"]["sent"] == 25
        assert turn.result["complete_us"]["count"] == turn.result["send_lateness_us"]["count"] == 20
        assert turn.result["fanout_us"]["count"] == 20 * MEMBERS


SEARCH = Case(
    "busy",
    "",
    100,
    {"text": 100, "seconds": 0.05, "warmup": 0.01, "rate": 100, "limit": 0.05, "rooms-each": 2, "room-size": 20},
    10,
)
READ_BY_THREADS = [Case(case.name, "", 100, {**case.options, "readers": 3}, 10) for case in (SATURATED, STEADY)]


@pytest.mark.parametrize("case", READ_BY_THREADS, ids=lambda case: str(case.name))
def test_threads_that_read_account_for_every_delivery(
    generator: Path, server: Server, tmp_path: Path, case: Case
) -> None:
    turn = take_turn(generator, server, case, 0, tmp_path)
    assert turn.error is None
    assert turn.result is not None
    assert turn.result["readers"] == 3
    check_one_room(turn.result, 100)
    check_accounts(turn.result, 100)
    if case.name == "steady":
        assert turn.result["complete_us"]["count"] == 20
        assert turn.result["fanout_us"]["count"] == 20 * 100


@pytest.mark.parametrize("rings", ["0", "1", "3"])
def test_the_bare_loop_with_io_uring_serves_on_any_number_of_rings(
    generator: Path, bare_uring: Server, tmp_path: Path, rings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGS", rings)
    for case in (SATURATED, SEARCH):
        folder = tmp_path / case.name
        folder.mkdir()
        turn = take_turn(generator, bare_uring, Case(case.name, "", 100, case.options, 10), 0, folder)
        assert turn.error is None


def test_a_message_that_a_reader_never_gets_fails_the_run_with_one_line(generator: Path) -> None:
    case = Case("saturated", "", MEMBERS, {**LOAD, "window": 8, "readers": 4}, 10)
    with sloppy_server(withheld=b"0000000003 ") as port:
        result, error = run_generator(generator, port, case, AT_ONCE, os.getpid())
    assert result is None
    assert error is not None
    assert re.fullmatch(r"generator: member \d+ got message 4 of member 0 when 3 was due: .*", error)


@pytest.mark.parametrize("piece", [1, 7, 143])
def test_lines_may_be_cut_anywhere(generator: Path, piece: int) -> None:
    case = Case("steady", "", 3, {"text": 100, "seconds": 0.1, "warmup": 0, "rate": 50}, 10)
    with sloppy_server(piece=piece) as port:
        result, error = run_generator(generator, port, case, AT_ONCE, os.getpid())
    assert error is None
    assert result is not None
    check_one_room(result, 3)
    check_accounts(result, 3)


def test_a_lost_message_fails_the_run_and_is_named(generator: Path) -> None:
    with sloppy_server(withheld=b"0000000003 ") as port:
        result, error = run_generator(generator, port, SATURATED, AT_ONCE, os.getpid())
    assert result is None
    assert error is not None
    assert error.endswith("got message 4 of member 0 when 3 was due: lost, twice or out of order")


def test_a_message_that_one_member_never_gets_fails_the_run_at_its_deadline(generator: Path) -> None:
    options = "--mode steady --members 5 --warmup 0 --rate 50 --seconds 0.1 --deadline 0.3"
    with (
        sloppy_server(withheld=b"0000000004 ") as port,
        running([str(generator), "--port", str(port), *options.split()]) as process,
    ):
        output, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert output == ""
    assert complaint == "generator: message 4 is incomplete after 0.3 s: 4 of 5 members have it\n"


def test_a_server_that_dies_is_one_clear_line(generator: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with serving(ThreadPerClient("").command(port, tmp_path), port, log) as server:
        threading.Timer(0.5, server.send_signal, [signal.SIGKILL]).start()
        case = Case("steady", "", MEMBERS, {"text": 100, "seconds": 20, "warmup": 0, "rate": 100}, 10)
        result, error = run_generator(generator, port, case, AT_ONCE, os.getpid())
    assert result is None
    assert error is not None
    assert error.startswith("generator: ")
    assert "\n" not in error


def test_a_fanfare_that_is_measured_lets_all_in_from_one_address(tmp_path: Path) -> None:
    command = Fanfare("fanfare", "python", None).command(1, tmp_path)
    assert command[command.index("--max-per-address") + 1] == str(AT_ONCE)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--window 257", "--window is '257', it must be a number from 1 to 256"),
        ("--mode loud", "--mode is 'loud', it must be saturated, steady, busy, send or idle"),
        ("--mode busy", "mode busy needs --rooms-each"),
        ("--mode steady --rooms-each 2", "--rooms-each is 2, in mode steady there is one room"),
        ("--colour 1", "there is no option --colour"),
    ],
)
def test_a_wrong_option_of_the_generator_is_one_line_and_status_2(
    generator: Path, options: str, complaint: str
) -> None:
    with running([str(generator), "--port", "1", *options.split()]) as process:
        assert process.communicate(timeout=PATIENCE) == ("", f"generator: {complaint}\n")
    assert process.returncode == 2


SEND = Case("send", "", 8, {"text": 100, "seconds": 0.1, "warmup": 0, "rooms-each": 1, "room-size": 4}, 10)


def test_what_is_sent_to_a_deaf_sink_is_all_read_and_nobody_is_told(generator: Path, tmp_path: Path) -> None:
    sink = BareEpoll("sink", compile_c(BARE_EPOLL, tmp_path), deaf=True)
    turn = take_turn(generator, sink, SEND, 0, tmp_path)
    assert turn.error is None
    assert turn.result is not None
    assert turn.result["messages_per_s"] > 0
    assert turn.result["messages"]["sent"] > 0
    assert turn.result["messages"]["delivered"] == 0


def test_a_sink_that_is_not_deaf_is_found_out(generator: Path) -> None:
    with sloppy_server() as port:
        _, error = run_generator(generator, port, SEND, AT_ONCE, os.getpid())
    assert error is not None
    assert error.endswith(", which all have or nobody said: twice, or made up")


def test_a_server_that_stops_reading_stops_nothing_but_is_told_of(generator: Path) -> None:
    options = "--mode send --members 4 --rooms-each 1 --room-size 4 --seconds 2 --warmup 0 --text 400 --deadline 0.1"
    with (
        sloppy_server(stop_reading=True) as port,
        running([str(generator), "--port", str(port), *options.split()]) as process,
    ):
        output, complaint = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (1, "")
    assert complaint == "generator: 4 of 4 members had no answer to their PING 0.1 s after the last message\n"


needs_openssl = pytest.mark.skipif(not has_openssl(), reason="OpenSSL has no headers here")


def by_tls(case: Case, readers: int = 0) -> Case:
    return Case(case.name, "", case.members, {**case.options, "tls": 1, "readers": readers}, 20, mode=case.mode)


@needs_openssl
@pytest.mark.parametrize("name", ["fanfare", "inspircd", "ergo"])
@pytest.mark.parametrize("case", [SATURATED, STEADY, LARGE, SEARCH, IDLE], ids=lambda case: str(case.name))
def test_by_tls_too_every_delivery_is_accounted_for(generator: Path, tmp_path: Path, name: str, case: Case) -> None:
    (server,) = choose([name], tmp_path)
    if why := server.missing():
        pytest.skip(why)
    turn = take_turn(generator, server, by_tls(case), 0, tmp_path)
    assert turn.error is None
    assert turn.result is not None
    assert turn.result["generator_cpu_percent"] >= 0
    assert turn.result["arrival"]["joined"] == turn.result["arrival"]["connections"]
    if case is not IDLE:
        messages = turn.result["messages"]
        assert messages["delivered"] == messages["expected_deliveries"] > 0


@needs_openssl
def test_threads_that_read_share_tls_with_the_one_that_sends(generator: Path, tmp_path: Path) -> None:
    turn = take_turn(generator, choose(["fanfare"], tmp_path)[0], by_tls(SATURATED, readers=3), 0, tmp_path)
    assert turn.error is None
    assert turn.result is not None
    check_one_room(turn.result, MEMBERS)
    check_accounts(turn.result, MEMBERS)


@needs_openssl
@pytest.mark.parametrize("piece", [1, 143])
def test_records_may_hold_any_part_of_a_line(generator: Path, tmp_path: Path, piece: int) -> None:
    case = Case("steady", "", 3, {"text": 100, "seconds": 0.1, "warmup": 0, "rate": 50}, 10)
    with sloppy_server(piece=piece, tls=Authority(tmp_path).server()) as port:
        result, error = run_generator(generator, port, by_tls(case), AT_ONCE, os.getpid())
    assert error is None
    assert result is not None
    check_one_room(result, 3)
    check_accounts(result, 3)


@needs_openssl
def test_a_message_lost_by_tls_fails_the_run_and_is_named(generator: Path, tmp_path: Path) -> None:
    with sloppy_server(withheld=b"0000000003 ", tls=Authority(tmp_path).server()) as port:
        _, error = run_generator(generator, port, by_tls(SATURATED), AT_ONCE, os.getpid())
    assert error is not None
    assert error.endswith("got message 4 of member 0 when 3 was due: lost, twice or out of order")


@needs_openssl
def test_a_server_without_tls_is_one_clear_line(generator: Path, tmp_path: Path) -> None:
    (server,), port = choose(["fanfare"], tmp_path), free_port()
    with serving(server.command(port, tmp_path), port, tmp_path / "log"):
        _, error = run_generator(generator, port, by_tls(IDLE), AT_ONCE, os.getpid())
    assert error is not None
    assert re.fullmatch(r"generator: TLS of member \d+: wrong version number", error)


def test_without_the_headers_the_generator_is_built_and_says_what_tls_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "has_openssl", lambda: False)
    generator = compile_c(GENERATOR, tmp_path)
    with sloppy_server() as port:
        assert run_generator(generator, port, IDLE, AT_ONCE, os.getpid())[1] is None
        assert run_generator(generator, port, by_tls(IDLE), AT_ONCE, os.getpid())[1] == (
            "generator: --tls 1 takes a generator that was built with OpenSSL's headers (apt-get install libssl-dev)"
        )
