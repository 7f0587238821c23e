"""Several hosts of one run: what may be named, and which user is on which."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import SetupError
from loadtest.run.hosts import Hosts


@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 60))
def test_users_are_spread_evenly_whoever_comes_and_in_every_process(count: int, processes: int, users: int) -> None:
    hosts = Hosts(tuple(f"irc://{node}" for node in range(count)))
    at = Counter(hosts.node_of(user, processes) for user in range(users))
    assert max(at.values()) - min(at[node] for node in range(count)) <= 1
    for rank in range(processes):
        mine = {hosts.node_of(number * processes + rank, processes) for number in range(count)}
        assert mine == set(range(count)), "the first users of a process are at all nodes"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("irc://a:1,", "--host irc://a:1,: there is nothing beside a comma"),
        ("irc://a:1,irc://a:1", "--host irc://a:1,irc://a:1: irc://a:1 is there twice"),
        ("ws://a:1,irc://b:2", "--host ws://a:1,irc://b:2: all hosts must have one scheme, got ws and irc"),
        ("ircs://a:1,b:2", "--host ircs://a:1,b:2: all hosts must have one scheme, got ircs and irc"),
    ],
)
def test_hosts_that_do_not_go_together_are_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(SetupError) as refusal:
        Hosts.of(text)
    assert str(refusal.value) == reason


def test_one_host_is_everybodys() -> None:
    hosts = Hosts.of("irc://a:1")
    assert hosts.urls == ("irc://a:1",)
    assert {hosts.node_of(user, 3) for user in range(20)} == {0}
