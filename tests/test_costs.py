"""What a message, a join, a leave, a rename and silence cost, in counts: encodes, posts, sends, calls. Never in time.

A guard against slipping back: the limits are what the server does today, and each grows with what it may grow with.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from bench.still import StillServer, StillSocket, counted, still_server

FEW, MANY = 100, 400
WORKERS = 2
NAMES_LINES = (MANY - FEW) // 40  # more of them for the larger room: an answer to NAMES costs a call for each


def full_room(server: StillServer, members: int) -> list[StillSocket]:
    return [server.connect(f"user{number}", "#a") for number in range(members)]


def cost(members: int, deed: Callable[[StillServer, list[StillSocket]], None], workers: int = WORKERS) -> Counter[str]:
    """Of a deed in a room that had so many members."""
    with still_server(workers) as server:
        room = full_room(server, members)
        with counted(server) as counts:
            deed(server, room)
    return counts


def a_word(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[0], "PRIVMSG #a :good morning")


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_message_is_encoded_once_posted_once_a_worker_and_sent_once_a_member(workers: int) -> None:
    for members in (FEW, MANY):
        counts = cost(members, a_word, workers)
        assert counts["encodes"] == 1
        assert counts["posts"] == workers
        assert counts["sends"] == members - 1
        assert counts["reads"] == 1


def test_a_member_more_is_a_send_more_and_nothing_else() -> None:
    """No function of ours is called for each member: the loop over them is a system call and a comparison."""
    assert cost(FEW, a_word)["calls"] == cost(MANY, a_word)["calls"] <= 130


def test_messages_that_arrive_together_share_their_sends() -> None:
    counts = cost(FEW, lambda server, room: server.say(room[0], *["PRIVMSG #a :good morning"] * 64))
    assert counts["encodes"] == 64
    assert counts["posts"] == 64 * WORKERS
    assert counts["sends"] == FEW - 1


def test_a_message_is_encoded_once_for_each_dialect_in_the_room() -> None:
    with still_server() as server:
        room = full_room(server, 20)
        for number, sock in enumerate(room):
            server.say(sock, f"CAP REQ :{('server-time', 'message-tags')[number % 2]}")
        with counted(server) as counts:
            a_word(server, room)
    assert counts["encodes"] == 2
    assert counts["sends"] == 19


def a_join(server: StillServer, room: list[StillSocket]) -> None:
    guest = server.connect("guest")
    server.say(guest, "JOIN #a")


def a_leave(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[7], "PART #a")


def a_quit(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[7], "QUIT :bye")


def a_rename(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[7], "NICK other7")


def a_kick(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[0], "KICK #a user7")


def an_operator(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[0], "MODE #a +o user7")


DEEDS = [a_join, a_leave, a_quit, a_rename, a_kick, an_operator]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: str(deed.__name__))
def test_whoever_comes_goes_or_changes_costs_a_send_a_member_and_no_call_more(
    deed: Callable[[StillServer, list[StillSocket]], None],
) -> None:
    few, many = cost(FEW, deed), cost(MANY, deed)
    assert many["encodes"] == few["encodes"] <= 2
    assert many["posts"] == few["posts"]
    assert many["sends"] - few["sends"] == MANY - FEW
    assert many["calls"] - few["calls"] <= (NAMES_LINES if deed is a_join else 0)


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: str(deed.__name__))
def test_the_join_after_it_finds_the_list_of_names_ready(
    deed: Callable[[StillServer, list[StillSocket]], None],
) -> None:
    """Were the list made anew, a room where people come, go and change their names would be quadratic."""

    def join_after(server: StillServer, room: list[StillSocket]) -> None:
        deed(server, room)
        with counted(server) as counts:
            server.say(server.connect("late"), "JOIN #a")
        server.counts["calls of the join"] += counts["calls"]

    few, many = cost(FEW, join_after), cost(MANY, join_after)
    assert many["calls of the join"] - few["calls of the join"] <= NAMES_LINES


def test_a_user_of_many_rooms_who_goes_is_told_once_to_each_and_costs_posts_by_the_worker() -> None:
    rooms = [f"#room{number}" for number in range(50)]
    with still_server() as server:
        users = [server.connect(f"user{number}", *rooms) for number in range(20)]
        with counted(server) as counts:
            server.say(users[3], "QUIT :bye")
    assert counts["encodes"] == 1
    assert counts["sends"] == 20  # 19 who hear of it, and the farewell
    assert counts["posts"] == WORKERS + 1  # the farewell is one


def test_silence_costs_nothing_until_the_first_deadline() -> None:
    with still_server() as server:
        full_room(server, FEW)
        with counted(server) as counts:
            for worker in server.workers:
                worker._pass()
    assert counts["polls"] == WORKERS
    assert counts["sends"] == counts["reads"] == counts["posts"] == counts["encodes"] == 0
    for poller in server.pollers:
        assert poller.timeouts[-1] is not None
        assert poller.timeouts[-1] > 60.0  # of 90 until somebody is asked for a sign of life


def test_a_look_at_nobody_costs_the_same_with_any_number_of_members() -> None:
    def look(server: StillServer, room: list[StillSocket]) -> None:
        for worker in server.workers:
            worker._pass()

    assert cost(MANY, look)["calls"] == cost(FEW, look)["calls"]
