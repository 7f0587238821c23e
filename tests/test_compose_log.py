"""The server's container with its log in the named volume: `down` and `up` keep the talk."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.composed import Compose, checked, run
from tests.support import IrcClient

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]  # the images may have to be built

NO_ENGINE = 2  # compose.sh's exit status for it
START_S = 120.0  # for a container to answer


@pytest.fixture
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    compose = Compose(tmp_path_factory.mktemp("report"), FANFARE_LOG="sqlite:")
    answer = compose("version")
    if answer.returncode == NO_ENGINE:
        missing: Callable[[str], None] = pytest.fail if os.environ.get("REQUIRE_DOCKER") == "1" else pytest.skip
        missing(answer.stderr.strip())
    try:
        checked(compose("build", "server"))
        yield compose
    finally:
        checked(compose("down", "--timeout", "5", "--rmi", "local", "--volumes", "--remove-orphans"))


def client(compose: Compose, nick: str) -> IrcClient:
    """A registered client. The engine's proxy accepts before the server does."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(OSError, AssertionError), ExitStack() as attempt:
            sock = socket.create_connection(compose.address("server", 6667), 10.0)
            client = IrcClient(attempt.enter_context(sock))
            client.register(nick, "batch message-tags draft/chathistory")
            client.join("#a")
            attempt.pop_all()  # a test closes it
            return client
    raise AssertionError("the server does not answer")


def history(client: IrcClient) -> list[tuple[str, str | None]]:
    client.send("CHATHISTORY LATEST #a * 9")
    client.expect("BATCH")
    return [(m.params[1], m.tag("msgid")) for m in client.until("BATCH") if m.verb == "PRIVMSG"]


def test_down_and_up_keep_the_talk_on_a_read_only_root_and_not_as_root(compose: Compose) -> None:
    checked(compose("up", "--detach", "server"))
    ana = client(compose, "ana")
    ana.say("#a", "hello")
    before = history(ana)
    assert [text for text, _ in before] == ["hello"]
    stats = checked(run("docker", "exec", compose.container("server"), "fanfare", "admin", "log", "stats"))
    assert "/data/log.sqlite" in stats
    host = compose.inspect("server")["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    owner = checked(run("docker", "exec", compose.container("server"), "stat", "--format", "%u %a", "/data/log.sqlite"))
    assert owner == "10001 600"
    ana.sock.close()
    checked(compose("down", "--timeout", "10"))
    assert json.loads(checked(run("docker", "volume", "inspect", f"{compose.image}_data")))
    checked(compose("up", "--detach", "server"))
    bea = client(compose, "bea")
    assert history(bea) == before
    bea.sock.close()
