"""What a user has asked for is never done in the name of another who has its nickname when it comes back."""

import pytest

from tests.attacks.succession import REQUESTS, hold_on_a_running_server
from tests.shared.conftest import MakeNode


@pytest.mark.parametrize("request_", REQUESTS)
def test_nothing_that_a_killed_user_asked_for_is_done_as_the_next_of_that_name(
    make_node: MakeNode, request_: str
) -> None:
    hold_on_a_running_server(make_node("a"), request_)
