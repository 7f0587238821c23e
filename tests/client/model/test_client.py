"""Several networks: what is shown, who calls, what is kept of each for the next start."""

import pytest

from chat.client.irc.news import Join, Kind, Leave, Person, Say
from chat.client.irc.server_news import Welcomed
from chat.client.model import commands
from chat.client.model.changes import Called, Change
from chat.client.model.client import Client
from chat.client.model.network import Network
from chat.client.model.settings import Server, Settings
from chat.client.model.talks import Attention, mentions

ANA = Person("ana", "a", "h")
BEN = Person("ben", "b", "h")


def two(**settings: object) -> tuple[Client, Network, Network]:
    """On two networks; the second one's room is shown."""
    client = Client(Settings(**settings), clock=lambda: 7.0)  # type: ignore[arg-type]
    networks = [client.add(Server(f"{name}:1", "ana", ("#lobby", "#keyed word"))) for name in ("one", "two")]
    for network in networks:
        network.take(Welcomed("ana", frozenset({"echo-message"}), 1.0))
        network.take(Join(ANA, "#lobby", 1.0))
    return client, networks[0], networks[1]


def calls(changes: list[Change]) -> list[str]:
    return [change.line.text for change in changes if isinstance(change, Called)]


def test_rooms_of_the_same_name_on_two_networks_are_two_talks() -> None:
    client, one, two_ = two()
    assert client.network is two_
    one.take(Say(BEN, "#lobby", "hi", 2.0))
    room = one.talks.find("#lobby")
    assert room
    assert [line.text for line in room.lines if line.words] == ["hi"]
    assert (room.unread, two_.current.unread) == (1, 0)
    one.open(room)
    assert client.network is one
    assert two_.current.name == "#lobby", "the other network remembers what it showed"


def test_words_in_the_talk_that_is_shown_are_unread_while_the_window_is_not_looked_at() -> None:
    client, _, network = two()
    talk = network.current
    client.focus(False)
    assert calls(network.take(Say(BEN, "#lobby", "ana: urgent", 2.0))) == ["ana: urgent"]
    network.take(Say(BEN, "#lobby", "and more", 2.0))
    assert (talk.unread, talk.calls, client.calls) == (2, 1, 1)
    marked = talk.first_unread
    assert next(line for line in talk.lines if line.id == marked).text == "ana: urgent"
    client.focus(True)
    assert (talk.unread, talk.calls, client.calls) == (0, 0, 0)
    assert talk.first_unread == marked, "where one left off stays marked"
    client.focus(False)
    network.take(Say(BEN, "#lobby", "again", 3.0))
    assert next(line for line in talk.lines if line.id == talk.first_unread).text == "again"


CALLS = [
    (Say(BEN, "#lobby", "hello everybody", 2.0), False),
    (Say(BEN, "#lobby", "Ana?", 2.0), True),
    (Say(BEN, "#lobby", "the fan-fare released", 2.0), False),
    (Say(BEN, "#lobby", "the Release is out", 2.0), True),
    (Say(BEN, "ana", "psst", 2.0), True),
    (Say(BEN, "ana", "psst", 2.0, Kind.NOTICE), False),
    (Say(ANA, "#lobby", "ana says ana", 2.0), False),
]


@pytest.mark.parametrize(("news", "called"), CALLS)
def test_names_words_of_ones_own_and_private_words_call(news: Say, called: bool) -> None:
    client, _, network = two(highlights=("release", "fanfare"))
    client.focus(False)
    assert bool(calls(network.take(news))) is called


def test_who_looks_is_not_called() -> None:
    _, one, network = two()
    assert calls(network.take(Say(BEN, "#lobby", "ana: urgent", 2.0))) == []
    assert calls(one.take(Say(BEN, "#lobby", "ana: urgent", 2.0))) == ["ana: urgent"]


def test_a_word_may_hold_other_signs_than_letters() -> None:
    attention = Attention()
    attention.highlights = ("c++", "größe")
    assert attention.named("I like C++!", "ana")
    assert attention.named("die GRÖSSE zählt nicht, die Größe schon", "ana")
    assert not mentions("hello", "")


def test_what_is_open_is_kept_with_its_rooms_and_keys() -> None:
    client, one, network = two()
    network.join("#tea", "pot")
    one.speech.ignored.add("spam!*@*")
    kept = client.remembered()
    assert [(server.address, server.rooms, server.ignored, server.opened) for server in kept.servers] == [
        ("two:1", ("#lobby", "#keyed word", "#tea pot"), (), True),
        ("one:1", ("#lobby", "#keyed word"), ("spam!*@*",), True),
    ]
    client.remove(network)
    assert client.network is one
    assert {server.address: server.opened for server in client.remembered().servers} == {"one:1": True, "two:1": False}
    again = Client(client.settings)
    network = again.add(again.settings.servers[0])
    assert network.rooms


def test_the_last_network_leaves_nothing_shown() -> None:
    client, one, network = two()
    client.remove(one)
    client.remove(network)
    assert client.network is None
    assert list(client.talks()) == []
    assert client.focus(False) == []


def test_the_ignored_are_heard_nowhere_until_they_are_taken_back() -> None:
    client, _, network = two()
    answer = commands.answer(network, "/ignore ben")
    assert answer.remember
    assert network.take(Say(BEN, "#lobby", "hi", 2.0)) == []
    assert network.take(Say(BEN, "ana", "psst", 2.0)) == []
    assert network.talks.find("ben") is None
    assert network.take(Say(Person("benno", "b", "h"), "#lobby", "hi", 2.0))
    again = Client(client.remembered()).add(client.remembered().servers[-1])
    assert "ben!*@*" in (network.speech.ignored | again.speech.ignored)
    commands.answer(network, "/unignore BEN")
    assert network.take(Say(BEN, "#lobby", "hi", 2.0))


def test_a_room_that_one_has_left_is_not_joined_at_the_next_start() -> None:
    client, _, network = two()
    network.take(Leave(ANA, "#lobby", 2.0))
    kept = next(server for server in client.remembered().servers if server.address == "two:1")
    assert kept.rooms == ("#keyed word",)
