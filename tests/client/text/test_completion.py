"""The keys of the message box: Tab completes, Up and Down recall."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.text.completion import Candidates, Completion, Recall, by_speech

HERE = Candidates(
    nicks=("Anna", "ben", "anselm", "[zoe]"), commands=("join", "part", "nick", "names"), rooms=("#lobby", "#local")
)

# What stands in the box with `|` for the cursor, and the same after each Tab.
RUNS = [
    ("an|", ["Anna: |", "anselm: |", "an|", "Anna: |"]),
    ("AN|", ["Anna: |", "anselm: |", "AN|"]),
    ("thanks an|", ["thanks Anna |", "thanks anselm |", "thanks an|"]),
    ("an| is here", ["Anna| is here", "anselm| is here"]),
    ("ask be|now", ["ask ben |now"]),
    ("first\nbe|", ["first\nben: |"]),
    ("[z|", ["[zoe]: |"]),
    ("@be|", ["@ben: |"]),
    ("hi @be|", ["hi @ben |"]),
    ("/jo|", ["/join |", "/jo|"]),
    ("/n|", ["/nick |", "/names |", "/n|"]),
    ("/N|", ["/nick |"]),
    ("/|", ["/join |", "/part |"]),
    ("/join #lo|", ["/join #lobby |", "/join #local |", "/join #lo|"]),
    ("/msg an|", ["/msg Anna |"]),
    ("say /jo|", ["say /jo|"]),
    ("xyz|", ["xyz|", "xyz|"]),
    ("|", ["|"]),
    ("hello |", ["hello |"]),
]


def parted(text: str) -> tuple[str, int]:
    return text.replace("|", ""), text.index("|")


@pytest.mark.parametrize(("typed", "tabs"), RUNS)
def test_tab_completes_and_goes_on_to_the_next(typed: str, tabs: list[str]) -> None:
    completion = Completion(*parted(typed), HERE)
    assert [completion.next() for _ in tabs] == [parted(text) for text in tabs]


def test_what_is_offered_twice_comes_once() -> None:
    completion = Completion("be", 2, Candidates(nicks=("ben", "ben", "bernd")))
    assert [completion.next()[0] for _ in range(3)] == ["ben: ", "bernd: ", "be"]


def test_shift_tab_goes_back() -> None:
    completion = Completion("an", 2, HERE)
    steps = [completion.next(), completion.next(), completion.next(back=True), completion.next(back=True)]
    assert [text for text, _ in steps] == ["Anna: ", "anselm: ", "Anna: ", "an"]
    assert completion.next(back=True)[0] == "anselm: "


def test_any_other_key_ends_the_run() -> None:
    completion = Completion("an", 2, HERE)
    assert completion.goes_on("an", 2)
    text, cursor = completion.next()
    assert completion.goes_on(text, cursor)
    assert not completion.goes_on(f"{text}h", cursor + 1)
    assert not completion.goes_on(text, cursor - 1)


def test_who_spoke_last_is_offered_first() -> None:
    spoke = ["anselm", "ben", "Ben", "ANNA", "ben"]
    assert by_speech(["anna", "anselm", "antje", "ben"], spoke) == ["ben", "anna", "anselm", "antje"]


@given(st.text("anbe#/ \n@", max_size=12), st.integers(0, 12), st.lists(st.booleans(), max_size=8))
def test_what_stands_around_the_word_is_never_changed(text: str, cursor: int, steps: list[bool]) -> None:
    """Invariant: text after the cursor stays, and a whole round leads back to what was typed."""
    cursor = min(cursor, len(text))
    completion = Completion(text, cursor, HERE)
    for back in steps:
        shown, at = completion.next(back)
        assert shown[at:] == text[cursor:]
    for back in reversed(steps):
        completion.next(not back)
    assert completion.goes_on(text, cursor)


def test_up_leads_to_what_was_sent_and_down_back_to_the_draft() -> None:
    recall = Recall()
    recall.add("one")
    recall.add("two")
    assert [recall.up("draft"), recall.up("two"), recall.up("one")] == ["two", "one", None]
    assert [recall.down("one"), recall.down("two"), recall.down("draft")] == ["two", "draft", None]


def test_with_nothing_sent_the_draft_stays() -> None:
    assert (Recall().up("draft"), Recall().down("draft")) == (None, None)


def test_the_same_twice_in_a_row_is_remembered_once() -> None:
    recall = Recall()
    for text in ("one", "two", "two", "one", ""):
        recall.add(text)
    assert [recall.up("") for _ in range(4)] == ["one", "two", "one", None]


def test_sending_leads_back_to_the_bottom() -> None:
    recall = Recall()
    recall.add("one")
    recall.add("two")
    recall.up("")
    recall.up("")
    recall.add("three")
    assert recall.down("") is None
    assert recall.up("") == "three"


def test_no_more_is_remembered_than_the_limit() -> None:
    recall = Recall(limit=3)
    for number in range(4):
        recall.add(str(number))
    assert [recall.up("") for _ in range(4)] == ["3", "2", "1", None]


@given(st.lists(st.text(min_size=1), max_size=12), st.text(), st.integers(0, 15))
def test_as_many_downs_as_ups_lead_to_the_draft(sent: list[str], draft: str, steps: int) -> None:
    """Invariant: no way up and down loses what was being written."""
    recall = Recall()
    for text in sent:
        recall.add(text)
    shown = [recall.up(draft) for _ in range(steps)]
    ups = sum(text is not None for text in shown)
    assert [recall.down("") for _ in range(ups + 1)][-2:] == ([draft, None] if ups else [None])
