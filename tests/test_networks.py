"""Which addresses are in a network, and which share limits."""

import pytest

from chat.server.networks import Networks, shares


@pytest.mark.parametrize(
    ("address", "within"),
    [
        ("10.1.2.3", True),
        ("11.0.0.0", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("0::1", True),
        ("::2", False),
    ],
)
def test_an_address_is_in_a_range_or_is_the_one_named(address: str, within: bool) -> None:
    assert (address in Networks(["10.0.0.0/8", "192.0.2.7", "::1/128"])) is within


def test_nothing_is_in_no_networks_and_no_other_text_in_any() -> None:
    assert "10.0.0.1" not in Networks([])
    assert "host" not in Networks(["0.0.0.0/0"])


@pytest.mark.parametrize(
    ("address", "narrow", "wide"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("0::1", "::/64", "::/48"),
        ("host", "host", "host"),
    ],
)
def test_what_counts_as_one_address(address: str, narrow: str, wide: str) -> None:
    assert shares(address) == (narrow, wide)
