"""Nodes of two versions side by side, and the way from one to the next: one node after the other, while people talk."""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from chat.errors import SetupError
from chat.server.shared.place import Place
from chat.server.shared.scripts import ENTRY_VERSION
from chat.server.shared.store import Store
from chat.wires.message import Message, parse
from tests.ops.serving import SERVE, client_of
from tests.shared.conftest import Start, declare_gone
from tests.shared.store_process import RedisProcess
from tests.support import PATIENCE, IrcClient

NEWER = (sys.executable, "-m", "tests.shared.newer_server", "serve")
OLDER = (sys.executable, "-m", "tests.shared.older_server", "serve")
NOT_YET = "Not every server of this network knows SHINE yet"
WORDS = 20  # that everybody says between two steps of the upgrade


@pytest.fixture
def start(start: Start) -> Start:
    """`start("a")` is a node of this version, `start("b", NEWER)` one of the next, with OLDER of the first."""
    return lambda name, command=SERVE: start(name, "--drain", "0.2", command=command)


def versions(store: RedisProcess) -> list[int]:
    """Of all entries, in their order."""
    reading = Store(Place.of(store.url))
    found = [item.version for item in reading.read("0-0", 100_000, None)]
    reading.close()
    return found


def shine(client: IrcClient) -> Message:
    """The answer, once it is not that some node does not know the verb."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        client.send("SHINE :on all")
        for message in client.sync():
            if message.verb == "SHINE" or (message.verb == "FAIL" and message.params[-1] != NOT_YET):
                return message
    raise AssertionError("the newer version did not come into use")


def test_nodes_of_two_versions_talk_in_the_older_one_until_the_last_older_node_leaves(
    start: Start, store: RedisProcess
) -> None:
    old, new = start("old"), start("new", NEWER)
    ana, bob = old.irc("ana", "#r"), new.irc("bob", "#r")
    ana.expect("JOIN")
    ana.say("#r", "from the old one")
    bob.say("#r", "from the new one")
    assert bob.expect("PRIVMSG").params[1] == "from the old one"
    assert ana.expect("PRIVMSG").params[1] == "from the new one"
    bob.send("SHINE :too early")
    assert bob.expect("FAIL").params[-1] == NOT_YET
    assert set(versions(store)) == {ENTRY_VERSION}

    old.process.signal(signal.SIGTERM)
    assert old.process.end()[0] == 0
    assert shine(bob).verb == "SHINE"
    written = versions(store)
    assert written[-1] == ENTRY_VERSION + 1
    assert written == sorted(written)


def test_a_node_of_the_first_version_takes_part_until_it_has_left(start: Start, store: RedisProcess) -> None:
    old, new = start("old", OLDER), start("new")
    ana, bob = old.irc("ana", "#r"), new.irc("bob", "#r")
    ana.expect("JOIN")
    ana.send("MODE #r +v bob", "NICK anna", "PRIVMSG #r :from the old one")
    assert bob.expect("PRIVMSG").source.startswith("anna!")
    bob.send("NS REGISTER sesame-opens")
    bob.expect("900")
    bob.send("TOPIC #r :about", "NICK rob", "PRIVMSG #r :from the new one")
    assert ana.expect("PRIVMSG").source.startswith("rob!")
    for client in (ana, bob):
        client.send("NAMES #r")
        assert client.expect("353").params[-1] == "@anna +rob"
    new.process.signal(signal.SIGSTOP)
    declare_gone(store.url, "new")
    ana.expect("QUIT")
    new.process.signal(signal.SIGCONT)
    ana.expect("JOIN")
    written: Any = store.client().xrange("fanfare:log")
    assert {fields["v"] for _, fields in written} == {"1"}
    assert [fields["l"].partition(" ACCOUNT ")[2] for _, fields in written if " ACCOUNT " in fields["l"]] == ["bob"]
    assert {fields["n"] for _, fields in written if "u" not in fields} == {"old", "*"}

    old.process.signal(signal.SIGTERM)
    assert old.process.end()[0] == 0
    bob.say("#r", "alone")
    bob.sync()
    assert versions(store)[-1] == ENTRY_VERSION
    status, errors = start("old", OLDER).process.end()
    assert status == 2
    assert f"is written in version {ENTRY_VERSION}, this server reads 1" in errors.splitlines()[-1]
    assert "Traceback" not in errors


def test_an_older_node_does_not_start_once_the_newer_version_is_written(start: Start) -> None:
    shine(start("new", NEWER).irc("bob"))
    status, errors = start("old").process.end()
    assert status == 2
    assert f"is written in version {ENTRY_VERSION + 1}, this server reads {ENTRY_VERSION}" in errors
    assert "Traceback" not in errors


def test_an_older_node_that_was_away_while_the_newer_version_came_ends_with_its_reason(
    start: Start, store: RedisProcess
) -> None:
    old, new = start("old"), start("new", NEWER)
    ana, bob = old.irc("ana", "#r"), new.irc("bob", "#r")
    ana.expect("JOIN")
    old.process.signal(signal.SIGSTOP)
    declare_gone(store.url, "old")
    bob.expect("QUIT")
    shine(bob)
    old.process.signal(signal.SIGCONT)
    status, errors = old.process.end()
    assert status == 1
    assert f"version {ENTRY_VERSION + 1}, this server reads {ENTRY_VERSION}" in errors
    assert "Traceback" not in errors


def test_the_version_is_the_newest_that_every_node_reads_and_never_an_older_one_again(
    store: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Store(Place.of(store.url))
    epochs = {}

    def enter(node: str, reads: int) -> None:
        monkeypatch.setattr("chat.server.shared.store.ENTRY_VERSION", reads)
        epochs[node] = log.enter(node, node, 60.0, "new")

    def leave(node: str) -> None:
        assert log.declare_gone(node, epochs[node], node)

    oldest = ENTRY_VERSION
    enter("a", oldest)
    enter("c", oldest + 1)
    enter("b", oldest + 2)
    assert log.renew("b", epochs["b"], "b", 60.0) == oldest
    leave("a")
    assert log.renew("b", epochs["b"], "b", 60.0) == oldest + 1
    assert not log.claim_snapshot("b", 60.0)  # which "c" could not read
    with pytest.raises(SetupError, match=f"is written in version {oldest + 1}, this server reads {oldest}"):
        enter("a", oldest)
    enter("d", oldest + 1)
    leave("c")
    assert log.version() == oldest + 1
    leave("d")
    assert log.version() == oldest + 2
    monkeypatch.setattr("chat.server.shared.store.ENTRY_VERSION", oldest + 2)
    assert log.claim_snapshot("b", 60.0)
    leave("b")
    assert log.version() == oldest + 2
    log.close()


@dataclass
class View:
    """What one connection saw of the room."""

    since: int = 0  # the id of its own JOIN
    said: list[int] = field(default_factory=list)
    others: Counter[tuple[str, str]] = field(default_factory=Counter)  # verb and nick of what is no word


class Talker(threading.Thread):
    """Somebody who says a word, waits until it comes back, and says the next; comes in at `where()` when cut off."""

    def __init__(self, nick: str, where: Callable[[], int], news: threading.Condition, end: threading.Barrier) -> None:
        super().__init__(name=nick, daemon=True)
        self.views: list[View] = []
        self.heard = 0  # own words that have come back; guarded by `news`
        self.unsure = 0  # words whose echo was not to be had, said again
        self.quiet = threading.Event()
        self._where = where
        self._news = news
        self._end = end
        self._next = 0

    def run(self) -> None:
        while not self._stay():
            self.unsure += 1

    def check(self, words: dict[int, str]) -> None:
        """No word is lost; each connection saw all that was said, in order, and of others that they went and came."""
        said = Counter(words.values())
        own = [said[f"{self.name} {number}"] for number in range(self.heard)]
        assert min(own) == 1
        assert sum(own) <= self.heard + self.unsure
        for view in self.views:
            due = [number for number in words if number > view.since]
            assert view.said == (due if view is self.views[-1] else due[: len(view.said)])
            for (verb, nick), times in view.others.items():
                assert verb in ("JOIN", "QUIT"), f"{verb} of {nick}"
                most = 1 if verb == "QUIT" else 1 + view.others["QUIT", nick]
                assert times <= most, f"{self.name} saw {verb} of {nick} {times} times: {view.others}"

    def _stay(self) -> bool:
        """Talk on one connection; False when it was ended."""
        client = client_of(self._where())
        with client.sock:
            self._come_in(client)
            view = View()
            self.views.append(view)
            while not self.quiet.is_set():
                client.say("#r", f"{self.name} {self._next}")
                if not self._read(client, view, "PRIVMSG", f"{self.name} {self._next}"):
                    return False
                self._next += 1
                with self._news:
                    self.heard += 1
                    self._news.notify_all()
            self._end.wait(PATIENCE)  # all words are in the log
            client.send("AWAY :done", f"PING {self.name}")
            stayed = self._read(client, view, "PONG", self.name)
            self._end.wait(PATIENCE)  # nobody reads that another has gone home
            return stayed

    def _come_in(self, client: IrcClient) -> None:
        client.send("CAP REQ :echo-message message-tags", f"NICK {self.name}", f"USER {self.name} 0 * :{self.name}")
        client.send("CAP END")
        while (message := client.read()) is not None and message.verb != "001":
            if message.verb == "433":  # its QUIT is on its way
                client.send(f"NICK {self.name}")
        client.send("JOIN #r")

    def _read(self, client: IrcClient, view: View, verb: str, last: str) -> bool:
        while (message := client.read()) is not None:
            nick, number = message.source.partition("!")[0], int(message.tag("msgid") or "0", 16)
            if message.verb == "JOIN" and nick == self.name:
                view.since = number
            elif message.verb == "PRIVMSG":
                view.said.append(number)
            elif number:
                view.others[message.verb, nick] += 1
            if message.verb == verb and message.params[-1] == last:
                return True
        return False


def test_the_nodes_are_upgraded_one_after_the_other_while_everybody_talks(start: Start, store: RedisProcess) -> None:
    nodes = [start(name) for name in ("a", "b", "c")]
    ports = [node.port for node in nodes]
    news, place = threading.Condition(), count()
    newest = [0]
    talkers = []
    end = threading.Barrier(6)

    def where() -> int:
        """A node in turn at first, and afterwards the newest."""
        return newest[0] or ports[next(place) % 3]

    for number in range(6):
        talkers.append(Talker(f"t{number}", where, news, end))
        talkers[-1].start()

    def talk_on() -> None:
        """Everybody says so many more words and hears them."""
        with news:
            aims = [talker.heard + WORDS for talker in talkers]
            done = news.wait_for(
                lambda: all(one.heard >= aim for one, aim in zip(talkers, aims, strict=True)), PATIENCE
            )
        assert done, f"{[talker.heard for talker in talkers]} words heard, {aims} wanted"

    talk_on()
    for step, node in enumerate(nodes):
        newest[0] = start(f"{'abc'[step]}2", NEWER).port
        node.process.signal(signal.SIGTERM)
        status, errors = node.process.end()
        assert status == 0, errors
        talk_on()
    for talker in talkers:
        talker.quiet.set()
    for talker in talkers:
        talker.join(PATIENCE)
        assert not talker.is_alive()

    words = read_words(store)
    assert {talker.name: len(talker.views) for talker in talkers} == {talker.name: 2 for talker in talkers}
    for talker in talkers:
        talker.check(words)


def read_words(store: RedisProcess) -> dict[int, str]:
    """What was said, by id, as the log has it."""
    words = {}
    log = Store(Place.of(store.url))
    for item in log.read("0-0", 1_000_000, None):
        message = parse(item.line)
        if message.verb == "PRIVMSG":
            words[item.entry_id] = message.params[1]
    log.close()
    return words
