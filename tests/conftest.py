"""What every test may ask for by name, and how hypothesis looks for examples."""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest

# Locust makes threads and sockets gevent's as it is imported. A test that imports a part of the load test must not do
# that to the servers that others run in this process; the processes that tests start are Locust's as ever.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]

from tests.support import RunningServer, running_server

# What decides whether a change lands must not depend on luck: there the examples are the same each time. Everywhere
# else they are new ones, and what they find becomes a test of its own.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "search")


OF_CONTAINERS = 60  # other tests that take as long as one of containers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process works on alone at the end."""
    weights: Counter[Path] = Counter()
    for item in items:
        weights[item.path] += OF_CONTAINERS if item.path.name.startswith("test_compose") else 1
    items.sort(key=lambda item: (-weights[item.path], item.path))


_places = count(1)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or changes what the person at this machine has told the desktop client, or another test has."""
    place = tmp_path_factory.getbasetemp() / f"config-{next(_places)}"  # made only by those that save something
    monkeypatch.setenv("FANFARE_CONFIG_HOME", str(place))
    monkeypatch.setenv("FANFARE_DATA_HOME", str(place))
    # Of servers that are processes: several share one data folder here.
    monkeypatch.setenv("FANFARE_LOG", "memory:")
    monkeypatch.setenv("FANFARE_ADMIN", "off")
    if os.geteuid() == 0:  # without a warning
        monkeypatch.setenv("FANFARE_USER", "root")


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """A server of the test's own, with an IRC port; starting one takes 2 ms."""
    with running_server() as running:
        yield running
