"""Three servers in containers behind a balancer: one room, whichever of them goes, and the store away for a while."""

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
START_S = 60.0  # for a container to answer
SERVICES = ("store", "node-1", "node-2", "node-3", "balancer")


class Cluster:
    """Clients that come by the balancer."""

    def __init__(self, compose: Compose, clients: ExitStack) -> None:
        self.compose = compose
        self._clients = clients

    def __call__(self, *arguments: str) -> str:
        return checked(self.compose("--profile", "cluster", *arguments))

    def client(self, nick: str) -> IrcClient:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with suppress(OSError, AssertionError), ExitStack() as attempt:
                sock = socket.create_connection(self.compose.address("balancer", 6667), 20.0)
                client = IrcClient(attempt.enter_context(sock))
                client.register(nick)
                client.join("#a")
                self._clients.push(attempt.pop_all())
                return client
        raise AssertionError("no node answers")

    def node_of(self, client: IrcClient) -> str:
        client.send(f"WHOIS {client.nick}")
        return client.expect("312").params[2]


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    compose = Compose(tmp_path_factory.mktemp("report"))
    answer = compose("version")
    if answer.returncode == NO_ENGINE:
        missing: Callable[[str], None] = pytest.fail if os.environ.get("REQUIRE_DOCKER") == "1" else pytest.skip
        missing(answer.stderr.strip())
    with ExitStack() as clients:
        cluster = Cluster(compose, clients)
        try:
            cluster("build", "store", "node-1")
            cluster("up", "--detach", *SERVICES)
            yield cluster
        finally:
            clients.close()
            cluster("down", "--timeout", "5", "--rmi", "local", "--volumes", "--remove-orphans")
            run("docker", "image", "rm", compose.cluster_image, compose.node_image)  # Compose v2 has done so


def test_users_of_three_nodes_share_a_room_when_a_node_is_killed_and_when_the_store_is_away(cluster: Cluster) -> None:
    clients = [cluster.client(f"u{number}") for number in range(6)]
    nodes = {client.nick: cluster.node_of(client) for client in clients}
    assert sorted(set(nodes.values())) == ["node-1", "node-2", "node-3"]
    clients[0].send("WHOIS u0")
    (balancer,) = cluster.compose.inspect("balancer")["NetworkSettings"]["Networks"].values()
    assert clients[0].expect("338").params[2] != balancer["IPAddress"]  # it has said where u0 comes from
    clients[0].say("#a", "to all of us")
    for client in clients[1:]:
        assert client.expect("PRIVMSG").params[1] == "to all of us"

    left = [client for client in clients if nodes[client.nick] != "node-2"]
    cluster("kill", "node-2")
    gone = {left[0].expect("QUIT").source.partition("!")[0] for _ in range(len(clients) - len(left))}
    assert gone == {nick for nick, node in nodes.items() if node == "node-2"}
    back = cluster.client("u-back")
    assert cluster.node_of(back) != "node-2"

    cluster("restart", "--timeout", "0", "store")
    left[0].say("#a", "said while the store begins again")
    assert left[1].expect("PRIVMSG").params[1] == "said while the store begins again"
    assert back.expect("PRIVMSG").params[1] == "said while the store begins again"

    cluster("up", "--detach", "node-2")
    again = [cluster.client(f"n{number}") for number in range(3)]
    assert "node-2" in {cluster.node_of(client) for client in again}
    again[0].say("#a", "good evening")
    assert left[0].expect("PRIVMSG").params[1] == "good evening"
