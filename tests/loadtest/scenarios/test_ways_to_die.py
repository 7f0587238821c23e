"""By when a server must have told the others of a death."""

import pytest

from loadtest.scenarios.deaths.crash import CrashSettings, deadline_s

SERVER = CrashSettings(inform_within=2, server_ping_interval=90, server_ping_timeout=60, server_user_timeout=30)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("quit", 2), ("fin", 2), ("rst", 2), ("kill", 2), ("stop", 90 + 60 + 1), ("silence", 30 + 1)],
)
def test_the_deadline_is_the_servers_own_time_and_a_second(name: str, seconds: float) -> None:
    assert deadline_s(name, SERVER) == seconds


def test_of_a_silent_peer_the_shorter_time_out_counts() -> None:
    settings = CrashSettings(server_ping_interval=2, server_ping_timeout=3, server_user_timeout=30)
    assert deadline_s("silence", settings) == 6
