"""Three servers in containers: one room behind a balancer, and one account under faults, whichever of them goes."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.composed import BRIEF, UNHURRIED, Compose, checked, run
from tests.support import IrcClient

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]  # the images may have to be built

NO_ENGINE = 2  # compose.sh's exit status for it
START_S = 120.0  # for a container to answer
CAPS = "batch message-tags draft/chathistory"
FAULTS = "--faults=kill,stop,cut,store-stop,store-kill"
PROFILES = ("--profile", "cluster", "--profile", "cluster-faults")
DOWN = ("down", "--timeout", "5", "--volumes", "--remove-orphans")
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
                client.register(nick, CAPS)
                client.join("#a")
                self._clients.push(attempt.pop_all())
                return client
        raise AssertionError("no node answers")

    def node_of(self, client: IrcClient) -> str:
        client.send(f"WHOIS {client.nick}")
        return client.expect("312").params[2]


def history(client: IrcClient) -> list[tuple[str, str | None]]:
    """What was said, with its ids."""
    client.send("AWAY :behind all that was said before", "CHATHISTORY LATEST #a * 100")
    client.expect("BATCH")
    return [(message.params[1], message.tag("msgid")) for message in client.until("BATCH") if message.verb == "PRIVMSG"]


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """With the images built; nothing of one test is there for the next."""
    compose = Compose(tmp_path_factory.mktemp("report"), FANFARE_LEASE="3")
    answer = compose("version")
    if answer.returncode == NO_ENGINE:
        missing: Callable[[str], None] = pytest.fail if os.environ.get("REQUIRE_DOCKER") == "1" else pytest.skip
        missing(answer.stderr.strip())
    try:
        checked(compose(*PROFILES, "build", "store", "node-1", "cluster-faults"))
        yield compose
    finally:
        checked(compose(*PROFILES, *DOWN, "--rmi", "local"))
        run("docker", "image", "rm", compose.image, compose.cluster_image, compose.node_image)  # Compose v2 has done so


@pytest.fixture
def cluster(compose: Compose) -> Iterator[Cluster]:
    with ExitStack() as clients:
        cluster = Cluster(compose, clients)
        try:
            cluster("up", "--detach", *SERVICES)
            yield cluster
        finally:
            clients.close()
            cluster(*DOWN)


def test_users_of_three_nodes_share_a_room_and_its_past_whichever_goes_and_when_the_store_is_away(
    cluster: Cluster,
) -> None:
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

    cluster("rm", "--force", "-v", "node-2")  # with all that it had
    cluster("up", "--detach", "node-2")
    again = [cluster.client(f"n{number}") for number in range(3)]
    nodes |= {client.nick: cluster.node_of(client) for client in (back, *again)}
    again[0].say("#a", "good evening")
    assert left[0].expect("PRIVMSG").params[1] == "good evening"
    past = {nodes[client.nick]: history(client) for client in (*left, back, *again)}
    assert sorted(past) == ["node-1", "node-2", "node-3"]
    assert [text for text, _ in past["node-2"]] == [
        "to all of us",
        "said while the store begins again",
        "good evening",
    ]
    assert past["node-1"] == past["node-2"] == past["node-3"]


def test_nodes_and_the_store_are_stopped_cut_off_and_killed_under_load_and_nothing_is_lost(compose: Compose) -> None:
    """Nodes are declared gone after their lease of 3 s; only a fault takes 6.5."""
    users = ("--users=9", "--spawn-rate=20", "--rate=20", "--server-lease=5", "--outage=1")
    try:
        done = compose(*PROFILES, "run", "--rm", "-T", "cluster-faults", *users, *BRIEF, *UNHURRIED, FAULTS)
    finally:
        checked(compose(*PROFILES, *DOWN))
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-4000:]
    summary = compose.summary()
    assert summary["messages"]["delivered"] > 0
    assert summary["members"] == {"joined": 0, "left": 3, "dropped": 0}, "whose node was killed"
    told = {each["how"]: (each["victims"], each["informed"], each["false_deaths"]) for each in summary["disconnects"]}
    assert told == {
        "stop": (3, 6, 0),
        "cut": (3, 6, 0),
        "kill": (3, 6, 0),
        "store-stop": (0, 0, 0),
        "store-kill": (0, 0, 0),
    }
    back = {each["fault"]: each["back"] for each in summary["nodes"]["faults"]}
    assert (back["stop"], back["cut"], back["kill"]) == (3, 3, 3)
