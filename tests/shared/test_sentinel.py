"""The master of the store is killed, and Sentinels make its replica the master: what users see, and what is kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chat.server.shared.place import Place
from chat.server.shared.store import Store
from chat.wires.message import parse
from tests.shared.conftest import LEASE
from tests.shared.sentinels import Sentinels, running_sentinels
from tests.support import IrcClient, RunningServer, running_server

Node = Callable[..., RunningServer]


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with running_sentinels(tmp_path) as running:
        yield running


@pytest.fixture
def node(sentinels: Sentinels) -> Iterator[Node]:
    with ExitStack() as nodes:

        def make(name: str, durability: str) -> RunningServer:
            settings = {
                "log": sentinels.url,
                "node": name,
                "durability": durability,
                "lease": LEASE,
                "log_patience": 50.0,
            }
            return nodes.enter_context(running_server(**settings))  # type: ignore[arg-type]

        yield make


class Talk(threading.Thread):
    """Says one word after the other, each when the one before has come back, until it is told to stop."""

    def __init__(self, client: IrcClient) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.talking = threading.Event()
        self.shown: list[str] = []
        self._client = client

    def run(self) -> None:
        while not self.stopping.is_set():
            self._client.say("#r", f"word {len(self.shown)}")
            self.shown.append(self._client.expect("PRIVMSG").params[1])
            if len(self.shown) % 20 == 0:
                self.talking.set()


def words_of(store: str) -> list[str]:
    log = Store(Place.of(store))
    requests = [parse(item.line) for item in log.read("0-0", 100_000, None)]
    log.close()
    return [request.params[1] for request in requests if request.verb == "PRIVMSG"]


def test_talk_goes_on_after_a_failover_and_with_strict_nothing_that_was_shown_is_lost(
    node: Node, sentinels: Sentinels
) -> None:
    a, b = node("a", "strict"), node("b", "strict")
    ana, bob = a.irc("ana", "#r", caps="echo-message"), b.irc("bob", "#r")
    talk = Talk(ana)
    talk.start()
    talk.talking.wait()
    sentinels.master.stop()
    sentinels.failed_over()
    sentinels.master.start()  # and Sentinels make it a replica: until there is one, nothing more is shown
    talk.talking.clear()
    assert talk.talking.wait(50.0)
    talk.stopping.set()
    talk.join()
    ana.say("#r", "end")
    heard: list[str] = []
    while not heard or heard[-1] != "end":
        heard.append(bob.expect("PRIVMSG").params[1])
    assert heard == [*talk.shown, "end"]  # on the connections that there were before
    assert words_of(sentinels.replica.url) == heard


def test_nodes_notice_that_a_failover_has_lost_what_they_have_shown_and_begin_again_from_the_store(
    node: Node, sentinels: Sentinels
) -> None:
    nodes = [node(name, "relaxed") for name in ("a", "b")]
    ana, bob = nodes[0].irc("ana", "#r"), nodes[1].irc("bob", "#r")
    ana.expect("JOIN")
    assert sentinels.master.client().wait(1, 50_000) == 1
    sentinels.replica.client().config_set("masteruser", "nobody")  # its link will not come back
    sentinels.replica.client().config_set("masterauth", "nothing")
    sentinels.master.client().client_kill_filter(_type="replica")
    ana.say("#r", "lost")
    assert bob.expect("PRIVMSG").params[1] == "lost"
    ana.sync()  # her node has read it too
    sentinels.master.stop()
    for ended in nodes:
        assert not ended.server.wait()
        assert "it must begin again" in ended.server.failure
        ended.server.stop()
    sentinels.failed_over()
    for name in ("a", "b"):
        sentinels.replica.client().delete(f"fanfare:lease:{name}")
    a, b = node("a", "relaxed"), node("b", "relaxed")
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    ana.expect("JOIN")
    bob.say("#r", "after")
    assert ana.expect("PRIVMSG").params[1] == "after"
    bob.sync()
    assert len({one.server.loop.node.state.dump() for one in (a, b)}) == 1
    assert words_of(sentinels.replica.url) == ["after"]
    sentinels.master.start()
