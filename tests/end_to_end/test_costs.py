"""What a message, a join, a leave, a rename, an answer and silence cost, in counts: encodes, posts, sends, calls.

Never in time. A guard against slipping back: the limits are what the server does today, and each cost grows with what
it may grow with and with nothing else.
"""

import ssl
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.still import StillServer, StillSocket, counted, still_server
from chat.server.net.tls_transport import TlsTransport
from chat.wires.irc import IrcDialect
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from tests.tls import Authority, pair

FEW, MANY = 100, 400  # members of the room
SOME, MORE = 10, 400  # other rooms, other guests
NAMES_LINES = (MANY - FEW) // 40  # more of them for the larger room: an answer to NAMES costs a call for each

# Calls of our functions.
A_MESSAGE = 59
A_JOIN = 107
A_LEAVE = 83
A_QUIT = 113
A_RENAME = 73
A_KICK = 86
AN_OPERATOR = 103
AN_ANSWER = 40
A_CAP_REQ = 51
A_GUEST = 199
FILES_OF_A_MESSAGE = 19

IrcDialect.of({"message-tags", "server-time"})  # made when the first client asks for it

Deed = Callable[[StillServer, list[StillSocket]], None]


def full_room(server: StillServer, members: int) -> list[StillSocket]:
    return [server.connect(f"user{number}", "#a") for number in range(members)]


def cost(members: int, deed: Deed) -> Counter[str]:
    """Of a deed in a room that had so many members."""
    with still_server() as server:
        room = full_room(server, members)
        with counted(server) as counts:
            deed(server, room)
    return counts


def a_word(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[0], "PRIVMSG #a :good morning")


def test_a_message_is_encoded_once_and_sent_once_a_member() -> None:
    for members in (FEW, MANY):
        counts = cost(members, a_word)
        assert counts["encodes"] == 1
        assert counts["posts"] == 0
        assert counts["sends"] == members - 1
        assert counts["reads"] == 1


def test_a_member_more_is_a_send_more_and_nothing_else() -> None:
    """No function of ours is called for each member: the loop over them is a system call and a comparison."""
    few, many = cost(FEW, a_word), cost(MANY, a_word)
    assert few["calls"] == many["calls"] <= A_MESSAGE
    assert many["files"] <= FILES_OF_A_MESSAGE


def test_a_list_of_bans_costs_a_message_no_call_once_the_speaker_was_compared_with_it() -> None:
    def after(*lines: str) -> Counter[str]:
        with still_server() as server:
            room = full_room(server, 20)
            for line in lines:
                server.say(room[0], f"MODE #a {line}")
            server.say(room[7], "PRIVMSG #a :once")
            with counted(server) as counts:
                server.say(room[7], "PRIVMSG #a :twice")
        return counts

    banned = [f"+bb host{number}.example nick{number}!*@10.0.0.0/8" for number in range(20)]
    assert after(*banned, "+e *!*@never")["calls"] == after()["calls"] <= A_MESSAGE


def test_messages_that_arrive_together_share_their_sends() -> None:
    counts = cost(FEW, lambda server, room: server.say(room[0], *["PRIVMSG #a :good morning"] * 64))
    assert counts["encodes"] == 64
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


def test_by_tls_too_messages_are_sent_once_a_member(tmp_path: Path) -> None:
    authority, members = Authority(tmp_path), 20
    contexts = authority.server(), authority.client()
    for messages in (1, 64):
        with still_server() as server:
            room = full_room(server, members)
            ends = [secured(server, sock, contexts) for sock in room]
            with counted(server) as counts:
                server.say(room[0], *["PRIVMSG #a :good morning"] * messages)
        assert counts["encodes"] == messages
        assert counts["sends"] == members - 1
        for network, client, incoming in ends[1:]:
            (data,) = network.heard
            incoming.write(data)
            assert client.read(65_536).count(b" PRIVMSG #a :good morning\r\n") == messages


def secured(
    server: StillServer, sock: StillSocket, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> tuple[StillSocket, ssl.SSLObject, ssl.MemoryBIO]:
    """From now on the server's sends to `sock` are by TLS; returns the socket below, and the client's end."""
    ours, client, (up, down) = pair(*contexts)
    network = server.socket()
    sock.send = TlsTransport(network, ours, up, down).send  # type: ignore[arg-type, assignment, method-assign]
    return network, client, down


def a_join(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[-1], "JOIN #a")


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


def an_answer(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[7], "PING x")


def a_cap_req(server: StillServer, room: list[StillSocket]) -> None:
    server.say(room[7], "CAP REQ :server-time message-tags")


def a_guest(server: StillServer, room: list[StillSocket]) -> None:
    """Somebody without a name."""
    guest = server.adopt(RelayWire())
    guest.said = b"good morning"
    server.settle()


LIMITS: dict[Deed, int] = {
    a_word: A_MESSAGE,
    a_join: A_JOIN,
    a_leave: A_LEAVE,
    a_quit: A_QUIT,
    a_rename: A_RENAME,
    a_kick: A_KICK,
    an_operator: AN_OPERATOR,
    an_answer: AN_ANSWER,
    a_cap_req: A_CAP_REQ,
    a_guest: A_GUEST,
}
CHANGES = [a_join, a_leave, a_quit, a_rename, a_kick, an_operator]


def named(deed: Deed) -> str:
    return str(getattr(deed, "__name__", ""))


def cost_beside(deed: Deed, members: int = 20, rooms: int = 0, guests: int = 0) -> Counter[str]:
    """Of a deed in `#a`, on a server with so many other rooms and guests. The last of the room has not joined yet."""
    with still_server() as server:
        for number in range(rooms):
            server.connect(f"elsewhere{number}", f"#room{number}")
        for number in range(guests):
            guest = server.adopt(TildeWire())
            guest.said = f"guest-{number}".encode()
        server.settle()
        room = full_room(server, members)
        room.append(server.connect("late"))
        with counted(server) as counts:
            deed(server, room)
    return counts


@pytest.mark.parametrize("deed", LIMITS, ids=named)
def test_nothing_costs_more_calls_than_it_does_today(deed: Deed) -> None:
    assert cost_beside(deed)["calls"] <= LIMITS[deed]


@pytest.mark.parametrize("deed", LIMITS, ids=named)
def test_nothing_costs_more_where_there_are_more_rooms(deed: Deed) -> None:
    some, more = cost_beside(deed, rooms=SOME), cost_beside(deed, rooms=MORE)
    assert some["calls"] == more["calls"]
    assert some["sends"] == more["sends"]


@pytest.mark.parametrize("deed", [deed for deed in LIMITS if deed is not a_guest], ids=named)
def test_nothing_costs_more_where_there_are_more_guests(deed: Deed) -> None:
    some, more = cost_beside(deed, guests=SOME), cost_beside(deed, guests=MORE)
    assert some["calls"] == more["calls"]
    assert some["sends"] == more["sends"]


def test_a_guest_without_a_name_is_not_searched_for_a_number_from_the_first_on() -> None:
    def nameless(guests: int) -> int:
        with still_server() as server:
            for _ in range(guests):
                a_guest(server, [])
            for sock in [connection.sock for connection in server.loop.connections]:
                server.loop.connections.close(server.connection(sock), "gone")  # type: ignore[arg-type]
            server.settle(at_least=1)
            with counted(server) as counts:
                a_guest(server, [])
            return counts["calls"]

    assert nameless(SOME) == nameless(MORE)


@pytest.mark.parametrize("deed", CHANGES, ids=named)
def test_whoever_comes_goes_or_changes_costs_a_send_a_member_and_no_call_more(deed: Deed) -> None:
    few, many = cost_beside(deed, FEW), cost_beside(deed, MANY)
    assert many["encodes"] == few["encodes"] <= 2
    assert many["posts"] == few["posts"]
    assert many["sends"] - few["sends"] == MANY - FEW
    assert many["calls"] - few["calls"] <= (NAMES_LINES if deed is a_join else 0)


@pytest.mark.parametrize("deed", CHANGES, ids=named)
def test_the_join_after_it_finds_the_list_of_names_ready(deed: Deed) -> None:
    """Were the list made again, a room where people come, go and change their names would be quadratic."""

    def join_after(members: int) -> int:
        with still_server() as server:
            room = full_room(server, members)
            room.append(server.connect("late"))
            deed(server, room)
            guest = server.connect("later")
            with counted(server) as counts:
                server.say(guest, "JOIN #a")
        return counts["calls"]

    assert join_after(MANY) - join_after(FEW) <= NAMES_LINES


def test_a_user_of_many_rooms_who_goes_is_told_once_to_each() -> None:
    rooms = [f"#room{number}" for number in range(50)]
    with still_server() as server:
        users = [server.connect(f"user{number}", *rooms) for number in range(20)]
        with counted(server) as counts:
            server.say(users[3], "QUIT :bye")
    assert counts["encodes"] == 1
    assert counts["sends"] == 20  # 19 who hear of it, and the farewell
    assert counts["posts"] == 0


def test_silence_costs_nothing_until_the_first_deadline() -> None:
    with still_server() as server:
        full_room(server, FEW)
        with counted(server) as counts:
            server.step()
    assert counts["polls"] == 1
    assert counts["sends"] == counts["reads"] == counts["posts"] == counts["encodes"] == 0
    timeout = server.poller.timeouts[-1]
    assert timeout is not None
    assert timeout > 60.0  # of 90 until somebody is asked for a sign of life


def test_a_look_at_nobody_costs_the_same_with_any_number_of_members() -> None:
    def look(server: StillServer, room: list[StillSocket]) -> None:
        server.step()

    assert cost(MANY, look)["calls"] == cost(FEW, look)["calls"]
