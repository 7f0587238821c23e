"""The benchmark's generator counts right, and says so when it cannot. Figures are not looked at, only accounts."""

import io
import os
import signal
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.build import GENERATOR, BuildError, compile_c, compiler
from bench.cases import Case, Turn, run_generator, take_turn
from bench.process import free_port, running, serving
from bench.servers import AT_ONCE, ThreadPerClient
from bench.table import medians, table

MEMBERS = 20
SATURATED = Case("saturated", "", MEMBERS, {"text": 100, "seconds": 0.2, "warmup": 0.05, "window": 8}, 10)
STEADY = Case("steady", "", MEMBERS, {"text": 100, "seconds": 0.2, "warmup": 0.05, "rate": 100}, 10)
IDLE = Case("idle", "", MEMBERS, {}, 10)

needs_cc = pytest.mark.skipif(compiler() is None, reason="the generator is written in C and no C compiler is installed")


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_c(GENERATOR, tmp_path_factory.mktemp("build"))


class _Sloppy(socketserver.ThreadingTCPServer):
    """A chat server with a fault: it sends byte by byte, or keeps one message from one member."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, piece: int = 4096, withheld: bytes | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _SloppyHandler)
        self.piece = piece
        self.withheld = withheld  # part of a line that one member never gets
        self.room: list[_SloppyHandler] = []
        self.lock = threading.Lock()  # guards `room`, and keeps the lines to one member whole


class _SloppyHandler(socketserver.StreamRequestHandler):
    server: _Sloppy
    wbufsize = 0
    disable_nagle_algorithm = True

    def tell(self, data: bytes) -> None:
        for at in range(0, len(data), self.server.piece):
            self.wfile.write(data[at : at + self.server.piece])

    def handle(self) -> None:
        self.nick = b""
        with suppress(OSError):  # the generator ends with a reset
            for line in self.rfile:
                command, _, rest = line.rstrip().partition(b" ")
                with self.server.lock:
                    self.answer(command, rest)

    def answer(self, command: bytes, rest: bytes) -> None:
        room, names = self.server.room, (self.nick, rest)
        match command:
            case b"NICK":
                self.nick = rest
            case b"USER":
                self.tell(b"PING :cookie\r\n")
            case b"PONG" if rest == b":cookie":
                self.tell(
                    b":sloppy 001 %b :Welcome\r\n:sloppy 422 %b :No message of the day\r\n" % (self.nick, self.nick)
                )
            case b"JOIN":
                room.append(self)
                for member in room:
                    member.tell(b":%b!u@h JOIN :%b\r\n" % names)
                self.tell(b":sloppy 353 %b = %b :some names\r\n" % names + b":sloppy 366 %b %b :End\r\n" % names)
            case b"PRIVMSG":
                others = [member for member in room if member is not self]
                if self.server.withheld and self.server.withheld in rest:
                    others.pop()
                for member in others:
                    member.tell(b":%b!u@h PRIVMSG %b\r\n" % names)


@contextmanager
def sloppy_server(**fault: Any) -> Iterator[int]:
    with _Sloppy(**fault) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def check_accounts(result: dict[str, Any], members: int) -> None:
    messages = result["messages"]
    assert messages["sent"] > 0
    assert messages["delivered"] == messages["expected_deliveries"] == messages["sent"] * members
    assert 0 < result["complete_us"]["count"] <= messages["sent"]
    assert 0 < result["complete_us"]["p50"] <= result["complete_us"]["p99"] <= result["complete_us"]["max"]


def check_arrival(result: dict[str, Any], members: int) -> None:
    arrival = result["arrival"]
    assert arrival["joined"] == arrival["connections"] == members + 1
    assert arrival["join_lines"] == arrival["join_lines_expected"] == (members + 1) * (members + 2) // 2
    assert 0 < arrival["joined_s"] <= arrival["settled_s"] + 0.1


@needs_cc
@pytest.mark.parametrize("case", [SATURATED, STEADY, IDLE], ids=lambda case: str(case.name))
def test_every_delivery_is_accounted_for(generator: Path, tmp_path: Path, case: Case) -> None:
    turn = take_turn(generator, ThreadPerClient("thread-per-client"), case, 0, tmp_path)
    assert turn.error is None
    assert turn.result is not None
    assert turn.result["mode"] == case.name
    check_arrival(turn.result, MEMBERS)
    if case.name == "idle":
        assert turn.result["server_memory_growth"] > 0
    else:
        check_accounts(turn.result, MEMBERS)
    if case.name == "steady":
        assert turn.result["messages"]["sent"] == 25
        assert turn.result["complete_us"]["count"] == turn.result["send_lateness_us"]["count"] == 20
        assert turn.result["fanout_us"]["count"] == 20 * MEMBERS


@needs_cc
@pytest.mark.parametrize("piece", [1, 7, 143])
def test_lines_may_be_cut_anywhere(generator: Path, piece: int) -> None:
    case = Case("steady", "", 3, {"text": 100, "seconds": 0.1, "warmup": 0, "rate": 50}, 10)
    with sloppy_server(piece=piece) as port:
        result, error = run_generator(generator, port, case, AT_ONCE, os.getpid())
    assert error is None
    assert result is not None
    check_arrival(result, 3)
    check_accounts(result, 3)


@needs_cc
def test_a_lost_message_fails_the_run_and_is_named(generator: Path) -> None:
    with sloppy_server(withheld=b"0000000003 ") as port:
        result, error = run_generator(generator, port, SATURATED, AT_ONCE, os.getpid())
    assert result is None
    assert error is not None
    assert error.endswith("got message 4 when 3 was due: lost, twice or out of order")


@needs_cc
def test_a_message_that_one_member_never_gets_fails_the_run_at_its_deadline(generator: Path) -> None:
    options = "--mode steady --members 5 --warmup 0 --rate 50 --seconds 0.1 --deadline 0.3"
    with (
        sloppy_server(withheld=b"0000000004 ") as port,
        running([str(generator), "--port", str(port), *options.split()]) as process,
    ):
        output, complaint = process.communicate(timeout=20)
    assert process.returncode == 1
    assert output == ""
    assert complaint == "generator: message 4 is incomplete after 0.3 s: 4 of 5 members have it\n"


@needs_cc
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


@needs_cc
def test_a_wrong_option_of_the_generator_is_one_line_and_status_2(generator: Path) -> None:
    with running([str(generator), "--port", "1", "--window", "257"]) as process:
        output, complaint = process.communicate(timeout=20)
    assert (process.returncode, output) == (2, "")
    assert complaint == "generator: --window is '257', it must be a number from 1 to 256\n"


def test_without_a_compiler_the_run_ends_with_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="apt-get install gcc"):
        compile_c(GENERATOR, tmp_path)
    assert main(["--rounds", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_table_shows_medians_of_undisturbed_rounds_and_their_ratio_to_the_best_peer() -> None:
    def turn(server: str, rate: float, others: float = 1) -> Turn:
        latency = {"p50": 1000.0, "p99": 2000.0}
        return Turn(
            server,
            "saturated",
            0,
            {
                "deliveries_per_s": rate,
                "complete_us": latency,
                "generator_cpu_percent": 50,
                "others_cpu_percent": others,
            },
        )

    peer, other = ThreadPerClient("peer"), ThreadPerClient("other")
    turns = [turn("peer", 100), turn("peer", 300), turn("peer", 200), turn("peer", 9, others=90), turn("other", 50, 90)]
    turns.append(Turn("other", "saturated", 1, None, "it broke"))
    assert medians(turns, "peer", "saturated") == [200, 1.0, 2.0, 50, 1]
    shown = io.StringIO(table(turns, [peer, other], "saturated")).readlines()
    assert shown[1].split()[:3] == ["peer", "200", "1.00x"]
    assert shown[2].split()[:3] == ["other", "50", "0.25x"]
