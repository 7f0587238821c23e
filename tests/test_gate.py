"""How many may come in."""

from chat.server.gate import Gate


def test_the_last_place_is_given_and_the_next_is_refused_until_one_leaves() -> None:
    gate = Gate(2, 2)
    assert gate.enter("a") is None
    assert gate.enter("b") is None
    assert gate.enter("c") == "server is full: 2 connections, the limit is 2"
    gate.leave("a")
    assert gate.enter("c") is None


def test_one_address_is_limited_alone() -> None:
    gate = Gate(10, 1)
    assert gate.enter("a") is None
    assert gate.enter("a") == "too many connections from a: the limit is 1"
    assert gate.enter("b") is None
    gate.leave("a")
    assert gate.enter("a") is None
    assert gate.total == 2
