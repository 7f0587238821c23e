"""The users of a node that is gone are kept for its return, for a time that the log itself measures."""

from chat.server.core.apply import apply
from chat.server.core.nodes import AWAY
from chat.server.core.snapshot import load
from chat.server.core.state import Limits, State
from tests.asking import entry_of

LIMITS = Limits(10, 10, 10)
BEGAN = 1_000.0


def told(state: State, after: float, node: str, line: str) -> None:
    apply(state, entry_of(state, int(after) + 1, BEGAN + after, node, line))


def with_one_gone() -> State:
    state = State(LIMITS)
    told(state, 0, "one", ":ana!~ana@h USER user - * :Ana")
    told(state, 1, "one", ":ana!~ana@h JOIN #r")
    told(state, 2, "*", ":one NODE down 1")
    return state


def test_a_user_of_a_node_that_returns_in_time_is_back_in_its_rooms() -> None:
    state = with_one_gone()
    told(state, 2 + AWAY, "*", ":one NODE back 2")
    assert [user.nick for user in state.rooms["#r"].members] == ["ana"]
    assert not state.departed


def test_users_of_a_node_that_does_not_return_are_forgotten_when_others_come() -> None:
    state = with_one_gone()
    told(state, 2 + AWAY, "two", ":bob!~bob@h USER user - * :Bob")
    assert list(state.departed) == ["one"]
    told(state, 3 + AWAY, "two", ":eve!~eve@h USER user - * :Eve")
    assert not state.departed
    told(state, 4 + AWAY, "*", ":one NODE back 2")
    assert sorted(state.users) == ["bob", "eve"]


def test_a_state_from_a_snapshot_forgets_them_at_the_same_place() -> None:
    state, copy = with_one_gone(), State(LIMITS)
    load(copy, state.dump())
    assert copy.dump() == state.dump()
    for after in (2 + AWAY, 3 + AWAY):
        for each in (state, copy):
            told(each, after, "*", ":two NODE down 1")
        assert copy.dump() == state.dump()
    assert not copy.departed
