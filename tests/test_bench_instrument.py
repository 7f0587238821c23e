"""The load test beside the generator: each round is shown, and the ratio of the medians is paired."""

from bench.instrument import Pair, described


def test_each_round_has_a_line_and_the_ratio_its_interval() -> None:
    """What the machine did from round to round is in both."""
    lines = described([Pair(1_000, 1_020, 700, "pass"), Pair(4_000, 4_080, 900, "invalid")]).splitlines()
    assert lines[1].split() == ["1.000", "ms", "1.020", "ms", "1.020", "0.700", "ms", "pass"]
    assert lines[2].split() == ["4.000", "ms", "4.080", "ms", "1.020", "0.900", "ms", "invalid"]
    assert lines[3].strip() == "ratio 1.020, 95 %: 1.020 to 1.020; the goal is within 5 %"


def test_one_round_gives_no_interval() -> None:
    assert len(described([Pair(1_000, 1_020, 700, "pass")]).splitlines()) == 2
