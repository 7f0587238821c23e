"""An entry is one line, and the line is the entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import WireError
from chat.server.log.entry import BY_NAME, Entry, parse_entry
from chat.wires.message import Message

# What a request may hold: no NUL, CR or LF anywhere; nothing that ends a word in the middle of the line.
LETTERS = st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"])
WORDS = st.text(LETTERS, min_size=1, max_size=20).filter(lambda word: " " not in word and word[0] != ":")
MASKS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,5}!~[a-z]{1,5}@[a-z0-9.:]{1,10}", fullmatch=True)
TAGS = st.from_regex(r"(\+[a-z]{1,5}(=[a-zA-Z0-9\\:]{1,5})?(;\+[a-z]{1,5})?)?", fullmatch=True)
REQUESTS = st.builds(
    lambda verb, words, last, source, tags: Message(verb, [*words, last], source, tags),
    st.sampled_from(["PRIVMSG", "JOIN", "USER", "TAGMSG", "QUIT"]),
    st.lists(WORDS, max_size=4),
    st.text(LETTERS, max_size=40),
    MASKS,
    TAGS,
)
ENTRIES = st.builds(
    Entry,
    st.integers(0, (1 << 64) - 1),
    st.floats(0.0, 4e9, allow_nan=False),
    st.from_regex(r"[A-Za-z0-9._-]{1,10}", fullmatch=True),
    st.integers(BY_NAME, (1 << 64) - 1),
    REQUESTS,
)


@given(ENTRIES)
def test_any_entry_survives_from_entry_to_line_to_entry(entry: Entry) -> None:
    again = parse_entry(entry.line)
    assert again == entry
    assert again.line == entry.line
    assert "\n" not in entry.line


def test_an_operator_can_read_it() -> None:
    entry = Entry(
        0x1A2, 1000.25, "fanfare.local", 0x1A0, Message("PRIVMSG", ["#lobby", "hello there"], "ana!~ana@host")
    )
    assert entry.line == "1a2 1000.25 fanfare.local 1a0 :ana!~ana@host PRIVMSG #lobby :hello there"
    assert parse_entry(entry.line).request.tags == ""


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        entry = parse_entry(text)
    except (WireError, ValueError):
        return
    assert entry.request.verb


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "1 2.0", "1 2.0 node", "1 2.0 node 0", "1 2.0 node 0 :a"),
        *("x 2.0 node 0 :a JOIN #a", "1 x node 0 :a JOIN #a", "1 2.0 node :a JOIN #a"),
    ],
)
def test_a_line_that_lacks_something_is_refused(text: str) -> None:
    with pytest.raises((WireError, ValueError)):
        parse_entry(text)
