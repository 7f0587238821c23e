"""Ask the server who is in a room, by a member that keeps listening meanwhile: NAMES, up to the end of its list."""

import re

import gevent
from gevent.event import Event

from chat.errors import FanfareError
from chat.wires.message import build
from loadtest.accounting.moment import Moment
from loadtest.users import ChatUser

_NUMERICS = re.compile(rb"^(?:@\S+ +)?:\S+ +(353|366) ([^\r\n]*)", re.M)


class Unanswered(FanfareError):
    """The server did not give the list in time."""


def roll_call(member: ChatUser, nick_head: str, patience: float) -> list[int]:
    """The numbers of this run's users whom the server lists in the member's room. Raises Unanswered."""
    connection = member.connection
    if connection is None or not connection.is_open:
        raise Unanswered(f"NAMES: {member.gone_why or 'no connection'}")
    room = member.receiver.room
    name = re.compile(rb"[ :@+%%&~]%b([0-9a-z]+)" % re.escape(nick_head.encode()))
    found: set[int] = set()
    ended = Event()
    listening = connection.on_lines

    def overhear(data: bytes, at: Moment) -> None:
        for verb, rest in _NUMERICS.findall(data) if b" 353 " in data or b" 366 " in data else ():
            if verb == b"353":
                found.update(int(number, 36) for number in name.findall(b":" + rest.rpartition(b" :")[2]))
            else:
                ended.set()
        listening(data, at)

    connection.on_lines = overhear
    try:
        connection.send(build("NAMES", room))
        with gevent.Timeout(patience, Unanswered(f"NAMES {room}: no answer within {patience:g} s")):
            ended.wait()
    finally:
        connection.on_lines = listening
    return sorted(found)
