"""One line in, megabytes out: no question, and no number of them, holds up what others say."""

import pytest

from bench.still import StillServer, StillSocket
from chat.server.core.client import Client
from chat.wires.irc import IrcDialect
from chat.wires.message import Message
from tests.asking import ask_as
from tests.attacks.siege import DEFAULTS, Siege, attackers, ghosts, say, siege
from tests.attacks.transports import each_scheme

BIG = 3_000  # members
MANY = 30_000  # rooms


def words(besieged: Siege, count: int, passes_between: int = 2) -> None:
    for _ in range(count):
        besieged.word()
        besieged.go_on(passes_between)


@pytest.mark.parametrize(("scheme", "count"), [("irc", 1), ("irc", 20), ("ircs", 20), ("ws", 20)])
@pytest.mark.parametrize("question", ["WHO #big", "NAMES #big", "WHO *", "LIST", "WHO ?host*"])
def test_a_packet_of_questions_about_everybody_delays_no_word(question: str, count: int, scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        ghosts(besieged.server, BIG, "#big")
        say(attackers(besieged.server, count), f"{question}\r\n".encode() * 60)
        words(besieged, 80)
        besieged.hold()


@pytest.mark.parametrize(("scheme", "count"), [("irc", 1), ("irc", 20), ("ws", 20)])
def test_neighbours_of_those_who_ask_speak_on_as_fast_as_people_do(count: int, scheme: str) -> None:
    """The innocent have the attackers' address, which is emptied."""
    with siege(host="127.0.0.1", scheme=scheme) as besieged:
        ghosts(besieged.server, BIG, "#big")
        bad = attackers(besieged.server, count)
        for number in range(80):
            for sock in bad:
                sock.heard.clear()
                if not (sock.readable or besieged.server.connection(sock).wire.waiting):
                    say([sock], b"WHO #big\r\n" * 60)
            besieged.word()
            besieged.go_on(20 if number >= 20 else 2)  # five words a second, after twenty at once
        besieged.hold(passes=1)


@each_scheme
def test_members_who_ask_for_the_names_of_their_room_delay_no_word(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        ghosts(besieged.server, BIG, "#big")
        say(attackers(besieged.server, 20, "#big"), b"NAMES #big\r\n" * 60)
        words(besieged, 80)
        besieged.hold()


@pytest.mark.parametrize("scheme", ["irc", "ws"])
def test_each_asker_gets_a_portion_in_turn(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        ghosts(besieged.server, BIG, "#big")
        bad = attackers(besieged.server, 30)
        say(bad, b"WHO #big\r\n" * 60)
        besieged.go_on(2)
        honest = besieged.server.connect("honest", host="10.9.9.9")
        honest.heard.clear()
        honest.said += b"WHO #big\r\n"
        besieged.go_on(300, 0.001)
        assert honest.lines()[-1].endswith(":End of WHO list")


@pytest.mark.parametrize("scheme", ["irc", "ircs"])
def test_new_connections_with_a_question_each_have_no_new_burst(scheme: str) -> None:
    """Four a second for half a minute; each is closed when the fourth after it has come."""
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        ghosts(server, 1_000, "#big")
        came: list[StillSocket] = []
        for number in range(120):
            sock = server.visit()
            sock.said = f"NICK new{number}\r\nUSER new 0 * :new\r\n".encode() + b"WHO #big\r\n" * 58
            came.append(sock)
            if number >= 4:
                came[number - 4].ended = True
            besieged.word()
            besieged.go_on(24)
        besieged.hold()
        assert len(server.loop.connections) <= 8


def rooms_with_topics(server: StillServer) -> None:
    """Made by 300 users of other nodes, each of an address of its own."""
    ghosts(server, MANY // 100)
    node = server.node
    nobody = Client("10.0.0.1", IrcDialect.of(()), node.fan_out, node.name)
    makers = [user for user in node.state.users.values() if user.nick.startswith("ghost")]
    for number in range(MANY):
        mask = makers[number % len(makers)].mask
        ask_as(node, nobody, Message("JOIN", [f"#room{number}"], mask))
        ask_as(node, nobody, Message("TOPIC", [f"#room{number}", "t" * 280], mask))
    server.settle(at_least=1)
    assert len(node.state.rooms) > MANY


def test_the_list_of_thousands_of_rooms_is_made_as_it_is_taken() -> None:
    with siege() as besieged:
        server = besieged.server
        rooms_with_topics(server)
        (bad,) = attackers(server, 1)
        bad.room = 0
        say([bad], b"LIST\r\n" * 60)
        words(besieged, 20)
        assert server.connection(bad).queue.size <= 2 * DEFAULTS.answer_limit
        bad.room = None
        words(besieged, 100)
        besieged.hold()


def test_an_honest_list_comes_whole_to_a_reader_of_ten_megabits() -> None:
    """8.7 MB at 12,500 bytes in 10 ms; they had been cut off after 0.2 s."""
    with siege() as besieged:
        server = besieged.server
        rooms_with_topics(server)
        honest = server.connect("honest", host="10.9.9.9")
        honest.heard.clear()
        honest.said += b"LIST\r\n"
        for _ in range(1_000):
            honest.room = 12_500
            besieged.server.step()
            server.now += 0.01
        lines = honest.lines()
        assert sum(" 322 " in line for line in lines) == len(server.node.state.rooms)
        assert lines[-1].endswith(":End of /LIST")


@each_scheme
def test_a_mask_of_brackets_is_no_regular_expression_to_be_made(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        ghosts(besieged.server, BIG, "#big")
        bad = attackers(besieged.server, 8)
        for number, sock in enumerate(bad):
            say([sock], b"".join(b"WHO %s*\r\n" % (b"[" * (420 + 8 * line + number)) for line in range(11)))
            say([sock], b"".join(b"WHO %s%d\r\n" % (b"[*" * 20, 8 * line + number) for line in range(30)))
        words(besieged, 80)
        besieged.hold()
