"""A cloak is stable, gives its address away to nobody, and has parts by which a network can be banned."""

import ipaddress
import re

import pytest

from chat.events import Person
from chat.server.core.cloak import Cloaks
from chat.server.core.masks import Masks, whole_mask

CLOAKS = Cloaks(b"s" * 32)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "0::1", "127.0.0.1", "some.host", "Ä"])
def test_a_cloak_is_the_same_each_time_and_with_each_secret_another(address: str) -> None:
    assert CLOAKS.host(address) == Cloaks(b"s" * 32).host(address)
    assert CLOAKS.host(address) != Cloaks(b"t" * 32).host(address)
    assert re.fullmatch(r"[a-z2-7.]+(ip|ip6|host)", CLOAKS.host(address))
    assert len(CLOAKS.host(address)) <= 40
    assert address not in CLOAKS.host(address)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("192.0.2.7", "192.0.2.8", 3),
        ("192.0.2.7", "192.0.3.7", 2),
        ("192.0.2.7", "192.1.2.7", 1),
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::", 3),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", 2),
        ("2001:db8:1:2::7", "2001:db8:2:2::7", 1),
    ],
)
def test_neighbours_share_the_parts_of_their_networks_and_no_other(one: str, other: str, shared: int) -> None:
    first, second = CLOAKS.host(one).split("."), CLOAKS.host(other).split(".")
    same = [a == b for a, b in zip(first, second, strict=True)]
    assert same == [False] * (4 - shared) + [True] * shared


def test_a_mask_of_the_last_parts_fits_the_whole_network_and_nobody_else() -> None:
    bans = Masks()
    bans.add(whole_mask("*!*@*." + CLOAKS.host("192.0.2.1").partition(".")[2]))
    fits = [
        address
        for address in map(str, ipaddress.ip_network("192.0.0.0/21").hosts())
        if bans.find(person(address), "", "")
    ]
    assert fits == [f"192.0.2.{last}" for last in range(256)]


def person(address: str) -> Person:
    return Person("ana", "~ana", CLOAKS.host(address))
