"""Lists of masks made to be expensive, modes by the hundred, all who come against them: innocents hear each other."""

import pytest

from chat.server.core.masks import MASK_BYTES
from tests.attacks.siege import Siege, attackers, members, say, siege
from tests.attacks.transports import each_scheme
from tests.core.chat import Chat

HOSTILE = [f"*a?b*?{number:02}*" + "a?" * 25 for number in range(100)]  # they fit nobody, and nearly everybody


def with_hostile_room(attack: Siege) -> None:
    """`#trap` has a full list of masks that take as long as masks can."""
    (operator,) = attackers(attack.server, 1, "#trap")
    for start in range(0, len(HOSTILE), 4):
        say([operator], f"MODE #trap +bbbb {' '.join(HOSTILE[start : start + 4])}\r\n".encode())
        attack.server.advance(5.0)
    assert len(attack.server.node.state.get_room("#trap").lists["b"]) == len(HOSTILE)


@each_scheme
def test_hundreds_of_modes_in_a_packet_from_many_clients(scheme: str) -> None:
    with siege(scheme=scheme) as attack:
        socks = attackers(attack.server, 20)
        for number, sock in enumerate(socks):
            say([sock], f"JOIN #room{number}\r\n".encode())
        attack.server.settle()
        masks = ("*a*b*c", "?" * 60, "x", "10.0.0.0/8")
        modes = [f"MODE #room{{}} +bbbb {' '.join(f'{mask}{number}' for mask in masks)}\r\n" for number in range(40)]
        lines = "".join(modes).encode()
        for number, sock in enumerate(socks):
            say([sock], lines.replace(b"{}", str(number).encode()))
        for _ in range(50):
            attack.word()
        attack.hold(passes=4)  # short ones


@pytest.mark.parametrize("letters", ["+b-b" * 120, "+n-n" * 120, "+k-k+l-l" * 60, "b" * 400, "xyz" * 150, "+o" * 200])
def test_a_mode_of_hundreds_of_letters_asks_for_no_more_than_a_short_one(letters: str) -> None:
    with siege() as attack:
        socks = attackers(attack.server, 8, "#trap")
        say(socks, f"MODE #trap {letters} a b c d\r\n".encode() * 30)
        for _ in range(20):
            attack.word()
        attack.hold()
        longest = max(len(entry.line) for entry in attack.server.node.log.entries)  # type: ignore[attr-defined]
        assert longest < 600


@each_scheme
def test_everybody_comes_speaks_and_takes_another_name_in_a_room_with_the_worst_list(scheme: str) -> None:
    with siege(scheme=scheme) as attack:
        with_hostile_room(attack)
        socks = members(attack.server, 200)
        say(socks, b"JOIN #trap\r\nPRIVMSG #trap :x\r\n")
        for number, sock in enumerate(socks):
            say([sock], f"NICK {'a' * 20}{number}\r\nPRIVMSG #trap :y\r\n".encode())
        for _ in range(40):
            attack.word()
        attack.hold(passes=8)  # of two hundred who all have something to say; each pass is a short one
        assert len(attack.server.node.state.get_room("#trap").members) == 201


def test_comparing_is_paid_for_by_who_causes_it() -> None:
    chat = Chat()
    ana, bob, eve = chat.member("ana", "#a"), chat.member("bob"), chat.member("eve", "#a")
    for start in range(0, len(HOSTILE), 4):
        chat.run(ana, f"MODE #a +bbbb {' '.join(HOSTILE[start : start + 4])}")
    for client, lines in ((bob, ("JOIN #a",)), (eve, ("PRIVMSG #a :x",)), (eve, ("NICK zoe", "PRIVMSG #a :x"))):
        client.cost = 0.0
        chat.run(client, *lines)
        assert client.cost > 5.0
        client.cost = 0.0
        chat.run(client, "PRIVMSG #a :again")
        assert client.cost < 5.0 or client is bob  # who had not spoken yet


def test_a_list_takes_no_more_memory_than_its_masks_allow() -> None:
    with siege() as attack:
        with_hostile_room(attack)
        bans = attack.server.node.state.get_room("#trap").lists["b"]
        assert bans.size <= len(HOSTILE) * (MASK_BYTES + 1)
