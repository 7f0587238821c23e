"""A secret room is secret everywhere: an outsider gets the same bytes as where there is no such room.

Every command that there is, with the room's name and its member's in every place, in two worlds: in one the member is
in the secret room, in the other in none. JOIN alone may tell, since it makes a room that there is not.
"""

import re
from itertools import product

import pytest

from chat.server.commands.table import COMMANDS
from chat.wires.irc import CAPABILITIES, IrcDialect
from tests.core.chat import Chat, FakeClient

ROOM, MEMBER = "#hidden", "mia"
MSGID = re.compile("msgid=[0-9a-f]+")  # grows with all that happens anywhere
LINES = {
    *(f"{verb} {words}".strip() for verb, words in product(
        sorted(COMMANDS.keys() - {"JOIN", "QUIT", "USER", "NICK", "PASS"}),
        (
            "", ROOM, f"{ROOM},#no", f"{ROOM} :x", f"{ROOM} x y", f"{ROOM} {MEMBER}", f"{ROOM} {MEMBER} :x",
            f"{MEMBER}", f"{MEMBER} {ROOM}", f"{MEMBER} :x", f"@{ROOM} :x", "*", "#*", "#h*", "#hidde?",
            f"{ROOM} b", f"{ROOM} eI", f"{ROOM} +i", f"{ROOM} +o {MEMBER}", f"{ROOM} -s", f"{MEMBER} {MEMBER}",
            ">0", "<9,#h*", "!#x*", f"+ {MEMBER}", f"+ {ROOM}", "L", "S", f"* {ROOM}",
            f"LATEST {ROOM} * 10", f"LATEST {MEMBER} * 10", f"{ROOM} %tcuhnfdlar,1", f"{MEMBER} %tcuhnfdlar,1",
            "TARGETS timestamp=2000-01-01T00:00:00.000Z timestamp=2030-01-01T00:00:00.000Z 10", f"GET {ROOM}",
        ),
    )),
}  # fmt: skip


def world(modes: str) -> tuple[Chat, FakeClient, FakeClient]:
    """The chat, its outsider, and the member of the secret room; without modes there is no room."""
    chat = Chat()
    mia = chat.member(MEMBER, host="mia.host")
    if modes:
        chat.run(mia, f"JOIN {ROOM}", f"MODE {ROOM} {modes}", f"TOPIC {ROOM} :plans")
    eve = chat.member("eve", host="eve.host")
    eve.set_capabilities(frozenset(CAPABILITIES), IrcDialect.of(CAPABILITIES))
    return chat, eve, mia


@pytest.mark.parametrize("modes", ["+s", "+s-n", "+sib *!*@*", "+skl x 1", "+smR"])
def test_no_command_tells_an_outsider_of_a_secret_room(modes: str) -> None:
    (chat, eve, _), (other, outsider, _) = world(modes), world("")
    for line in sorted(LINES):
        there = MSGID.sub("", "\n".join(chat.answers(eve, line)))
        nowhere = MSGID.sub("", "\n".join(other.answers(outsider, line)))
        assert there == nowhere, line


def test_what_happens_there_is_told_to_no_outsider() -> None:
    chat, eve, mia = world("+s")
    chat.run(eve, f"MONITOR + {MEMBER}")
    chat.told(eve)
    chat.run(mia, f"PRIVMSG {ROOM} :x", f"TOPIC {ROOM} :y", f"MODE {ROOM} -s+s", f"PART {ROOM}", f"JOIN {ROOM}")
    chat.run(mia, "AWAY :x", "SETNAME :Other")
    assert not [line for line in chat.told(eve) if ROOM in line]


@pytest.mark.parametrize("line", [f"{verb} {ROOM}" for verb in ("NAMES", "LIST", "WHO", "MODE")] + [f"WHOIS {MEMBER}"])
def test_what_is_not_secret_is_told(line: str) -> None:
    """Else the test above would say nothing."""
    (chat, eve, _), (other, outsider, _) = world("+n"), world("")
    assert chat.answers(eve, line) != other.answers(outsider, line)


def test_its_members_see_it() -> None:
    chat, _, mia = world("+s")
    assert chat.answers(mia, f"NAMES {ROOM}")[0] == f"353 mia @ {ROOM} :@mia"
    assert chat.answers(mia, f"LIST {ROOM}")[0] == f"322 mia {ROOM} 1 :plans"
    assert f"319 mia mia :@{ROOM}" in chat.answers(mia, "WHOIS mia")
