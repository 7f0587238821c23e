import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.wires.names import (
    NICK_LENGTH,
    ROOM_BYTES,
    fold,
    is_nickname,
    is_reserved,
    is_room_name,
    matcher,
    nickname_from,
)

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
    # characters that show nothing: none at the ends, `_` inside
    ("\ufeffana\u200b", "ana"),
    ("a\u200bna", "a_na"),
    ("\u200b\u00a0\u3164\u2800\ufe0f\u034f\U000e0041", ""),
    ("\x00\x1b\x7f\u0085", ""),
    ("\ud800", ""),
    # the server's name, or nearly
    ("SERVER", ""),
    ("server2", ""),
    ("#Server#", ""),
    ("servers", "servers"),
    ("observer", "observer"),
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
    """Invariant: any text becomes "" or a valid nickname that is not the server's, which maps to itself."""
    nickname = nickname_from(name)
    assert nickname == "" or (is_nickname(nickname) and not is_reserved(nickname))
    assert nickname != "" or not any(letter.isalnum() for letter in name) or "server" in fold(name)
    assert nickname_from(nickname) == nickname


@pytest.mark.parametrize(
    "text", ["", "9ana", "-ana", "a b", "a!b", "a@b", "#a", ":a", "a:", "a.b", "ana\n", "é", "x" * (NICK_LENGTH + 1)]
)
def test_these_are_not_nicknames(text: str) -> None:
    assert not is_nickname(text)


@pytest.mark.parametrize("text", ["a", "_", "a-", "[bot]", "a9", "`", "x" * NICK_LENGTH])
def test_these_are_nicknames(text: str) -> None:
    assert is_nickname(text)


@pytest.mark.parametrize(
    "nick", ["server", "SERVER", "SERVER2", "_server_", "Server-", "9server9", "[server]", "`^\\|server{}"]
)
def test_these_nicknames_could_be_taken_for_the_server(nick: str) -> None:
    assert is_reserved(nick)


@pytest.mark.parametrize("nick", ["", "servers", "aserver", "serve", "s_erver", "server_ana", "my-server", "2"])
def test_these_nicknames_are_free(nick: str) -> None:
    assert not is_reserved(nick)


@pytest.mark.parametrize(
    "text",
    [
        "#a",
        "##",
        "#lobby",
        "#Zürich",
        "#a!b@c",
        "#日本",
        "#☕",
        "#कि",  # a vowel sign, which combines but shows
        "#" + "x" * (ROOM_BYTES - 1),
        "#" + "é" * 31 + "x",
        "#" + "🎉" * 15 + "xxx",
    ],
)
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
        "#" + "x" * ROOM_BYTES,
        "#" + "é" * 32,
        "#" + "🎉" * 16,
    ],
)
def test_these_are_not_room_names(text: str) -> None:
    assert not is_room_name(text)


UNSEEN = [  # each alone is a reason to refuse a room name
    *(chr(code) for code in range(0x21)),
    *(chr(code) for code in range(0x7F, 0xA1)),
    *"\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f",
    *(chr(code) for code in range(0x2000, 0x2010)),  # spaces, zero-width characters, direction marks
    *(chr(code) for code in range(0x2028, 0x2030)),  # separators, bidi embeddings
    *(chr(code) for code in range(0x205F, 0x2070)),  # invisible operators, bidi isolates
    *"\u2800\u3000\u3164\ufeff\uffa0\ufff0\ufff8\ufff9\ufffb",
    *(chr(code) for code in range(0xFE00, 0xFE10)),  # variation selectors
    *"\U0001bca0\U0001d173\U000e0000\U000e0020\U000e007f\U000e0100\U000e01ef\U000e0fff",
    *"\ud800\udfff\ue000\U000f0000\U0010fffd",  # surrogates, private use
]


@pytest.mark.parametrize("letter", UNSEEN, ids=ascii)
def test_a_room_name_with_a_character_that_cannot_be_seen_is_refused(letter: str) -> None:
    assert not is_room_name(f"#a{letter}b")
    assert not is_room_name(f"#{letter}")
    assert not is_room_name(f"#a{letter}")
    assert nickname_from(letter) == ""


VISIBLE = "!~\u0350\u1161\u180a\u2010\u2027\u2801\u3165\ufdf0\ufe10\uffa1\ufffd"


@pytest.mark.parametrize("letter", VISIBLE, ids=ascii)
def test_their_visible_neighbours_are_not(letter: str) -> None:
    assert is_room_name(f"#x{letter}b")


@pytest.mark.parametrize(
    ("composed", "decomposed"),
    [("#\u00e9", "#e\u0301"), ("#\u00c5", "#\u212b"), ("#\uac00", "#\u1100\u1161")],
)
def test_of_two_ways_to_compose_a_name_one_is_refused(composed: str, decomposed: str) -> None:
    assert is_room_name(composed)
    assert not is_room_name(decomposed)


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
    assert (matcher(mask)(fold(name)) is not None) is fits


@pytest.mark.parametrize(
    "nick",
    [
        *(
            "NickServ",
            "chanserv",
            "Global",
            "Admin",
            "admin2",
            "_Administrator_",
            "root",
            "N1ckServ",
            "NlckServ",
            "s3rver",
        ),
        *("5erver", "s3rver", "ChanServ-", "0perServ", "adrnin", "|NickServ|", "Sy5tem", "IRCop", "N|ckServ"),
    ],
)
def test_these_nicknames_could_be_taken_for_a_service_or_an_official(nick: str) -> None:
    assert is_reserved(nick)


@pytest.mark.parametrize("nick", ["nick", "conserve", "administer", "roots", "globe", "ana", "opera", "sysops9x"])
def test_these_nicknames_are_nobodys(nick: str) -> None:
    assert not is_reserved(nick)
