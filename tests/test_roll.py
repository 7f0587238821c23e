"""The list of names: packed into lines, grown by a join, begun anew by everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Person
from chat.server.roll import Roll
from tests.support import IrcClient, running_server


def roll_of(*nicks: str, size: int = 10) -> Roll:
    roll = Roll(masks=False, size=size)
    for nick in nicks:
        roll.add(Person(nick, "~u", "host"), operator=False)
    return roll


@pytest.mark.parametrize(
    ("nicks", "lines"),
    [
        ([], []),
        (["a"], [b"a"]),
        (["aaaa", "bbbbb"], [b"aaaa bbbbb"]),  # ten bytes: a full line
        (["aaaa", "bbbbbb"], [b"aaaa", b"bbbbbb"]),  # eleven
        (["aaaaaaaaaa", "b"], [b"aaaaaaaaaa", b"b"]),
        (["a", "b", "c", "d", "e", "f"], [b"a b c d e", b"f"]),
    ],
)
def test_a_line_holds_as_much_as_its_size_and_not_a_byte_more(nicks: list[str], lines: list[bytes]) -> None:
    assert roll_of(*nicks).lines() == lines


@given(st.lists(st.text("abc", min_size=1, max_size=9), max_size=40), st.integers(9, 40))
def test_every_name_stands_in_it_once_and_in_order(nicks: list[str], size: int) -> None:
    """No line is longer than the size, and together they are the names."""
    lines = roll_of(*nicks, size=size).lines()
    assert b" ".join(lines).decode().split() == nicks
    assert all(len(line) <= size for line in lines)


def names(client: IrcClient, room: str = "#a") -> list[str]:
    client.send(f"NAMES {room}")
    return [name for message in client.until("366") if message.verb == "353" for name in message.params[-1].split()]


def test_the_names_stay_right_whatever_changes_between_two_looks() -> None:
    with running_server() as server:
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        masked = server.irc("eve", "#a", caps="userhost-in-names")
        assert names(ana) == ["@ana", "bob", "eve"]
        assert names(masked) == ["@ana!~ana@127.0.0.1", "bob!~bob@127.0.0.1", "eve!~eve@127.0.0.1"]
        bob.send("NICK rob")
        bob.sync()
        assert names(ana) == ["@ana", "rob", "eve"]
        ana.send("MODE #a +o rob")
        assert names(ana) == ["@ana", "@rob", "eve"]
        server.irc("joe", "#a")
        assert names(ana) == ["@ana", "@rob", "eve", "joe"]
        assert names(masked)[-1] == "joe!~joe@127.0.0.1"
        bob.send("PART #a")
        bob.sync()
        assert names(ana) == ["@ana", "eve", "joe"]
        masked.send("QUIT")
        masked.rest()
        assert names(ana) == ["@ana", "joe"]
        ana.send("KICK #a joe")
        assert names(ana) == ["@ana"]
