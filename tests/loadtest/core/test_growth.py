"""What a histogram has got since the last look, put together again, is the histogram."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.histogram import Growth, Histogram


@given(st.lists(st.lists(st.integers(0, 4_000_000_000))))
def test_all_growths_together_are_what_was_counted(rounds: list[list[int]]) -> None:
    source, put_together, growth = Histogram(), Histogram(), Growth()
    for samples in rounds:
        for us in samples:
            source.add(us)
        if packed := growth.take(source):
            put_together.add_packed(packed)
        assert put_together == source
        assert growth.take(source) == []


def test_only_what_has_grown_is_told() -> None:
    source, growth = Histogram(), Growth()
    source.add(100, 7)
    source.add(250)
    assert growth.take(source) == [950, 100, 250, 100, 7, 250, 1]
    source.add(100)
    assert growth.take(source) == [100, 100, 250, 100, 1]
