"""A room without a log: its members in their order, who may become an operator, and lists of names that stay right."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Person
from chat.server.core.room import Room, User

SIZE = 17  # bytes of a line of names: three short ones or a mask


def user(nick: str, has_commands: bool = True) -> User:
    return User(1, Person(nick, "~u", "host"), nick, "node", 0.0, has_commands)


def test_a_new_room_allows_no_words_from_outside_and_has_no_topic() -> None:
    room = Room("#Ana", 12.0, "host")
    assert (room.name, room.key, room.created, room.creator_host) == ("#Ana", "#ana", 12.0, "host")
    assert (room.modes, room.topic, room.topic_by) == ({"n", "t"}, "", None)
    assert list(room.members) == []


@pytest.mark.parametrize("has_commands", [True, False])
@pytest.mark.parametrize("rank", ["q", "o", "qov", "v", ""])
def test_an_operator_is_wanted_where_nobody_is_one_or_could_have_become_one(has_commands: bool, rank: str) -> None:
    room, ana = Room("#a", 0.0, "host"), user("ana", has_commands)
    assert room.wants_operator
    room.add(ana, rank)
    wanted = not has_commands and rank in ("v", "")
    assert room.wants_operator is wanted
    room.remove(ana)
    assert room.wants_operator


def test_an_operator_is_wanted_again_when_the_last_who_could_use_the_rights_has_left() -> None:
    room, bot, ana = Room("#a", 0.0, "host"), user("bot", has_commands=False), user("ana")
    room.add(bot, "")
    room.add(ana, "o")
    assert not room.wants_operator
    room.set_rank(bot, "o")
    room.remove(ana)
    assert not room.wants_operator  # somebody has made the bot one
    room.remove(bot)
    room.add(bot, "o")
    room.set_rank(bot, "v")
    assert room.wants_operator
    room.set_rank(bot, "o")
    room.set_rank(bot, "v")
    assert room.wants_operator
    room.set_rank(bot, "v")
    room.set_rank(bot, "o")
    assert not room.wants_operator


def names(room: Room, masks: bool, every_sign: bool = False) -> list[str]:
    return b" ".join(room.names(masks, every_sign, SIZE).lines()).decode().split()


def expected(room: Room, masks: bool, every_sign: bool) -> list[str]:
    signs = {"q": "~", "o": "@", "v": "+"}
    return [
        "".join(signs[letter] for letter in (rank if every_sign else rank[:1]))
        + (member.mask if masks else member.nick)
        for member, rank in room.members.items()
    ]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "rank", "rename", "ask", "ask masks"]),
        st.integers(0, 9),
        st.sampled_from(["", "v", "o", "ov", "qo"]),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens_all_lists_of_names_are_the_members(steps: list[tuple[str, int, str]]) -> None:
    room, users = Room("#a", 0.0, "host"), [user(f"user{number}") for number in range(10)]
    for what, number, rank in steps:
        who = users[number]
        here = who in room.members
        if what == "add" and not here:
            room.add(who, rank)
        elif what == "remove" and here:
            room.remove(who)
        elif what == "rank" and here:
            room.set_rank(who, rank)
        elif what == "rename" and here:
            before = who.person
            who.set_person(Person(f"{before.nick}x" if len(before.nick) < 8 else f"user{number}", "~u", "host"))
            room.rename(who, before)
        elif what.startswith("ask"):
            names(room, what == "ask masks", number < 5)
    for masks, every_sign in product((False, True), repeat=2):
        assert sorted(names(room, masks, every_sign)) == sorted(expected(room, masks, every_sign))
        assert all(len(line) <= SIZE for line in room.names(masks, every_sign, SIZE).lines())


def test_a_list_is_kept_while_it_is_dense_and_made_again_when_it_has_become_sparse() -> None:
    room, users = Room("#a", 0.0, "host"), [user(f"user{number}") for number in range(10)]
    for who in users:
        room.add(who, "")
    kept = room.names(False, False, SIZE)
    for who in users[:5]:
        room.remove(who)
        assert room.names(False, False, SIZE) is kept
    room.remove(users[5])  # six places are empty, four are not
    assert room.names(False, False, SIZE) is not kept
    assert names(room, False) == ["user6", "user7", "user8", "user9"]
    assert room.names(False, False, SIZE).lines() == [b"user6 user7 user8", b"user9"]
