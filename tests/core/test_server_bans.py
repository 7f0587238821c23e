"""Which server bans there may be, whom they fit, when they are over, and what looking one up costs."""

import sys
from types import FrameType

import pytest

from chat.events import Person
from chat.server.core.server_bans import Ban, ServerBans, ban_mask, read_ban

ANA = Person("ana", "~ana", "a.b.c.ip")


def bans(*masks: str, until: float = 0.0) -> ServerBans:
    made = ServerBans()
    for mask in masks:
        made.add(Ban(ban_mask(mask), "ads", "root", 1.0, until))
    return made


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("*@192.0.2.7", "192.0.2.7"),
        ("*!*@10.0.0.0/8", "10.0.0.0/8"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("0::1", "0::1"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("~a:ana", "~a:ana"),
        ("*spam*@*", "*spam*@*"),
        ("~ana@192.0.2.7", "~ana@192.0.2.7"),
        ("*@*.b.c.ip", "*@*.b.c.ip"),
    ],
)
def test_a_ban_has_one_form(text: str, mask: str) -> None:
    assert ban_mask(text) == mask
    assert ban_mask(mask) == mask


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("*@*", "nearly everybody"),
        ("?*@*.*", "nearly everybody"),
        ("*!*@*", "nearly everybody"),
        ("0.0.0.0/0", "prefix of 0 bits, the shortest is 8"),
        ("::/0", "prefix of 0 bits, the shortest is 16"),
        ("bob!*@*", "nicknames are easily changed"),
        ("~a:*", "everybody who is logged in"),
        ("a b@c", "no space"),
    ],
)
def test_a_ban_of_everybody_or_of_a_nickname_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ban_mask(text)


@pytest.mark.parametrize(
    "mask", ["192.0.2.7", "192.0.2.0/24", "*ana@*", "*@a.b.c.ip", "*@*.c.ip", "*@192.0.2.*", "~a:ANA"]
)
def test_a_ban_fits_by_address_range_cloak_user_and_account(mask: str) -> None:
    assert bans(mask).find(ANA, "ana", "192.0.2.7", 5.0) is not None
    assert bans(mask).find(Person("eve", "~eve", "x.y.z.ip"), "eve", "198.51.100.7", 5.0) is None
    assert bans("203.0.113.0/24", mask, "*nobody@*").find(ANA, "ana", "192.0.2.7", 5.0) is not None


def test_a_ban_is_over_at_its_time_and_another_that_fits_still_holds() -> None:
    for mask in ("192.0.2.7", "*ana@*", "~a:ana"):
        made = bans(mask, until=10.0)
        assert made.find(ANA, "ana", "192.0.2.7", 9.9) is not None
        assert made.find(ANA, "ana", "192.0.2.7", 10.0) is None
        made.sweep(10.0)
        assert len(made) == 0
    made = bans("*ana@*", until=10.0)
    made.add(Ban("~ana@*", "", "", 1.0, 0.0))
    found = made.find(ANA, "", "192.0.2.7", 20.0)
    assert found is not None
    assert found.mask == "~ana@*"


@pytest.mark.parametrize("mask", ["192.0.2.7", "10.0.0.0/8", "*ana@*", "~a:ana"])
def test_a_ban_may_be_replaced_and_removed(mask: str) -> None:
    made = bans(mask)
    made.add(Ban(mask, "other", "root", 2.0, 0.0))
    assert [ban.reason for ban in made] == ["other"]
    assert made.remove(mask.upper()) is not None
    assert (len(made), made.remove(mask)) == (0, None)
    assert made.find(ANA, "ana", "192.0.2.7", 5.0) is None


def test_a_ban_is_read_from_its_own_values() -> None:
    ban = Ban("192.0.2.7", "ads", "root", 1.0, 2.0)
    assert read_ban(ban.values()) == ban


def calls_of_a_look(made: ServerBans) -> int:
    calls = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        made.find(ANA, "ana", "203.0.113.7", 5.0)
    finally:
        sys.setprofile(None)
    return calls


def test_a_look_costs_as_much_with_ten_thousand_bans_as_with_ten() -> None:
    few = bans(*(f"10.0.0.{number}" for number in range(9)), "10.1.0.0/24")
    many = bans(*(f"10.{number >> 8}.{number & 255}.1" for number in range(9_000)))
    for number in range(1_000):
        many.add(Ban(ban_mask(f"11.{number >> 8}.{number & 255}.0/24"), "", "", 1.0, 0.0))
    assert len(many) == 10_000
    assert calls_of_a_look(many) == calls_of_a_look(few)
