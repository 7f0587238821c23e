"""LIST with conditions (ELIST)."""

import pytest

from tests.core.chat import Chat


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("", "#big #fan #new"),
        (">1", "#big"),
        ("<2", "#fan #new"),
        (">0,<2", "#fan #new"),
        ("*n*", "#fan #new"),
        ("#*", "#big #fan #new"),
        ("!*n*", "#big"),
        ("<2,!#n*", "#fan"),
        ("C>5", "#big #fan"),
        ("C<5", "#new"),
        ("T<5", "#fan"),
        ("T>5", ""),
        ("#big,#no,#new", "#big #new"),
        (">x", ""),
    ],
)
def test_a_list_of_rooms_by_conditions(chat: Chat, what: str, found: str) -> None:
    ana, bob = chat.member("ana", "#big", "#fan"), chat.member("bob", "#big")
    chat.now += 600
    chat.run(bob, "JOIN #new")
    chat.run(ana, "TOPIC #fan :news")
    answers = chat.answers(ana, f"LIST {what}")
    assert answers[-1] == "323 ana :End of /LIST"
    assert sorted(line.split()[2] for line in answers[:-1]) == sorted(found.split())
