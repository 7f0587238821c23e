"""The benchmark as a whole, at tiny sizes: every case is run, told in tables, JSON and a plot."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import build
from bench.__main__ import main
from bench.build import GENERATOR, BuildError, compile_c, compiler
from bench.cases import PLAIN, Case, all_cases
from bench.servers import choose
from bench.table import COLUMNS

needs_cc = pytest.mark.skipif(compiler() is None, reason="the generator is written in C and no C compiler is installed")
TINY = ("--scale", "0.02", "--rounds", "1", "--seconds", "0.1", "--step-seconds", "0.04", "--idle-seconds", "0.1")


def check(turn: dict[str, Any]) -> None:
    assert turn["error"] is None
    result = turn["result"]
    assert result["arrival"]["joined"] == result["arrival"]["connections"]
    assert result["arrival"]["join_lines"] == result["arrival"]["join_lines_expected"]
    messages = result.get("messages")
    assert messages is None or messages["delivered"] == messages["expected_deliveries"]
    assert (messages is None) == (turn["case"] in ("arrival", "idle"))


@needs_cc
@pytest.mark.timeout(600)  # eighteen servers are started, four of them for a search
def test_every_case_is_measured_with_every_delivery_accounted_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, picture = tmp_path / "bench.json", tmp_path / "bench.svg"
    servers = ("--servers", "fanfare,bare-epoll")
    assert main([*TINY, *servers, "--json", str(file), "--plot", str(picture)]) == 0
    report, output = json.loads(file.read_text()), capsys.readouterr().out
    assert [(turn["case"], turn["server"]) for turn in report["turns"]] == [
        (case, server) for case in COLUMNS if case not in PLAIN for server in ("fanfare", "bare-epoll")
    ]
    for turn in report["turns"]:
        check(turn)
    assert [turn["case"] for turn in report["generator"]["turns"]] == ["count", "send"]
    assert all(turn["error"] is None for turn in report["generator"]["turns"])
    assert all(pair["generator_p50"] > 0 and pair["fanout_p50"] > 0 for pair in report["loadtest"])
    assert len(report["loadtest"]) == 1
    assert report["goals"][1]["reached"] is not None
    assert report["goals"][0]["reached"] is None, "there is no peer in this run"
    assert picture.read_text().startswith("<?xml")
    assert (
        output.index("generator, against a bare sink") < output.index("saturated: ") < output.index("goals of fanfare")
    )


@needs_cc
@pytest.mark.skipif(not build.has_openssl(), reason="OpenSSL has no headers here")
def test_what_tls_costs_is_told_beside_the_plain_case_and_a_server_without_it_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*TINY, "--servers", "fanfare,bare-epoll", "--cases", "steady,tls-steady"]) == 0
    tables = capsys.readouterr().out.split("\ntls-steady: ")[1].split("\n\n")
    assert [line.split()[0] for line in tables[1].splitlines()[1:]] == ["fanfare", "bare-epoll"]
    assert tables[1].endswith("bare-epoll  it has no TLS here")
    assert tables[2].startswith("  TLS / plain  complete p50  complete p99")
    assert [line.split()[0] for line in tables[2].splitlines()[1:]] == ["fanfare"]


@needs_cc
def test_a_case_with_tls_without_the_headers_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "has_openssl", lambda: False)
    assert main([*TINY, "--servers", "fanfare", "--cases", "tls-steady"]) == 2
    complaint = capsys.readouterr().err
    assert complaint == "bench: the cases with TLS need OpenSSL's headers (apt-get install libssl-dev)\n"


@needs_cc
def test_a_peer_that_is_not_installed_is_told_how_to_get_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGO", "no-such-program")
    assert main([*TINY, "--servers", "ergo,bare-epoll", "--cases", "steady-100"]) == 0
    output = capsys.readouterr().out
    assert "ergo: not installed (apt-get install ergochat, or $ERGO)" in output
    assert "bare-epoll  " in output


@needs_cc
def test_a_peer_that_fails_a_case_shows_why_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGO", "false")
    assert main([*TINY, "--servers", "ergo,bare-epoll", "--cases", "steady-100"]) == 1
    output = capsys.readouterr().out
    assert "steady-100 ergo FAILED in round 1: it ended with status 1" in output
    assert "Traceback" not in output


def test_ergo_has_its_history_on_where_the_row_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGO", "true")  # the program
    for server in choose(["ergo", "ergo-history"], Path()):
        folder = tmp_path / server.name
        folder.mkdir()
        server.command(6667, folder)
        (line,) = (line for line in (folder / "ergo.yaml").read_text().splitlines() if line.startswith("history: "))
        assert line.startswith(f"history: {{enabled: {'true' if server.name == 'ergo-history' else 'false'}, ")


def test_cases_have_the_sizes_of_the_documentation_and_run_in_their_rounds() -> None:
    cases: dict[str, Case] = {case.name: case for case in all_cases()}
    assert list(cases) == list(COLUMNS)
    assert {name: case.members for name, case in cases.items()} == {
        "saturated": 1000,
        "steady-100": 100,
        "steady": 1000,
        "steady-10000": 10_000,
        "busy": 1000,
        "rooms": 1000,
        "large": 1000,
        "arrival": 5000,
        "idle": 10_000,
        "tls-saturated": 1000,
        "tls-steady": 1000,
        "tls-idle": 10_000,
    }
    often = ["saturated", "steady-100", "steady", "tls-saturated", "tls-steady"]
    assert [name for name, case in cases.items() if case.every == 1] == often
    for name, case in cases.items():
        assert case.tls is (name in PLAIN)
        if name in PLAIN:
            plain = cases[PLAIN[name]]
            assert {**plain.options, "tls": 1} == case.options
            assert (plain.members, plain.every) == (case.members, case.every)
    assert (cases["busy"].options["room-size"], cases["rooms"].options["rooms-each"]) == (20, 50)


@pytest.mark.parametrize("options", [("--cases", "loud"), ("--plot", "plot.bmp"), ("--scale", "0"), ("--rounds", "x")])
def test_a_wrong_option_ends_with_status_2(options: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert options[1] in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--json", str(tmp_path / "absent" / "bench.json")]) == 2
    assert capsys.readouterr().err == f"bench: {tmp_path}/absent/bench.json: No such file or directory\n"


def test_without_a_compiler_the_run_ends_with_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="apt-get install gcc"):
        compile_c(GENERATOR, tmp_path)
    assert main(["--rounds", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
