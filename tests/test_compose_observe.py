"""The compose profile `observe`: Prometheus scrapes the server, counts a message, and knows the alerts."""

import json
import os
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.composed import Compose, checked, run
from tests.support import PATIENCE, IrcClient

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]  # the images may have to be built

NO_ENGINE = 2  # compose.sh's exit status for it
START_S = 120.0  # for the containers to answer, and for a scrape


@pytest.fixture
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    # Nobody answers its PING while Prometheus is waited for.
    patient = {"FANFARE_PING_INTERVAL": "90", "FANFARE_PING_TIMEOUT": "60"}
    compose = Compose(tmp_path_factory.mktemp("report"), **patient)
    answer = compose("version")
    if answer.returncode == NO_ENGINE:
        missing: Callable[[str], None] = pytest.fail if os.environ.get("REQUIRE_DOCKER") == "1" else pytest.skip
        missing(answer.stderr.strip())
    try:
        checked(compose("--profile", "observe", "build", "server", "prometheus"))
        yield compose
    finally:
        down = ("down", "--timeout", "5", "--rmi", "local", "--volumes", "--remove-orphans")
        checked(compose("--profile", "observe", *down))
        run("docker", "image", "rm", f"{compose.image}-observe")  # Compose v2 has done so


def until(seen: Callable[[], Any]) -> Any:
    """What `seen` gives once it gives something; the containers take a moment."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(OSError, AssertionError, ValueError):
            if found := seen():
                return found
        time.sleep(0.2)
    raise AssertionError("the containers do not answer")


def test_prometheus_sees_the_server_and_a_message(compose: Compose) -> None:
    checked(compose("--profile", "observe", "up", "--detach", "server", "prometheus"))
    host, port = until(lambda: compose.address("prometheus", 9090))

    def asked(query: str) -> Any:
        url = f"http://{host}:{port}/api/v1/{query}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def value(expression: str) -> float:
        found = asked(f"query?{urllib.parse.urlencode({'query': expression})}")["result"]
        return float(found[0]["value"][1]) if found else 0.0

    assert until(lambda: value('up{job="fanfare"}')) == 1.0
    with socket.create_connection(compose.address("server", 6667), 10.0) as sock:
        ana = IrcClient(sock)
        ana.register("ana")
        ana.join("#a")
        ana.say("#a", "hello")
        ana.sync()
        assert until(lambda: value("fanfare_messages_total")) == 1.0
        assert until(lambda: value('fanfare_connections{wire="irc", transport="tcp"}')) == 1.0
        users = checked(run("docker", "exec", compose.container("server"), "fanfare", "admin", "users", "--json"))
        assert json.loads(users)["nick"] == "ana"
    (group,) = asked("rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    assert {rule["state"] for rule in group["rules"]} == {"inactive"}
