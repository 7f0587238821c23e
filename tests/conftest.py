"""What every test may ask for by name."""

from collections.abc import Iterator

import pytest

from tests.support import RunningServer, running_server


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """A server of the test's own, with an IRC port; starting one takes 2 ms."""
    with running_server() as running:
        yield running
