"""Formatting codes become looks, never signs in the text; links are found where they begin and end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.text.clean import clean
from chat.client.text.formatting import Span, links, painted, spans
from chat.client.text.palette import DARK, LIGHT, READABLE, Palette, contrast

READ: list[tuple[str, list[Span]]] = [
    ("", []),
    ("plain", [Span("plain")]),
    ("a \x02bold\x02 word", [Span("a "), Span("bold", bold=True), Span(" word")]),
    ("\x1ditalic", [Span("italic", italic=True)]),
    ("\x1funder", [Span("under", underline=True)]),
    ("\x1estruck", [Span("struck", strike=True)]),
    ("\x11mono", [Span("mono", mono=True)]),
    ("\x16swapped", [Span("swapped", reverse=True)]),
    ("\x02a\x1db\x0fc", [Span("a", bold=True), Span("b", bold=True, italic=True), Span("c")]),
    ("\x02\x02twice", [Span("twice")]),
    ("a\x02\x02b", [Span("ab")]),
    ("\x034red\x03 off", [Span("red", foreground="#ff0000"), Span(" off")]),
    ("\x0304red", [Span("red", foreground="#ff0000")]),
    ("\x03123", [Span("3", foreground="#0000fc")]),
    ("\x0304,12both", [Span("both", foreground="#ff0000", background="#0000fc")]),
    (
        "\x0304,12a\x033b\x03c",
        [
            Span("a", foreground="#ff0000", background="#0000fc"),
            Span("b", foreground="#009300", background="#0000fc"),
            Span("c"),
        ],
    ),
    ("\x033,x", [Span(",x", foreground="#009300")]),
    ("\x03,4x", [Span(",4x")]),
    ("\x0304,12a\x0399,99b", [Span("a", foreground="#ff0000", background="#0000fc"), Span("b")]),
    ("\x0398x", [Span("x", foreground="#ffffff")]),
    ("\x0316x", [Span("x", foreground="#470000")]),
    ("\x0352x", [Span("x", foreground="#ff0000")]),
    ("\x03٣x", [Span("٣x")]),  # a digit, but not one of a code
    ("\x04FF8800hex\x04 off", [Span("hex", foreground="#ff8800"), Span(" off")]),
    ("\x04ff8800,0000aaboth", [Span("both", foreground="#ff8800", background="#0000aa")]),
    ("\x04ff88x", [Span("ff88x")]),
    ("\x02bold\x034,5", [Span("bold", bold=True)]),
    ("a\t\x02\nb", [Span("a "), Span("b", bold=True)]),
    ("\ud83d\x02\ude00", [Span("😀", bold=True)]),
    ("\x02a\ud83d", [Span("a\ufffd", bold=True)]),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_codes_become_looks(text: str, expected: list[Span]) -> None:
    assert spans(text) == expected


# The sixteen of old, and the first and the last of each row of the page's table.
COLOURS = """
00=ffffff 01=000000 02=00007f 03=009300 04=ff0000 05=7f0000 06=9c009c 07=fc7f00
08=ffff00 09=00fc00 10=009393 11=00ffff 12=0000fc 13=ff00ff 14=7f7f7f 15=d2d2d2
16=470000 27=47002a 28=740000 39=740045 40=b50000 51=b5006b 52=ff0000 63=ff0098
64=ff5959 75=ff59bc 76=ff9c9c 87=ff94d3 88=000000 98=ffffff
"""


@pytest.mark.parametrize("colour", COLOURS.split())
def test_a_colours_number_is_that_of_the_page(colour: str) -> None:
    number, _, value = colour.partition("=")
    assert spans(f"\x03{number}x") == [Span("x", foreground=f"#{value}")]


CODES = st.sampled_from(["\x02", "\x03", "\x034", "\x0304,99", "\x04a1b2c3", "\x0f", "\x16", "\x1d", "\t", "\n", " "])
TEXTS = st.lists(st.one_of(CODES, st.text(st.characters(), max_size=3), st.sampled_from("\ud83d\ude00\x00"))).map(
    "".join
)


@given(TEXTS)
def test_the_text_is_what_clean_makes_of_it(text: str) -> None:
    """Invariant: joined, the spans are clean(text); none is empty and no two neighbours look alike."""
    found = spans(text)
    assert "".join(span.text for span in found) == clean(text)
    assert all(span.text for span in found)


def test_a_line_full_of_codes_is_one_space() -> None:
    assert spans("\x02\t" * 4000)[0].text == " "


COLOUR = st.one_of(st.just(""), st.builds("#{:06x}".format, st.integers(0, 0xFFFFFF)))


@given(COLOUR, COLOUR, st.booleans(), st.sampled_from([LIGHT, DARK]))
def test_any_colours_are_readable(foreground: str, background: str, reverse: bool, palette: Palette) -> None:
    """Invariant: whatever a stranger sends, the text stands out from what is under it."""
    span = painted(Span("x", reverse=reverse, foreground=foreground, background=background), palette)
    assert contrast(span.foreground or palette.ink, span.background or palette.paper) >= READABLE
    assert not span.reverse


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_without_colours_keeps_the_palettes_own(palette: Palette) -> None:
    assert painted(Span("x", bold=True), palette) == Span("x", bold=True)


def test_reverse_swaps_the_palettes_own_colours_too() -> None:
    assert painted(Span("x", reverse=True), DARK) == Span("x", foreground=DARK.paper, background=DARK.ink)


WHOLE = [
    "http://example.org",
    "HTTPS://Example.org/A?b=c&d=e#f",
    "https://example.org:8080/a_(b)",
    "https://en.wikipedia.org/wiki/Sun_(disambiguation)",
    "http://[::1]:8080/x",
    "http://localhost/",
    "https://example.org/a,b;c",
    "https://bücher.example/straße",
    "irc://irc.example.org/#room",
    "ircs://irc.example.org:6697/room",
    "mailto:ana@example.org?subject=hi",
]


@pytest.mark.parametrize("url", WHOLE)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "see {} there",
        "({})",
        "<{}>",
        '"{}"',
        "“{}”",
        "{}.",
        "{}, and",
        "{}?!",
        "(see {}).",
        "[{}]",
        "{}…",
        "'{}'",
    ],
)
def test_a_link_ends_where_people_expect(around: str, url: str) -> None:
    text = around.format(url)
    (link,) = links(text)
    assert text[link.start : link.end] == link.url == url


def test_a_bare_www_opens_over_https() -> None:
    (link,) = links("on www.example.org/a, I think")
    assert (link.start, link.end, link.url) == (3, 20, "https://www.example.org/a")


def test_several_links_keep_their_order_and_places() -> None:
    text = "https://a.example,https://b.example and (http://c.example)"
    assert [link.url for link in links("x http://a.example http://b.example/")] == [
        "http://a.example",
        "http://b.example/",
    ]
    assert [text[link.start : link.end] for link in links(text)][-1] == "http://c.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no link",
        "http://",
        "https://.",
        "http:///etc",
        "www.",
        "www.x",
        "mailto:",
        "mailto:ana",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://example.org",
        "xhttp://example.org",
        "view-source-http://example.org",
        "example.org",
    ],
)
def test_these_are_no_links(text: str) -> None:
    assert links(text) == []


@given(
    st.lists(st.sampled_from(["http://", "a", "(", ")", "]", ".", " ", "www.", "é", "\n", "@", "mailto:"])).map("".join)
)
def test_links_lie_in_the_text_one_after_the_other(text: str) -> None:
    """Invariant: 0 <= start < end <= start of the next, and no link holds a blank."""
    at = 0
    for link in links(text):
        assert at <= link.start < link.end <= len(text)
        assert not any(sign.isspace() for sign in link.url)
        at = link.end


def test_a_line_full_of_brackets_is_trimmed_once() -> None:
    assert links("http://a.example" + ")" * 8000)[0].url == "http://a.example"
