"""Everybody speaks, in rooms: nothing is lost unseen, and the search ends at the highest rate that is kept."""

import os
from pathlib import Path
from typing import Any

import pytest

from bench.build import BARE_EPOLL, GENERATOR, compile_c, compiler
from bench.cases import Case
from bench.servers import AT_ONCE, Server, choose
from bench.turn import run_generator, take_turn
from tests.sloppy import sloppy_server

pytestmark = pytest.mark.skipif(compiler() is None, reason="the generator is written in C and no compiler is installed")

SEARCH = {"text": 100, "seconds": 0.1, "warmup": 0.02, "rate": 100, "limit": 0.05}
BUSY = Case("busy", "", 20, {**SEARCH, "rooms-each": 1, "room-size": 5}, 10)
ROOMS = Case("rooms", "", 20, {**SEARCH, "rooms-each": 12, "room-size": 5}, 10, mode="busy")
# No step of it fails for its latency on a machine that is not stuck for half a second.
PATIENT = {**SEARCH, "seconds": 0.2, "warmup": 0, "limit": 0.5}


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_c(GENERATOR, tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module", params=["fanfare", "thread-per-client", "bare-epoll"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return choose([request.param], compile_c(BARE_EPOLL, tmp_path_factory.mktemp("bare")))[0]


def search(generator: Path, case: Case, **fault: Any) -> tuple[dict[str, Any] | None, str | None]:
    with sloppy_server(**fault) as port:
        return run_generator(generator, port, case, AT_ONCE, os.getpid())


@pytest.mark.parametrize(("case", "rooms"), [(BUSY, 4), (ROOMS, 48)], ids=["busy", "rooms"])
def test_every_delivery_in_every_room_is_accounted_for(
    generator: Path, server: Server, tmp_path: Path, case: Case, rooms: int
) -> None:
    turn = take_turn(generator, server, case, 0, tmp_path)
    assert turn.error is None
    assert turn.result is not None
    arrival, messages = turn.result["arrival"], turn.result["messages"]
    assert turn.result["rooms"] == rooms
    assert arrival["joined"] == arrival["connections"] == 20
    assert arrival["join_lines"] == arrival["join_lines_expected"] == rooms * 5 * 6 // 2
    assert messages["sent"] > 0
    assert messages["delivered"] == messages["expected_deliveries"] == messages["sent"] * 4
    assert turn.result["steps"][0]["rate"] == 100


def test_a_lost_message_in_a_room_fails_the_run_and_is_named(generator: Path) -> None:
    case = Case("busy", "", 10, {**PATIENT, "rooms-each": 1, "room-size": 5}, 10)
    result, error = search(generator, case, withheld=b"0000000007 ")
    assert result is None
    assert error is not None
    assert "got message 1 of member" in error
    assert error.endswith("when 0 was due: lost, twice or out of order")


def test_a_lost_message_after_which_its_speaker_says_no_more_there_fails_the_run_too(generator: Path) -> None:
    case = Case("busy", "", 10, {**PATIENT, "rooms-each": 12, "room-size": 5}, 10, deadline=0.5)
    result, error = search(generator, case, withheld=b"0000000007 ")
    assert result is None
    assert error == "generator: message 7 is incomplete after 0.5 s: 3 of 4 members have it"


def test_a_repeated_message_in_a_room_fails_the_run_and_is_named(generator: Path) -> None:
    case = Case("busy", "", 10, {**PATIENT, "rooms-each": 1, "room-size": 5}, 10)
    result, error = search(generator, case, doubled=b"0000000007 ")
    assert result is None
    assert error is not None
    assert "got message 0 of member" in error or "got message 7, which all have" in error
    assert "twice" in error


def test_a_search_ends_at_the_last_rate_that_was_kept(generator: Path) -> None:
    # The first three steps are 21, 31 and 46 messages; from then on each step has one that is late.
    case = Case("busy", "", 4, {**PATIENT, "rooms-each": 1, "room-size": 4}, 10)
    result, error = search(generator, case, prompt=21 + 31 + 46, delay=0.6)
    assert error is None
    assert result is not None
    steps = [(step["rate"], step["outcome"] == "kept") for step in result["steps"]]
    kept = [(100.0, True), (150.0, True), (225.0, True)]
    missed = [(rate, False) for rate in (337.5, 281.2, 253.1, 239.1, 232.0) for _ in range(2)]
    assert steps == kept + missed, "each that fails is tried once more, and the end is within 5 %"
    assert result["messages_per_s"] == 225
    assert result["complete_us"]["count"] == 46
    assert result["messages"]["delivered"] == result["messages"]["expected_deliveries"]


def test_a_server_that_keeps_no_rate_is_told_so_and_nothing_more(generator: Path) -> None:
    case = Case("busy", "", 4, {**PATIENT, "seconds": 0, "limit": 0.01, "rate": 2, "rooms-each": 1, "room-size": 4}, 10)
    result, error = search(generator, case, prompt=0, delay=0.02)
    assert error is None
    assert result is not None
    assert result["messages_per_s"] is None
    assert [step["rate"] for step in result["steps"]] == [2, 2, 1.3, 1.3]
