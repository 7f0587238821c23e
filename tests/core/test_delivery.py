"""From a pass's events to sends: which stand together, which are notices, and how many of these are shown."""

import pytest

from chat.events import Event, Join, Person, Say
from chat.server.core.audience import Published
from chat.server.core.delivery import NOTICES_A_PASS, Batch, Separate
from chat.wires.tilde import TILDE
from tests.core.chat import IRC

ANA = Person("ana", "~u", "host")
WORD = b"ana~hello"
NOTICE = b"SERVER~ana joined the chat app"


def separate(kinds: str) -> Separate:
    """Of a pass with a notice for each `n` and words for each `w`."""
    events: list[Event] = [Join(ANA, "#a", 0.0) if kind == "n" else Say(ANA, "#a", "hello", 0.0) for kind in kinds]
    return Separate(Batch(TILDE, [Published(event, index) for index, event in enumerate(events)]))


@pytest.mark.parametrize(
    ("kinds", "first", "words", "notices"),
    [
        ("", "", 0, 0),
        ("ww", "ww", 0, 0),
        ("nwn", "nwn", 0, 0),
        ("nnnnn", "nnnnn", 0, 0),
        ("nnnnnn", "nnnnn", 0, 1),
        ("nnnnwnw", "nnnnwn", 1, 0),
        ("wnnnnwnwnnwn", "wnnnnwn", 2, 3),
    ],
)
def test_the_first_notices_are_shown_in_their_places_and_of_the_others_the_number_is_known(
    kinds: str, first: str, words: int, notices: int
) -> None:
    one = separate(kinds)
    assert one.first == [(NOTICE, True) if kind == "n" else (WORD, False) for kind in first]
    assert (one.words, one.notices) == ([WORD] * words, notices)
    assert (one.all_words, one.all_notices) == ([WORD] * kinds.count("w"), kinds.count("n"))
    assert sum(notice for _, notice in one.first) <= NOTICES_A_PASS


def test_a_batch_knows_the_place_of_each_event_and_its_bytes() -> None:
    events = [Published(Say(ANA, "#a", text, 0.0), index) for text, index in (("one", 2), ("two", 5), ("three", 9))]
    batch = Batch(IRC, events)
    assert [batch.place(position) for position in range(11)] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3]
    assert [position for position in range(11) if batch.holds(batch.place(position), position)] == [2, 5, 9]
    lines = [f":ana!~u@host PRIVMSG #a :{text}\r\n".encode() for text in ("one", "two", "three")]
    assert [bytes(batch.slice(first, first + 1)) for first in range(3)] == lines
    assert bytes(batch.slice(0, 3)) == batch.blob == b"".join(lines)
    assert bytes(batch.slice(1, 1)) == b""
