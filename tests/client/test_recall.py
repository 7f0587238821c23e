"""Up and Down in the message box."""

from hypothesis import given
from hypothesis import strategies as st

from chat.client.text.recall import Recall


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
