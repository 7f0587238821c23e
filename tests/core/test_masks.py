"""Any list of masks says of anybody whether one of them fits, as a plain comparison would, at a bounded cost."""

import sys
from fnmatch import fnmatchcase
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Person
from chat.server.core.masks import MASK_BYTES, Globs, Masks, whole_mask
from chat.wires.names import fold

ANA = Person("Ana", "~u", "a1b2.cloak")


def found(masks: list[str], person: Person = ANA, account: str = "", address: str = "10.1.2.3") -> str | None:
    one = Masks()
    for mask in masks:
        one.add(mask)
    return one.find(person, account, address)


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("ana", "ana!*@*"),
        ("ana!~u", "ana!~u@*"),
        ("~u@host", None),  # a tilde begins an extended mask
        ("*u@host", "*!*u@host"),
        ("@host", "*!*@host"),
        ("!@", "*!*@*"),
        ("ana!@host", "ana!*@host"),
        ("ana!~u@host", "ana!~u@host"),
        ("host.example", "*!*@host.example"),
        ("2001:db8::1", "*!*@2001:db8::1"),
        ("10.1.2.3/8", "*!*@10.0.0.0/8"),
        ("*!*@2001:DB8::1/32", "*!*@2001:db8::/32"),
        ("*!*@::ffff:10.1.2.3/104", "*!*@10.0.0.0/8"),
        ("*!*@cloak/x", "*!*@cloak/x"),
        ("*!*@10.0.0.0/99", None),
        ("**!***@*?*?*", "*!*@??*"),
        ("~a:ana", "~a:ana"),
        ("~a:*", "~a:*"),
        ("~a:", None),
        ("~a:an*", None),
        ("~x:ana", None),
        ("", None),
        (":ana", None),
        ("a b", None),
        ("a,b", None),
        ("anä", None),
        ("x" * (MASK_BYTES - 4), "x" * (MASK_BYTES - 4) + "!*@*"),
        ("x" * (MASK_BYTES - 3), None),
        ("~a:" + "x" * MASK_BYTES, None),
    ],
)
def test_a_mask_gets_its_missing_parts_or_is_refused(text: str, mask: str | None) -> None:
    if mask is None:
        with pytest.raises(ValueError):
            whole_mask(text)
    else:
        assert whole_mask(text) == mask
        assert whole_mask(mask) == mask


@pytest.mark.parametrize(
    ("mask", "fits"),
    [
        ("ana!*@*", True),
        ("ANA!~U@A1B2.CLOAK", True),
        ("an?!*@*", True),
        ("an??!*@*", False),
        ("*!*@*", True),
        ("*!*@10.1.2.3", True),
        ("*!*@10.1.*", True),
        ("*!*@10.1.2.0/24", True),
        ("bob!*@10.1.2.0/24", False),
        ("*!*@10.1.3.0/24", False),
        ("*!*@0.0.0.0/0", True),
        ("*!*@::/0", False),
        ("a[!*@*", False),
        ("~a:Ana", True),
        ("~a:*", True),
        ("~a:bob", False),
    ],
)
def test_by_the_host_that_others_see_by_address_range_and_account(mask: str, fits: bool) -> None:
    assert found([mask], account="ana") == (mask if fits else None)


def test_of_nobodys_account_no_account_mask_fits() -> None:
    assert found(["~a:*"]) is None


def test_an_address_in_the_other_notation_is_in_the_same_range() -> None:
    assert found(["*!*@10.0.0.0/8"], address="::ffff:10.1.2.3")
    assert found(["*!*@2001:db8::/32"], address="2001:db8:0:1::9")
    assert found(["*!*@10.0.0.0/8"], address="") is None


def test_a_mask_is_there_once_and_is_removed_in_any_case() -> None:
    masks = Masks()
    assert masks.add("Ana!*@*")
    assert not masks.add("ANA!*@*")
    assert "aNa!*@*" in masks
    assert list(masks) == ["Ana!*@*"]
    assert masks.remove("ana!*@*") == "Ana!*@*"
    assert masks.remove("ana!*@*") is None
    assert masks.find(ANA, "", "") is None
    assert len(masks) == 0


PATTERNS = st.text("ab*?", max_size=8)


@given(st.lists(PATTERNS, max_size=6), st.text("ab", max_size=8))
def test_patterns_together_find_what_each_would(patterns: list[str], text: str) -> None:
    globs = Globs()
    ends = {globs.add(pattern)[1]: pattern for pattern in patterns}
    matched = globs.match(text)
    assert {pattern for end, pattern in ends.items() if matched & end} == {
        pattern for pattern in patterns if fnmatchcase(text, pattern)
    }


HOSTS = st.sampled_from(["*", "10.1.2.3", "10.*", "10.1.0.0/16", "11.0.0.0/8", "a1b2.cloak", "*.cloak", "?1*"])
MASKS = st.one_of(st.builds("{}!{}@{}".format, st.sampled_from(["*", "a*", "ana", "bob"]), st.just("*"), HOSTS))


@given(st.lists(st.tuples(st.booleans(), MASKS), max_size=40))
def test_after_any_changes_the_list_answers_like_a_new_one(changes: list[tuple[bool, str]]) -> None:
    masks, there = Masks(), dict[str, str]()
    for on, mask in changes:
        if on:
            assert masks.add(mask) is (fold(mask) not in there)
            there[fold(mask)] = mask
        else:
            assert (masks.remove(mask) is not None) is (there.pop(fold(mask), None) is not None)
    assert sorted(masks) == sorted(there.values())
    assert (masks.find(ANA, "", "10.1.2.3") is None) is (found(list(there)) is None)


@pytest.mark.parametrize("mask", ["*a" * 30 + "b!*@*", "*?" * 35, "?" * 70 + "!*@*", "*!*@" + "*a?" * 20])
def test_no_mask_takes_more_steps_than_the_text_is_long(mask: str) -> None:
    masks = Masks()
    for number in range(100):
        masks.add(whole_mask(mask[: MASK_BYTES - 10] + str(number)))
    person = Person("a" * 30, "a" * 10, "a" * 63)
    steps = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        masks.find(person, "", "a" * 63)
    finally:
        sys.setprofile(None)
    assert steps < 2 * len(person.mask)
    assert masks.size <= 100 * (MASK_BYTES + 1)


def test_bits_of_removed_masks_do_not_gather() -> None:
    masks = Masks()
    for number in range(1_000):
        masks.add(f"nick{number}!*@*")
        masks.remove(f"nick{number}!*@*")
    assert masks.size < 100
