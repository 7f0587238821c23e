"""One room, five wires: each sees the others' joins, words, renames and departures in its own form."""

from collections.abc import Iterator

import pytest

from tests.support import IrcClient, PlainClient, RunningServer, running_server

SCHEMES = ("irc", "relay", "joined", "tilde", "nick")


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running_server(SCHEMES) as running:
        yield running


class Party:
    """Someone on each wire, all in #lobby; everybody has seen what happened so far."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.irc: IrcClient = server.irc("ira", "#lobby")
        self.relay: PlainClient = server.plain("relay")
        self.relay.send("rel: hello")
        self.hears(irc=("JOIN", "rel"))
        self.irc.expect("PRIVMSG")
        self.joined: PlainClient = server.plain("joined")
        self.joined.send("joined:jo")
        self.irc.expect("JOIN")
        self.relay.expect("* jo joined")
        self.tilde: PlainClient = server.plain("tilde")
        self.tilde.send("ti")
        self.irc.expect("JOIN")
        self.relay.expect("* ti joined")
        self.joined.expect("joined:ti")
        self.tilde.expect("SERVER~ti joined the chat app")
        self.nick: PlainClient = server.plain("nick")
        assert self.nick.expect("NICK") == "NICK"
        self.nick.send("ni")
        assert self.nick.expect("Connected to the server") == "Connected to the server"
        self.irc.expect("JOIN")
        self.relay.expect("* ni joined")
        self.joined.expect("joined:ni")
        self.tilde.expect("SERVER~ni joined the chat app")

    def hears(self, irc: tuple[str, str]) -> None:
        message = self.irc.expect(irc[0])
        assert message.nick == irc[1]


def test_a_join_is_seen_on_every_wire_in_its_own_form(server: RunningServer) -> None:
    party = Party(server)
    server.irc("eva", "#lobby")
    assert party.irc.expect("JOIN").nick == "eva"
    assert party.relay.expect("* eva joined") == "* eva joined"
    assert party.joined.expect("joined:eva") == "joined:eva"
    assert party.tilde.expect("app") == "SERVER~eva joined the chat app"
    assert party.nick.expect("\n") == "eva connected to the server!\n"


@pytest.mark.parametrize("speaker", SCHEMES)
def test_words_from_each_wire_are_heard_on_all_of_them_in_their_own_form(server: RunningServer, speaker: str) -> None:
    party = Party(server)
    said = {
        "irc": ("ira", "PRIVMSG #lobby :grüß ~ dich\r\n"),
        "relay": ("rel", "rel: grüß ~ dich"),
        "joined": ("jo", "jo: grüß ~ dich"),
        "tilde": ("ti", "grüß ~ dich"),
        "nick": ("ni", "ni: grüß ~ dich\n"),
    }
    name, text = said[speaker]
    getattr(party, speaker).sock.sendall(text.encode())
    if speaker != "irc":
        message = party.irc.expect("PRIVMSG")
        assert (message.nick, message.params) == (name, ["#lobby", "grüß ~ dich"])
    if speaker != "relay":
        assert party.relay.expect("dich") == f"{name}: grüß ~ dich"
    if speaker != "joined":
        assert party.joined.expect("dich") == f"{name}: grüß ~ dich"
    if speaker != "nick":
        assert party.nick.expect("dich\n") == f"{name}: grüß ~ dich\n"
    assert party.tilde.expect("dich") == f"{name}~grüß ∼ dich"  # its speaker gets it too
    # Nobody but tilde heard themselves: the next thing that each of them gets is the next event.
    server.irc("eva", "#lobby")
    assert party.irc.expect("JOIN").nick == "eva"
    assert party.relay.expect("eva joined") == "* eva joined"
    assert party.joined.expect("joined:eva") == "joined:eva"
    assert party.nick.expect("eva connected") == "eva connected"


@pytest.mark.parametrize(
    ("leaver", "name"), [("irc", "ira"), ("relay", "rel"), ("joined", "jo"), ("tilde", "ti"), ("nick", "ni")]
)
def test_a_departure_from_each_wire_is_seen_on_all_the_others(server: RunningServer, leaver: str, name: str) -> None:
    party = Party(server)
    getattr(party, leaver).sock.close()
    if leaver != "irc":
        assert party.irc.expect("QUIT").nick == name
    if leaver != "relay":
        assert party.relay.expect("left") == f"* {name} left"
    if leaver != "joined":
        assert party.joined.expect("left") == f"{name} has left"
    if leaver != "tilde":
        assert party.tilde.expect("app") == f"SERVER~{name} left the chat app"
    if leaver != "nick":
        assert party.nick.expect("\n") == f"{name} has left the chat.\n"


def test_a_rename_on_irc_is_seen_on_every_wire(server: RunningServer) -> None:
    party = Party(server)
    party.irc.send("NICK iris")
    assert party.relay.expect("iris") == "* ira is now iris"
    assert party.joined.expect("iris") == "ira is now iris"
    assert party.tilde.expect("iris") == "SERVER~ira is now iris"
    assert party.nick.expect("\n") == "ira is now iris\n"


def test_names_in_use_get_a_number_and_nameless_ones_are_guests(server: RunningServer) -> None:
    irc = server.irc("ana", "#lobby")
    for scheme, hello in (("tilde", "ana"), ("joined", "joined:ana")):
        server.plain(scheme).send(hello)
        irc.expect("JOIN")
    for _ in range(2):
        server.plain("relay").send("hello")
        irc.expect("JOIN")
    irc.send("NAMES #lobby")
    assert sorted(irc.expect("353").params[-1].split()) == ["@ana", "ana2", "ana3", "guest1", "guest2"]


def test_an_operator_can_throw_out_someone_on_an_unframed_wire(server: RunningServer) -> None:
    party = Party(server)
    party.irc.send("KICK #lobby ti :enough")
    assert party.irc.expect("KICK").params == ["#lobby", "ti", "enough"]
    assert party.tilde.rest().endswith("SERVER~kicked by ira: enough")
    assert party.relay.expect("left") == "* ti left"
    party.irc.send("NAMES #lobby")
    assert "ti" not in party.irc.expect("353").params[-1].split()
