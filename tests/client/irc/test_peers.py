"""The client's network and model against real servers: ours and, where they are installed, those of others.

With REQUIRE_PEERS=1 ngIRCd and InspIRCd must be there.
"""

import os
import queue
import time
from collections.abc import Callable, Iterator

import pytest

from bench.process import free_port, serving
from bench.servers import InspIrcd, NgIrcd
from chat.client.irc.address import Address
from chat.client.irc.session import Patience, Session
from chat.client.model import commands
from chat.client.model.network import Network
from chat.client.model.talk import Delivery
from tests.support import running_server

PATIENCE = 40.0  # s; InspIRCd looks at newcomers once a second


@pytest.fixture(scope="module", params=["fanfare", "ngircd", "inspircd"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if request.param == "fanfare":
        with running_server() as server:
            yield server.ports["irc"]
        return
    peer = (NgIrcd if request.param == "ngircd" else InspIrcd)(request.param)
    if why := peer.missing():
        (pytest.fail if os.environ.get("REQUIRE_PEERS") == "1" else pytest.skip)(f"{request.param}: {why}")
    number, folder = free_port(), tmp_path_factory.mktemp(request.param)
    with serving(peer.command(number, folder), number, folder / "log"):
        yield number


class Person:
    """Somebody at a client without a window."""

    def __init__(self, port: int, nick: str, rooms: tuple[str, ...] = ("#lobby",)) -> None:
        self.network = Network(nick, rooms[0], f"127.0.0.1:{port}")
        for room in rooms[1:]:
            self.network.join(room)
        self.session = Session(Address("127.0.0.1", port), nick, Patience(goodbye=PATIENCE), rooms=rooms)
        self.session.start()
        self.until(lambda: all(talk.joined for talk in self.network.talks.rooms()))

    def until(self, seen: Callable[[], object], *others: "Person") -> None:
        """Take news, and have these others take theirs, until this holds."""
        deadline = time.monotonic() + PATIENCE
        while not seen():
            assert time.monotonic() < deadline, self.texts()
            for person in (*others, self):
                try:
                    person.network.take(person.session.news.get(timeout=0.05 if others else 0.5))
                except queue.Empty:
                    continue
                person.send()

    def send(self) -> None:
        output = self.network.take_output()
        if output:
            self.network.taken(self.session.send(b"".join(output)))

    def type(self, text: str) -> None:
        answer = commands.answer(self.network, text)
        self.network.taken(not answer.send or self.session.send(b"".join(answer.send)))

    def texts(self) -> list[str]:
        return [line.text for line in self.network.current.lines]

    def sees(self, words: str, *others: "Person") -> None:
        self.until(lambda: any(words in text for text in self.texts()), *others)


@pytest.fixture
def two(port: int) -> Iterator[tuple[Person, Person]]:
    people = Person(port, "ana"), Person(port, "ben")
    people[0].sees("ben joined")
    yield people
    for person in people:
        person.session.close()
        assert person.session.join(PATIENCE)


def test_what_one_says_the_other_hears_and_every_line_is_known_to_have_arrived(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.type("\n".join(f"line {number}" for number in range(40)))
    ana.until(lambda: not any(line.delivery is not Delivery.SENT for line in ana.network.current.lines))
    ben.sees("line 39")
    assert [text for text in ben.texts() if text.startswith("line")] == [f"line {number}" for number in range(40)]
    assert ana.network.outgoing.waiting == 0


def test_the_commands_of_every_day_work(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.type("/topic tea at five")
    ben.sees("ana changed the topic to: tea at five")
    assert ben.network.current.topic == "tea at five"
    ana.type("/whois ben")
    ana.sees("ben is ")
    ana.type("/mode")
    ana.sees("#lobby has ")  # modes, or none
    ana.type("/op ben")
    ana.sees("set the mode +o ben")
    assert [member.rank for member in ana.network.current.members.listed()] == ["@", "@"]
    ana.type("/list")
    ana.until(lambda: [(room.room, room.members) for room in ana.network.room_list] == [("#lobby", 2)])
    ana.type("/ctcp ben PING")
    ana.sees("ben answers PING after", ben)
    ana.type("/query ben psst")
    ben.until(lambda: ben.network.talks.find("ana"))
    ana.type("/nick anna")
    ben.sees("ana is now anna")
    assert ben.network.talks.find("anna")
    ana.network.open(ana.network.talks.rooms()[0])
    ana.type("/kick ben enough")
    ben.sees("anna removed you from #lobby (enough)")
    assert "anna removed you" in ben.network.outside


@pytest.mark.parametrize("port", ["ngircd", "inspircd"], indirect=True)  # ours has neither bans nor voices
def test_somebody_is_kept_out_and_may_speak(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.type("/voice ben")
    ben.sees("set the mode +v ben")
    ana.type("/ban spam")
    ana.sees("set the mode +b spam!*@*")
    ana.type("/ban")
    ana.sees("Banned from #lobby: spam!*@*")


def test_a_name_that_is_taken_is_had_back_when_it_is_free(two: tuple[Person, Person]) -> None:
    ana, ben = two
    again = Person.__new__(Person)
    again.network = Network("ben", "#lobby", "h:1")
    again.network.connection.was_welcomed = True  # as after a cut, when our ghost is still there
    address = Address("127.0.0.1", int(ana.network.server.rpartition(":")[2]))
    again.session = Session(address, "ben", Patience(goodbye=PATIENCE), instead=("ben_",))
    again.session.start()
    again.until(lambda: again.network.current.joined)
    assert again.network.me.nick == "ben_"
    ben.session.close()
    again.until(lambda: again.network.me.nick == "ben")
    again.session.close()
    assert again.session.join(PATIENCE)


@pytest.mark.parametrize("port", ["fanfare"], indirect=True)  # which names its messages
def test_replies_reactions_and_typing_reach_the_other(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.type("shall we?")
    ben.sees("shall we?")
    line = ben.network.current.lines[-1]
    assert line.msgid
    ben.network.current.reply_to = line
    ben.type("yes")
    ana.sees("yes")
    assert ana.network.current.lines[-1].reply == "ana: shall we?"
    ben.network.tags.react(ben.network.current, line, "x")
    ben.send()
    ana.until(lambda: [one.reactions for one in ana.network.current.lines if one.reactions] == [(("x", ("ben",)),)])
    ben.network.tags.we_type(ben.network.current, active=True)
    ben.send()
    ana.until(lambda: "ben is typing" in ana.network.status)
