"""INVITE: whom it lets in, how often, and what is remembered of it."""

import pytest

from tests.core.chat import Chat


@pytest.fixture
def chat() -> Chat:
    return Chat()


def test_an_operators_invitation_lifts_every_rule_once(chat: Chat) -> None:
    ana, bob = chat.member("ana", "#a"), chat.member("bob")
    chat.run(ana, "MODE #a +iklb key 1 bob", "MODE #a +R")
    assert chat.answers(ana, "INVITE bob #A") == ["341 ana bob #a"]
    assert chat.told(bob) == [":ana!~u@host INVITE bob #a"]
    assert chat.answers(bob, "INVITE") == ["336 bob #a", "337 bob :End of /INVITE list"]
    assert chat.answers(bob, "JOIN #a")[0] == ":bob!~u@host JOIN #a"
    assert chat.answers(bob, "INVITE") == ["337 bob :End of /INVITE list"]
    chat.run(bob, "PART #a")
    assert chat.answers(bob, "JOIN #a") == ["474 bob #a :Cannot join channel (+b)"]


def test_any_members_invitation_is_told_and_lifts_nothing(chat: Chat) -> None:
    ana, bea, bob = chat.member("ana", "#a"), chat.member("bea", "#a"), chat.member("bob")
    assert chat.answers(bea, "INVITE bob #a") == ["341 bea bob #a"]
    assert chat.told(bob) == [":bea!~u@host INVITE bob #a"]
    chat.run(ana, "MODE #a +i")
    assert chat.answers(bob, "JOIN #a") == ["473 bob #a :Cannot join channel (+i)"]
    assert chat.answers(bea, "INVITE bob #a") == ["482 bea #a :You're not channel operator"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("INVITE bob", "461 eve INVITE :Not enough parameters"),
        ("INVITE nobody #b", "401 eve nobody :No such nick/channel"),
        ("INVITE ana #a", "442 eve #a :You're not on that channel"),
        ("INVITE ana #no", "403 eve #no :No such channel"),
        ("INVITE bob #b", "443 eve bob #b :is already on channel"),
        ("INVITE :b b #b", "461 eve INVITE :Not enough parameters"),
    ],
)
def test_an_invitation_that_cannot_be_says_why(chat: Chat, line: str, answer: str) -> None:
    chat.member("ana", "#a")
    eve, _ = chat.member("eve", "#b"), chat.member("bob", "#b")
    assert chat.answers(eve, line) == [answer]


def test_an_invitation_is_not_for_another_room_of_that_name(chat: Chat) -> None:
    ana, bob = chat.member("ana", "#a"), chat.member("bob")
    chat.run(ana, "INVITE bob #a", "PART #a")
    chat.now += 1
    chat.run(ana, "JOIN #a", "MODE #a +i")
    assert chat.answers(bob, "INVITE") == ["337 bob :End of /INVITE list"]
    assert chat.answers(bob, "JOIN #a") == ["473 bob #a :Cannot join channel (+i)"]


def test_of_too_many_invitations_the_oldest_goes() -> None:
    chat = Chat()
    rooms = [f"#r{number}" for number in range(21)]
    ana, bob = chat.member("ana", *rooms), chat.member("bob")
    chat.run(ana, *(f"INVITE bob {room}" for room in rooms))
    assert chat.answers(bob, "INVITE")[:-1] == [f"336 bob {room}" for room in rooms[1:]]
