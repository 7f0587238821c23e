"""What one user does is heard by everybody in the order in which they did it, and an answer fits its place."""

from contextlib import closing

import pytest

from bench.still import StillServer
from chat.server.core.apply import apply
from chat.server.core.state import State
from chat.settings import Settings
from tests.attacks.transports import CarryingServer, each_scheme

DEFAULTS = Settings(helpers=0)


def heard(server: StillServer, *done: str) -> list[str]:
    """What `bob`, in #c and #d with `ana`, hears of her, for a packet of hers; the verbs with who they name."""
    ana, bob = server.connect("ana", "#c", "#d"), server.connect("bob", "#c", "#d")
    bob.lines()
    server.say(ana, *done)
    return [line.removeprefix(":").replace("!~ana@127.0.0.1", "") for line in bob.lines()]


@each_scheme
def test_a_part_and_a_new_name_in_one_packet_are_heard_in_that_order(scheme: str) -> None:
    with closing(CarryingServer(scheme, DEFAULTS)) as server:
        assert heard(server, "PART #c", "NICK new") == ["ana PART #c", "ana NICK new"]


@each_scheme
def test_a_new_name_and_a_join_are_heard_in_that_order_by_the_client_itself(scheme: str) -> None:
    with closing(CarryingServer(scheme, DEFAULTS)) as server:
        ana = server.connect("ana", "#c")
        ana.lines()
        server.say(ana, "NICK new", "JOIN #d")
        assert [line.split(" ")[:2] for line in ana.lines()][:2] == [
            [":ana!~ana@127.0.0.1", "NICK"],
            [":new!~ana@127.0.0.1", "JOIN"],
        ]


@each_scheme
def test_words_in_several_rooms_are_heard_in_the_order_of_their_speaker(scheme: str) -> None:
    with closing(CarryingServer(scheme, DEFAULTS)) as server:
        assert heard(
            server, "PRIVMSG #d :1", "PRIVMSG #c :2", "PRIVMSG bob :3", "PART #d", "PRIVMSG #c :4", "JOIN #d"
        ) == [
            "ana PRIVMSG #d :1",
            "ana PRIVMSG #c :2",
            "ana PRIVMSG bob :3",
            "ana PART #d",
            "ana PRIVMSG #c :4",
            "ana JOIN #d",
        ]


@each_scheme
def test_names_after_a_kick_do_not_list_the_kicked_though_all_is_one_pass(scheme: str) -> None:
    with closing(CarryingServer(scheme, DEFAULTS)) as server:
        ana, _, cleo = server.connect("ana", "#c"), server.connect("bob", "#c"), server.connect("cleo", "#c")
        cleo.lines()
        ana.said += b"KICK #c bob :out\r\n"
        cleo.said += b"NAMES #c\r\n"
        server.settle()
        assert cleo.lines() == [
            ":ana!~ana@127.0.0.1 KICK #c bob :out",
            ":fanfare.local 353 cleo = #c :@ana cleo",
            ":fanfare.local 366 cleo #c :End of /NAMES list",
        ]


@pytest.mark.parametrize("refused", ["PRIVMSG nobody :x", "PRIVMSG #closed :x", "NOTICE #nowhere :x"])
@each_scheme
def test_a_request_that_is_refused_changes_nothing(refused: str, scheme: str) -> None:
    with closing(CarryingServer(scheme, DEFAULTS)) as server:
        ana, _ = server.connect("ana", "#c"), server.connect("bob", "#closed")
        before = server.node.state.dump()
        server.now += 1.0
        server.say(ana, refused)
        assert server.node.state.dump() == before
        replica = State(server.node.state.limits)
        for entry in server.node.log.entries:  # type: ignore[attr-defined]
            apply(replica, entry)
        assert replica.dump() == before
