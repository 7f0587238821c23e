"""The percentile files read as HdrHistogram's own: the same columns and ending, and values within 1 %."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.histogram import LONGEST_US, Histogram
from loadtest.report.hgrm import hgrm

# As HdrHistogram's plotFiles.html reads it: lines that are neither comment nor heading, split at spaces.
HEAD = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"


def of(*us: int) -> Histogram:
    taken = Histogram()
    for each in us:
        taken.add(each)
    return taken


def rows(text: str) -> list[list[float]]:
    assert text.startswith(HEAD)
    return [list(map(float, line.split())) for line in text[len(HEAD) :].splitlines() if not line.startswith("#")]


def test_a_file_is_written_as_hdrhistogram_does() -> None:
    assert hgrm(of(1_000, 2_000, 3_000, 4_000)) == HEAD + (
        "       1.001 0.000000000000          1           1.00\n"
        "       1.001 0.100000000000          1           1.11\n"
        "       1.001 0.200000000000          1           1.25\n"
        "       2.003 0.300000000000          2           1.43\n"
        "       2.003 0.400000000000          2           1.67\n"
        "       2.003 0.500000000000          2           2.00\n"
        "       2.999 0.550000000000          3           2.22\n"
        "       2.999 0.600000000000          3           2.50\n"
        "       2.999 0.650000000000          3           2.86\n"
        "       2.999 0.700000000000          3           3.33\n"
        "       2.999 0.750000000000          3           4.00\n"
        "       4.000 0.775000000000          4           4.44\n"
        "       4.000 1.000000000000          4\n"
        "#[Mean    =        2.500, StdDeviation   =        1.120]\n"
        "#[Max     =        4.000, Total count    =            4]\n"
        "#[Buckets =           25, SubBuckets     =          256]\n"
    )


@given(st.lists(st.integers(0, LONGEST_US), min_size=1, max_size=300))
def test_its_percentiles_are_those_of_the_samples_within_1_percent(us: list[int]) -> None:
    read = rows(hgrm(of(*us)))
    ordered = sorted(us)
    assert read[-1] == [pytest.approx(max(us) / 1000, abs=0.001), 1.0, len(us)]
    for ms, share, seen, inverse in read[:-1]:
        rank = max(1, -(-round(share * len(us), 6) // 1))
        exact = ordered[int(rank) - 1]
        assert ms * 1000 == pytest.approx(exact, rel=0.01, abs=1)
        assert rank <= seen <= len(us)
        assert inverse == pytest.approx(1 / (1 - share), abs=0.006)
    assert [row[0] for row in read] == sorted(row[0] for row in read)


def test_the_rows_come_closer_together_up_to_the_last_sample() -> None:
    shares = [row[1] for row in rows(hgrm(of(*range(256))))]
    assert shares[:7] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55]
    assert 255 / 256 < shares[-2] < shares[-1] == 1.0


def test_without_a_sample_there_are_no_rows_and_the_ending_is_there() -> None:
    text = hgrm(Histogram())
    assert rows(text) == []
    assert re.search(r"#\[Max     = +0\.000, Total count    = +0\]\n", text)
