"""What a user has asked for is never done in the name of another who has its nickname by then, whatever the log."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.attacks.succession import (
    REQUESTS,
    hold_on_a_running_server,
    number_of,
    prepare,
    standing,
    succeed,
)
from tests.attacks.test_late_log import LateServer
from tests.support import running_server


@pytest.mark.parametrize("request_", REQUESTS)
def test_nothing_that_a_killed_user_asked_for_is_done_as_the_next_of_that_name(request_: str) -> None:
    with closing(LateServer()) as late:
        socks = {nick: late.connect(nick, "#a") for nick in ("ana", "eve", "bob")}
        clients = {nick: late.connection(sock) for nick, sock in socks.items()}
        prepare(late.node, clients)
        late.catch_up()
        gone = number_of(clients["ana"])
        before = standing(late.node, gone)
        socks["bob"].lines()
        succeed(late.node, clients, request_)
        late.catch_up()
        assert standing(late.node, gone) == before
        assert late.node.state.get_user("ana") is clients["eve"].user
        assert [line.split(" ")[:2] for line in socks["bob"].lines()] == [
            [":ana!~ana@127.0.0.1", "QUIT"],
            [":eve!~eve@127.0.0.1", "NICK"],
        ]


@pytest.mark.parametrize("request_", REQUESTS)
def test_nor_where_the_log_waits_for_the_disk(tmp_path: Path, request_: str) -> None:
    with running_server(log=f"sqlite:{tmp_path / 'log'}", durability="strict") as server:
        hold_on_a_running_server(server, request_)
    with running_server(log=f"sqlite:{tmp_path / 'log'}", durability="strict") as server:
        room = server.server.loop.node.state.remembered["#a"]
        assert (room.modes, room.topic, room.lists) == ({"n", "t"}, "", {})
