"""How many connections there may be."""

import pytest

from chat.server.net.gate import Gate, TurnedAway
from chat.server.networks import Networks


def test_the_last_place_is_given_and_the_next_is_refused_until_one_leaves() -> None:
    gate = Gate(2, 2, 2)
    assert gate.enter("a", unframed=False) is None
    assert gate.enter("b", unframed=True) is None
    assert gate.enter("c", unframed=False) == TurnedAway("full", "server is full: 2 connections, the limit is 2")
    gate.leave("a", unframed=False)
    assert gate.enter("c", unframed=False) is None


def test_one_address_is_limited_alone() -> None:
    gate = Gate(10, 1, 1)
    assert gate.enter("a", unframed=False) is None
    assert gate.enter("a", unframed=True) == TurnedAway("address", "too many connections from a: the limit is 1")
    assert gate.enter("b", unframed=False) is None
    gate.leave("a", unframed=False)
    assert gate.enter("a", unframed=False) is None
    assert gate.total == 2


def test_the_unframed_connections_of_one_address_are_limited_more() -> None:
    gate = Gate(10, 5, 1)
    reason = "too many connections from a on this kind of port: the limit is 1"
    assert gate.enter("a", unframed=True) is None
    assert gate.enter("a", unframed=True) == TurnedAway("unframed", reason)
    assert gate.total == 1
    assert gate.enter("a", unframed=False) is None
    assert gate.enter("b", unframed=True) is None
    gate.leave("a", unframed=False)
    assert gate.enter("a", unframed=True) == TurnedAway("unframed", reason)
    gate.leave("a", unframed=True)
    assert gate.enter("a", unframed=True) is None


def fill(gate: Gate, host: str) -> int:
    """Connect from the address until it is refused; how many were let in."""
    count = 0
    while gate.enter(host, unframed=False) is None:
        count += 1
    return count


def test_no_few_addresses_can_take_all_places() -> None:
    gate = Gate(1024, 0, 32)
    taken = [fill(gate, f"10.{number}.0.1") for number in range(9)]
    assert taken == [512, 256, 128, 64, 32, 16, 8, 4, 2]
    assert gate.enter("10.99.0.1", unframed=False) is None
    refused = gate.enter("10.0.0.1", unframed=False)
    assert refused is not None
    assert refused == TurnedAway("address", "too many connections from 10.0.0.1: it has 512, and 1 places are free")


@pytest.mark.parametrize(
    ("one", "other"),
    [("192.0.2.1", "192.0.2.99"), ("2001:db8::1", "2001:db8::ffff:1"), ("2001:db8:0:1::1", "2001:db8:0:2::1")],
)
def test_neighbours_share_their_half(one: str, other: str) -> None:
    gate = Gate(100, 0, 32)
    assert fill(gate, one) == 50
    assert fill(gate, other) == 0
    gate.leave(one, unframed=False)
    assert fill(gate, other) == 1


def test_an_ipv6_customer_is_one_address() -> None:
    gate = Gate(100, 5, 2)
    assert [gate.enter(f"2001:db8::{number}", unframed=False) for number in range(5)] == [None] * 5
    assert gate.enter("2001:db8::99", unframed=False) is not None
    assert gate.enter("2001:db8:0:1::1", unframed=False) is None


def test_exempt_networks_count_only_towards_the_whole() -> None:
    gate = Gate(10, 1, 1, unframed_total=1, rate=1.0, burst=1.0, exempt=Networks(["10.0.0.0/8"]), clock=lambda: 0.0)
    assert [gate.enter("10.1.2.3", unframed=True) for _ in range(10)] == [None] * 10
    refused = gate.enter("10.1.2.3", unframed=True)
    assert refused is not None
    assert refused.kind == "full"


def test_new_connections_of_an_address_and_of_its_network_are_limited_in_rate() -> None:
    now = 0.0
    gate = Gate(10_000, 1_000, 1, rate=2.0, burst=10.0, clock=lambda: now)
    assert fill(gate, "192.0.2.1") == 10
    assert gate.enter("192.0.2.1", unframed=False) == TurnedAway(
        "rate", "too many new connections from 192.0.2.1: try again in 0 s or later"
    )
    assert [fill(gate, f"192.0.2.{last}") for last in range(2, 6)] == [10, 10, 10, 0]
    assert fill(gate, "192.0.3.1") == 10
    now = 1.0
    assert fill(gate, "192.0.2.1") == 2


def test_unframed_connections_are_limited_in_all() -> None:
    gate = Gate(1000, 0, 2, unframed_total=4)
    assert [gate.enter(f"10.{number // 2}.0.1", unframed=True) for number in range(4)] == [None] * 4
    reason = "too many connections on this kind of port: the limit is 4"
    assert gate.enter("10.9.0.1", unframed=True) == TurnedAway("unframed in all", reason)
    assert gate.enter("10.9.0.1", unframed=False) is None
    gate.leave("10.0.0.1", unframed=True)
    assert gate.enter("10.9.0.1", unframed=True) is None
