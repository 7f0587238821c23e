"""The list of names: packed into lines, and kept as people come, go and are called otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Person
from chat.server.core.names_list import NamesList
from tests.support import IrcClient, running_server


def list_of(*nicks: str, size: int = 10) -> NamesList:
    names_list = NamesList(masks=False, size=size)
    for nick in nicks:
        names_list.add(Person(nick, "~u", "host"), sign="")
    return names_list


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
    assert list_of(*nicks).lines() == lines


@given(st.lists(st.text("abc", min_size=1, max_size=9), max_size=40), st.integers(9, 40))
def test_every_name_stands_in_it_once_and_in_order(nicks: list[str], size: int) -> None:
    """No line is longer than the size, and together they are the names."""
    lines = list_of(*nicks, size=size).lines()
    assert b" ".join(lines).decode().split() == nicks
    assert all(len(line) <= size for line in lines)


@given(st.lists(st.tuples(st.integers(0, 9), st.text("abc", min_size=1, max_size=9)), max_size=40), st.integers(9, 40))
def test_a_change_of_name_leaves_every_name_in_it_once(changes: list[tuple[int, str]], size: int) -> None:
    """No line is longer than the size, and whoever is in it can still be taken out."""
    called = [str(number) for number in range(10)]
    names_list = list_of(*called, size=size)
    for number, nick in changes:
        if nick not in called:
            before, called[number] = called[number], nick
            names_list.replace(Person(before, "~u", "host"), "", Person(nick, "~u", "host"), "")
        names_list.lines()
    assert sorted(b" ".join(names_list.lines()).decode().split()) == sorted(called)
    assert all(len(line) <= size for line in names_list.lines())
    for nick in called:
        names_list.remove(Person(nick, "~u", "host"), "")
    assert names_list.lines() == []


@pytest.mark.parametrize(
    ("nick", "lines"),
    [
        ("bbbb", [b"aaaa bbbb", b"ccccc ddd"]),
        ("bbbbb", [b"aaaa bbbbb", b"ccccc ddd"]),
        ("b" * 6, [b"aaaa", b"ccccc ddd", b"bbbbbb"]),
    ],
)
def test_a_longer_name_keeps_its_line_or_moves_to_the_end(nick: str, lines: list[bytes]) -> None:
    names_list = list_of("aaaa", "b", "ccccc", "ddd")
    assert names_list.lines() == [b"aaaa b", b"ccccc ddd"]
    names_list.replace(Person("b", "~u", "host"), "", Person(nick, "~u", "host"), "")
    assert names_list.lines() == lines


@pytest.mark.parametrize(
    ("before", "after", "added", "lines"),
    [
        ("bbbb", "b", "ccc", [b"aaaa b ccc"]),  # ten bytes: a full line
        ("bbbb", "b", "cccc", [b"aaaa b", b"cccc"]),
        ("b", "bbb", "c", [b"aaaa bbb c"]),
        ("b", "bbb", "cc", [b"aaaa bbb", b"cc"]),
        ("b", "bbbbb", "c", [b"aaaa bbbbb", b"c"]),
    ],
)
def test_a_changed_name_leaves_the_last_line_as_much_space_as_it_has(
    before: str, after: str, added: str, lines: list[bytes]
) -> None:
    names_list = list_of("aaaa", before)
    names_list.replace(Person(before, "~u", "host"), "", Person(after, "~u", "host"), "")
    names_list.add(Person(added, "~u", "host"), "")
    assert names_list.lines() == lines


def test_an_operator_whose_name_moves_keeps_the_sign() -> None:
    names_list = list_of("aaaa", "b", "cc")
    names_list.replace(Person("b", "~u", "host"), "", Person("b", "~u", "host"), "@")
    assert names_list.lines() == [b"aaaa cc", b"@b"] or names_list.lines() == [b"aaaa @b cc"]
    names_list.replace(Person("b", "~u", "host"), "@", Person("bbbbbbbb", "~u", "host"), "@")
    assert sorted(b" ".join(names_list.lines()).split()) == [b"@bbbbbbbb", b"aaaa", b"cc"]
    names_list.remove(Person("bbbbbbbb", "~u", "host"), "@")
    assert b" ".join(names_list.lines()) == b"aaaa cc"


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
