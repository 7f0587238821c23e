"""The benchmark of accounting: both workers count whatever the source has sent, or it does not end."""

import pytest

from bench.accounting import WORKERS, measure


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_worker_counts_all_that_was_sent(worker: str, in_flight: int) -> None:
    rate = measure(worker, 10, in_flight, 400)
    assert rate.cpu > 0
    assert rate.wall > 0
