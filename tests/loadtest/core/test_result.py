"""A result is read as it was written, or refused in one line; all that is made of it is made of it alone."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.__main__ import main
from loadtest.core.codec import Misfit, decode, encode
from loadtest.core.histogram import Histogram
from loadtest.core.result import SCHEMA, Cost, Figures, Result, dump, json_schema, load
from loadtest.report import exports_of, write
from tests.loadtest.runs import ROOT


def histogram(*us: int) -> Histogram:
    taken = Histogram()
    for each in us:
        taken.add(each)
    return taken


def result(ms: int = 10, word: str = "pass", **changes: Any) -> Result:
    """Twenty slices of latencies around so many milliseconds."""
    slices = [(float(n), histogram(*(ms * 1_000 + 37 * n + m for m in range(100)))) for n in range(20)]
    figures = Figures(
        "broadcast",
        "host:1",
        *(10, 10, 1, 20.0, 400, 2_000, 2_000),
        heard=400,
        over_time=slices,
        costs=[Cost()] * 20,
        complete_by_size={9: histogram(ms * 1_000)},
        complete=histogram(*(ms * 1_000 + n for n in range(400))),
        machine={"cores": 2.0, "busy_percent": 1.0, "steal_percent": 0.0, "waited_percent": 0.0},
    )
    for _, each in slices:
        figures.fanout.merge(each)
    for name, value in changes.items():
        setattr(figures, name, value)
    reasons = [] if word == "pass" else ["2 deliveries <lost>\x1b[2J"]
    return Result(
        SCHEMA, "0123abcd", "2026-01-02T03:04:05Z", word, reasons, ["lost=0"], {"rate": 1.0}, "locust", {}, figures, {}
    )


def saved(directory: Path, one: Result) -> str:
    directory.mkdir(exist_ok=True)
    (directory / "result.json").write_text(dump(one))
    return str(directory)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = result()
    assert load(Path(saved(tmp_path, one))) == one
    assert load(tmp_path / "result.json") == one


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "this is no JSON"),
        ("[]", "its schema is None, this version reads 1"),
        ('{"schema": 2}', "its schema is 2, this version reads 1"),
        ('{"schema": 1}', "is missing"),
    ],
)
def test_what_is_no_result_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    (tmp_path / "result.json").write_text(text)
    assert main(["report", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert why in said.err
    assert main(["diff", str(tmp_path / "no"), str(tmp_path)]) == 2
    assert "No such file" in capsys.readouterr().err


def test_every_place_is_checked_and_named() -> None:
    data = encode(result())
    for path, value, why in (
        (("figures", "sent"), "5", "result.figures.sent: should be integer"),
        (("figures", "fanout"), [1, 2], "result.figures.fanout: should be a packed histogram"),
        (("figures", "fanout"), [1, 2, 3, 10**9, 1], "a bucket is out of range"),
        (("figures", "over_time"), [[1.0]], r"over_time\[0\]: should be an array of 2"),
        (("reasons",), {}, "result.reasons: should be an array"),
    ):
        spoiled = json.loads(json.dumps(data))
        place = spoiled
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        with pytest.raises(Misfit, match=why):
            decode(Result, spoiled)


def test_the_schema_has_every_field_that_is_written() -> None:
    schema, data = json_schema(), encode(result())
    assert set(schema["properties"]) == set(data)
    assert set(schema["properties"]["figures"]["properties"]) == set(data["figures"])
    assert schema["properties"]["figures"]["properties"]["sent"] == {"type": "integer"}


def test_two_results_add_up_to_the_last_bucket() -> None:
    both = result(10) + result(30, "fail")
    assert (both.verdict, both.figures.delivered, both.figures.fanout.count) == ("fail", 4_000, 4_000)
    assert both.figures.fanout.longest == result(30).figures.fanout.longest


def test_everything_is_made_of_the_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(result(word="fail"), tmp_path / "report")
    for form, make in exports_of().items():
        assert main(["report", str(folder), "--as", form, "--output", str(tmp_path / form)]) == 0
        assert (tmp_path / form).read_text() == make(load(folder))
        assert "\x1b" not in (tmp_path / form).read_text()
    assert (tmp_path / "html").read_text() == (folder / "report.html").read_text()
    suite = ElementTree.parse(tmp_path / "junit").getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
    assert 'quantile="0.99"' in (tmp_path / "prometheus").read_text()
    assert "| fanout | 10." in (tmp_path / "markdown").read_text()
    assert main(["report", str(folder)]) == 0
    assert "FANFARE  broadcast" in capsys.readouterr().out


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    folder = write(result(), tmp_path / "report")
    words = [sys.executable, "-m", "loadtest", "report", str(folder), "--as", "html"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert program.stderr
        program.stdout.close()  # before it writes: it takes its time to import
        assert (program.stderr.read(), program.wait()) == ("", 0)


@pytest.mark.parametrize(
    ("other", "status", "word"),
    [
        (result(10), 0, "same"),
        (result(20), 1, "worse"),
        (result(5), 0, "better"),
    ],
)
def test_b_is_worse_where_its_interval_lies_above(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: Result, status: int, word: str
) -> None:
    a, b = saved(tmp_path / "a", result(10)), saved(tmp_path / "b", other)
    assert main(["diff", a, b]) == status
    assert word in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("fanout p99"))


def rounds(folder: Path, *ms: int) -> str:
    folder.mkdir()
    for number, each in enumerate(ms):
        saved(folder / f"round-{number}", replace(result(each), started_at=f"2026-01-01T00:00:0{number}Z"))
    return str(folder)


@pytest.mark.parametrize(
    ("other", "word", "status"), [((11, 22, 44), "worse", 1), ((10, 20, 40), "same", 0), ((9, 18, 36), "better", 0)]
)
def test_rounds_are_paired_and_the_interval_of_their_ratio_decides(
    other: tuple[int, ...], word: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between rounds the machine becomes four times slower, which says nothing of A and B."""
    assert main(["diff", rounds(tmp_path / "a", 10, 20, 40), rounds(tmp_path / "b", *other)]) == status
    said = capsys.readouterr().out
    row = next(line for line in said.splitlines() if line.startswith("fanout p50"))
    assert row.split()[-1] == word
    assert f"{other[0] / 10:.2f} [" in row
    assert "no ratio" not in said


def test_one_run_each_gives_no_ratio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", saved(tmp_path / "a", result(10)), saved(tmp_path / "b", result(10))])
    said = capsys.readouterr().out
    assert "no ratio: two runs of the same differ" in said
    assert next(line for line in said.splitlines() if line.startswith("fanout p50")).count("[") == 2


def test_one_more_stray_delivery_is_worse(tmp_path: Path) -> None:
    spoiled = result(10, stray=1)
    assert main(["diff", saved(tmp_path / "a", result(10)), saved(tmp_path / "b", spoiled)]) == 1


def test_too_few_messages_tell_no_high_percentile() -> None:
    few = result(heard=299).figures
    assert (few.given("fanout", 99), few.interval("fanout", 99)) == (None, None)
    assert few.given("fanout", 50) is not None
    assert result(heard=300).figures.given("fanout", 99) is not None
    assert replace(few, heard=3_000).given("fanout", 99.9) is not None
