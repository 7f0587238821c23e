"""How many connections there may be."""

from chat.server.net.gate import Gate, TurnedAway


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
