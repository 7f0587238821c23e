"""What is a link in a line, and where it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.text.links import links

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
