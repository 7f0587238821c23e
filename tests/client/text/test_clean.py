"""Text from peers made harmless, and what the connect form and the command line may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.irc.address import Address, nickname, parse_address, room_name
from chat.client.text.clean import FORMATTING, clean, one_line, split, whole_characters
from chat.client.ui.widgets import draws_emoji, spell_out
from chat.errors import SetupError

CLEANED = [
    ("plain", "plain"),
    (
        "\x02bold\x0f \x1ditalic\x1d \x1funder\x1f \x11mono\x11 \x1estruck\x1e \x16reverse",
        "bold italic under mono struck reverse",
    ),
    ("\x0304red\x03 \x0304,12both\x03 \x033,x", "red both ,x"),
    ("\x03123", "3"),
    ("\x04ff8800hex\x04 \x04ff8800,000000both", "hex both"),
    ("a\tb\r\nc\u2028d", "a b c d"),
    ("bell\x07 null\x00 escape\x1b[31m delete\x7f c1\x9b", "bell null escape[31m delete c1"),
    ("\u202eesrever\u202c \u2066isolated\u2069", "esrever isolated"),
    ("👩\u200d👩\u200d👧 ❤️ שלום", "👩\u200d👩\u200d👧 ❤️ שלום"),
    ("\ud83d\ude00", "😀"),
    ("\ud83d alone", "\ufffd alone"),
]


@pytest.mark.parametrize(("dirty", "cleaned"), CLEANED)
def test_formatting_and_control_characters_are_taken_out(dirty: str, cleaned: str) -> None:
    assert clean(dirty) == cleaned


@given(st.text(st.characters()))
def test_cleaned_text_is_one_line_that_can_be_encoded_and_stays_as_it_is(dirty: str) -> None:
    """Invariant: any text becomes one that Tk takes and that cleaning again does not change."""
    cleaned = clean(dirty)
    cleaned.encode()
    assert len(cleaned.splitlines()) <= 1
    assert clean(cleaned) == cleaned


def test_every_printable_character_is_harmless() -> None:
    printable = [chr(code) for code in range(0x110000) if chr(code).isprintable()]
    assert whole_characters(one_line(FORMATTING.sub("", "".join(printable)))) == "".join(printable)


@given(st.text(st.characters(codec="utf-8")), st.integers(4, 40))
def test_split_loses_nothing_but_spaces_between_pieces(text: str, limit: int) -> None:
    """Invariant: pieces are at most `limit` bytes, none is empty, and joined they are the text but for spaces."""
    pieces = split(text, limit)
    assert all(0 < len(piece.encode()) <= limit for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


TARGETS = [
    ("irc://chat.example:7000/dev", Address("chat.example", 7000, "#dev")),
    ("irc://chat.example", Address("chat.example", 6667, "#lobby")),
    ("IRC://chat.example/#dev", Address("chat.example", 6667, "#dev")),
    ("irc://chat.example/%23dev", Address("chat.example", 6667, "#dev")),
    ("irc://chat.example/&local", Address("chat.example", 6667, "&local")),
    ("chat.example:7000", Address("chat.example", 7000, "#lobby")),
    ("irc://[::1]:7000/x", Address("::1", 7000, "#x")),
    ("irc://[::1]", Address("::1")),
    ("::1", Address("::1")),
]


@pytest.mark.parametrize(("text", "target"), TARGETS)
def test_an_address_names_server_and_room(text: str, target: Address) -> None:
    assert parse_address(text) == target
    assert parse_address(f"irc://{target.server}/{target.room}") == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "irc://",
        "irc://:6667",
        "http://a",
        "irc://a:0",
        "irc://a:65536",
        "irc://a:x",
        "irc://a:",
        "a b",
        "irc://a/b c",
    ],
)
def test_these_are_not_addresses(text: str) -> None:
    with pytest.raises(SetupError):
        parse_address(text)


@pytest.mark.parametrize("text", ["", "  ", "a b", "a,b", ":a", "a\r\nQUIT"])
def test_these_cannot_be_sent_as_a_name(text: str) -> None:
    with pytest.raises(SetupError):
        nickname(text)


def test_a_room_needs_no_sign_before_it() -> None:
    assert (room_name("dev"), room_name("#dev"), room_name(" ")) == ("#dev", "#dev", "#lobby")


def test_emoji_are_spelled_out_for_a_tk_that_would_die_of_them() -> None:
    assert spell_out("hi 👋 ❤️ →") == "hi :waving hand sign: :heavy black heart: →"
    assert draws_emoji("win32")
    assert draws_emoji("aqua")
