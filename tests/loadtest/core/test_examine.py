"""A message is whole, from the right speaker, in the right room and at its time, or it is corrupt."""

import pytest

from loadtest.core.examine import Audience, Examiner, Found
from loadtest.core.schedules import Schedule
from loadtest.core.stamps import Stamp, Stamps
from loadtest.wires.irc import IrcWire
from loadtest.wires.tutorials import RelayWire
from loadtest.wires.wire import Wire

RUN, ROOM, NICK = "0123abcd", "#load", "f0120"
STAMPS = Stamps(RUN, 1, 100)
TABLE = Schedule(1_000, 10, 5)
AUDIENCES = {0: Audience(ROOM, 9, TABLE.count, schedule=TABLE, nick=NICK)}
FIRST, SECOND = Stamp(0, 0, 1_000), Stamp(0, 1, 1_010)


def irc(stamp: Stamp, nick: str = NICK, room: str = ROOM, verb: str = "PRIVMSG") -> bytes:
    return f":{nick}!u@h {verb} {room} :{STAMPS.text(stamp)}\r\n".encode()


def look(data: bytes, wire: type[Wire] = IrcWire) -> Found:
    return Examiner(STAMPS, AUDIENCES, wire("")).look(data)


def test_what_was_sent_is_whole_however_often_it_is_looked_at() -> None:
    examiner = Examiner(STAMPS, AUDIENCES, IrcWire(""))
    for _ in range(2):
        assert examiner.look(irc(FIRST) + b":a!b@c JOIN #load\r\n" + irc(SECOND)) == Found([FIRST, SECOND], 0)
    assert examiner.look(b"@time=1 " + irc(FIRST)) == Found([FIRST], 0)


@pytest.mark.parametrize(
    "data",
    [
        irc(FIRST).replace(b"all work", b"all play"),
        irc(FIRST)[:-12] + b"\r\n",
        irc(FIRST).replace(b"{}", b"{} "),
        irc(FIRST).replace(b":{", b":x{"),
        irc(FIRST, nick="f0121"),
        irc(FIRST, room="#other"),
        irc(FIRST, verb="NOTICE"),
        irc(FIRST).removesuffix(b"\r\n") + irc(SECOND)[-60:],
    ],
)
def test_whatever_is_altered_cut_misattributed_or_in_another_room_is_corrupt(data: bytes) -> None:
    found = look(data)
    assert (found.stamps[:1], found.corrupt) == ([FIRST], 1)


@pytest.mark.parametrize("forged", [Stamp(0, 0, 1_001), Stamp(0, 5, 1_050), Stamp(0, 1, 1_000)])
def test_a_stamp_that_the_sender_cannot_have_sent_is_corrupt_and_no_delivery(forged: Stamp) -> None:
    assert look(irc(forged)) == Found([], 1)


def test_two_messages_in_one_line_are_corrupt_both() -> None:
    joined = irc(FIRST).removesuffix(b"\r\n") + STAMPS.text(SECOND).encode() + b"\r\n"
    assert look(joined) == Found([FIRST, SECOND], 2)


def test_a_room_is_the_same_in_capitals() -> None:
    assert look(irc(FIRST, room="#LOAD")).corrupt == 0


def test_a_sender_whom_nobody_here_should_hear_is_left_to_who_reads_it() -> None:
    assert look(irc(Stamp(7, 0, 5))) == Found([Stamp(7, 0, 5)], 0)


def test_without_an_end_between_messages_each_is_still_held_against_what_was_sent() -> None:
    first, second = (f"{NICK}: {STAMPS.text(stamp)}".encode() for stamp in (FIRST, SECOND))
    assert look(b"* ana joined" + first + second, RelayWire) == Found([FIRST, SECOND], 0)
    assert look(first[:-9] + second, RelayWire).corrupt >= 1
    assert look(first.replace(b"f0120", b"f0121") + second, RelayWire) == Found([FIRST, SECOND], 1)


class Terse(Wire):
    """A wire that does not tell who said what."""

    def say(self, room: str, words: str) -> bytes:
        return words.encode() + b"\n"


def test_a_wire_that_tells_only_text_is_held_against_that() -> None:
    text = STAMPS.text(FIRST).encode()
    assert look(b"somebody says " + text + b"\n", Terse).corrupt == 0
    assert look(text[:-5] + b"\n", Terse).corrupt == 1


LEAVE = {**AUDIENCES, 1: Audience(ROOM, 9, 5, leaves=True)}


@pytest.mark.parametrize("wire", [IrcWire, RelayWire])
def test_what_a_user_says_as_it_quits_is_told_by_the_server_in_other_words(wire: type[Wire]) -> None:
    quits = b":f0121!u@h QUIT :Quit: " + STAMPS.head(Stamp(1, 3, 5)).encode() + b"\r\n"
    assert Examiner(STAMPS, LEAVE, wire("")).look(quits) == Found([Stamp(1, 3, 5)], 0)


def test_a_speaker_is_who_is_named_and_nobody_whose_name_only_ends_so() -> None:
    assert look(irc(FIRST, nick="x" + NICK)) == Found([FIRST], 1)
    said = f"* ana left {NICK}: {STAMPS.text(FIRST)}".encode()
    assert look(said, RelayWire) == Found([FIRST], 0), "without an end a notice may stand before a name"


def test_without_audiences_or_a_wire_only_stamps_are_looked_at() -> None:
    other = irc(Stamp(0, 77, 1), room="#other")
    assert Examiner(STAMPS, None, IrcWire("")).look(other) == Found([Stamp(0, 77, 1)], 0)
    assert Examiner(STAMPS, AUDIENCES).look(irc(FIRST, room="#other")) == Found([FIRST], 0)
    assert Examiner(STAMPS, AUDIENCES).look(irc(FIRST) + irc(Stamp(0, 5, 1_050))) == Found([FIRST], 1)
    assert look(b":a!b@c PRIVMSG #load :hello\r\n") == Found([], 0)


def test_only_so_many_messages_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.core.examine._KEPT", 2)
    examiner = Examiner(STAMPS, AUDIENCES, IrcWire(""))
    for number in range(5):
        examiner.look(irc(Stamp(0, number, TABLE.at(number))))
        assert len(examiner._known) <= 2


@pytest.mark.parametrize(("is_here", "members"), [(False, 9), (True, 10)])
def test_a_room_has_the_sender_as_a_member_where_it_is_here(is_here: bool, members: int) -> None:
    assert Audience(ROOM, 9, 5, is_here=is_here).members == members
