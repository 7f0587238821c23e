import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.wires.names import NICK_LENGTH, ROOM_LENGTH, compile_mask, fold, is_nickname, is_room_name, nickname_from

CLAIMS = [
    ("ana", "ana"),
    ("  ana\r\n", "ana"),
    ("\u00a0ana\u2003", "ana"),
    (" " * NICK_LENGTH + "ana", "ana"),
    ("Ana Maria", "Ana_Maria"),
    ("[a]\\`_^{|}-9", "[a]\\`_^{|}-9"),
    ("1ana", "_ana"),
    ("-ana", "_ana"),
    ("42", "_2"),
    ("ana!u@h", "ana_u_h"),
    ("#lobby", "_lobby"),
    ("José", "Jos_"),
    ("٣", "_"),  # a digit, but not one of ASCII
    ("a\x00b\x07c\td", "a_b_c_d"),
    ("日本", "__"),
    ("", ""),
    (" \t\n", ""),
    ("x" * NICK_LENGTH, "x" * NICK_LENGTH),
    ("x" * (NICK_LENGTH + 1), "x" * NICK_LENGTH),
]


@pytest.mark.parametrize(("claimed", "nickname"), CLAIMS)
def test_what_may_not_stand_in_a_nickname_becomes_an_underscore(claimed: str, nickname: str) -> None:
    assert nickname_from(claimed) == nickname


@given(st.text())
def test_any_claim_is_made_a_nickname_or_nothing_and_the_result_stays_as_it_is(name: str) -> None:
    """Invariant: any text becomes "" (when it is white space) or a valid nickname, which maps to itself."""
    nickname = nickname_from(name)
    assert is_nickname(nickname) if name.strip() else nickname == ""
    assert nickname_from(nickname) == nickname


@pytest.mark.parametrize(
    "text", ["", "9ana", "-ana", "a b", "a!b", "a@b", "#a", ":a", "a:", "a.b", "ana\n", "é", "x" * (NICK_LENGTH + 1)]
)
def test_these_are_not_nicknames(text: str) -> None:
    assert not is_nickname(text)


@pytest.mark.parametrize("text", ["a", "_", "a-", "[bot]", "a9", "`", "x" * NICK_LENGTH])
def test_these_are_nicknames(text: str) -> None:
    assert is_nickname(text)


@pytest.mark.parametrize("text", ["#a", "##", "#lobby", "#Zürich", "#a!b@c", "#" + "x" * (ROOM_LENGTH - 1)])
def test_these_are_room_names(text: str) -> None:
    assert is_room_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "lobby",
        "&lobby",
        "# ",
        "#a b",
        "#a,b",
        "#a\x07",
        "#a\x00",
        "#a\r",
        "#a\n",
        "#a:b",
        "#" + "x" * ROOM_LENGTH,
    ],
)
def test_these_are_not_room_names(text: str) -> None:
    assert not is_room_name(text)


@pytest.mark.parametrize(
    ("text", "folded"), [("ANA", "ana"), ("aZ[]^", "az[]^"), ("#Zürich", "#zürich"), ("#ZÜRICH", "#zÜrich"), ("", "")]
)
def test_only_the_26_ascii_letters_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_keeps_the_length_and_folding_again_changes_nothing(text: str) -> None:
    """Invariant: fold is idempotent and maps each character to one character."""
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("mask", "name", "fits"),
    [
        ("ana", "ANA", True),
        ("ANA", "ana", True),
        ("an", "ana", False),
        ("na", "ana", False),
        ("an*", "ana", True),
        ("*", "", True),
        ("a?a", "ana", True),
        ("a?a", "aa", False),
        ("[ab]", "[ab]", True),  # brackets are letters of nicknames
        ("[ab]", "a", False),
        ("[!a]*", "[!a]x", True),
        ("a.a", "ana", False),
        ("*\n", "ana", False),
    ],
)
def test_a_mask_means_whole_names_in_any_case(mask: str, name: str, fits: bool) -> None:
    assert (compile_mask(mask).match(fold(name)) is not None) is fits
