"""MARKREAD: an account's place in each room and talk, for all its clients, and for nobody else."""

from collections.abc import Iterator

import pytest

from bench.still import START, StillServer, StillSocket, still_server
from chat.server.core import account_rules
from chat.server.core.snapshot import load
from chat.server.core.state import State
from chat.wires.irc import timestamp
from tests.commands.test_sasl import request, say

EARLY, LATE = "timestamp=1970-01-02T00:00:00.000Z", "timestamp=1970-01-03T00:00:00.000Z"
NO_DAY = "timestamp=2019-13-04T14:33:26.123Z"


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server() as still:
        request(still, ":fanfare.local REGISTER Ana x")
        yield still


def client(server: StillServer, nick: str, account: str = "", caps: str = "draft/read-marker") -> StillSocket:
    sock = server.connect(nick)
    server.say(sock, f"CAP REQ :{caps}")
    if account:
        request(server, f":{nick}!~{nick}@127.0.0.1 ACCOUNT {account}")
    sock.lines()
    return sock


def test_a_marker_is_set_asked_for_and_told_to_the_accounts_other_clients(server: StillServer) -> None:
    phone, desk, bea = client(server, "phone", "ana"), client(server, "desk", "ana"), client(server, "bea")
    old = client(server, "old", "ana", caps="")
    assert say(server, phone, "MARKREAD #a") == ["MARKREAD #a *"]
    assert say(server, phone, f"MARKREAD #a {EARLY}") == [f"MARKREAD #a {EARLY}"]
    assert desk.lines() == [f":fanfare.local MARKREAD #a {EARLY}"]
    assert say(server, desk, "MARKREAD #A", "MARKREAD bea") == [f"MARKREAD #A {EARLY}", "MARKREAD bea *"]
    assert phone.lines() == bea.lines() == old.lines() == []


def test_a_marker_goes_on_and_never_back_nor_into_the_future(server: StillServer) -> None:
    phone, desk = client(server, "phone", "ana"), client(server, "desk", "ana")
    say(server, phone, f"MARKREAD #a {LATE}")
    desk.lines()
    assert say(server, phone, f"MARKREAD #a {EARLY}") == [f"MARKREAD #a {LATE}"]
    assert desk.lines() == []
    assert say(server, phone, "MARKREAD #a timestamp=2999-01-01T00:00:00.000Z") == [
        f"MARKREAD #a timestamp={timestamp(START)}"
    ]


def test_who_joins_is_told_between_the_join_and_the_end_of_the_names(server: StillServer) -> None:
    phone = client(server, "phone", "ana")
    say(server, phone, f"MARKREAD #a {EARLY}")
    lines = say(server, phone, "JOIN #a", "JOIN #b")
    assert [line.split()[0 if line[0] != ":" else 1] for line in lines] == ["JOIN", "MARKREAD", "353", "366"] * 2
    assert f"MARKREAD #a {EARLY}" in lines
    assert "MARKREAD #b *" in lines
    assert not any("MARKREAD" in line for line in say(server, client(server, "old", "ana", caps=""), "JOIN #a"))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("MARKREAD", "FAIL MARKREAD NEED_MORE_PARAMS :Missing parameters"),
        ("MARKREAD #a *", "FAIL MARKREAD INVALID_PARAMS * :Invalid parameters"),
        (f"MARKREAD #a {NO_DAY}", f"FAIL MARKREAD INVALID_PARAMS {NO_DAY} :Invalid parameters"),
        ("MARKREAD #a timestamp=2019-01-04", "FAIL MARKREAD INVALID_PARAMS timestamp=2019-01-04 :Invalid parameters"),
        ("MARKREAD a,b", "FAIL MARKREAD INVALID_PARAMS a,b :Invalid parameters"),
        ("MARKREAD :two words", "FAIL MARKREAD INVALID_PARAMS * :Invalid parameters"),
        (f"MARKREAD #a {EARLY}", "FAIL MARKREAD INTERNAL_ERROR #a :Markers are kept for accounts: log in first"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_the_standards_code(server: StillServer, line: str, answer: str) -> None:
    assert say(server, client(server, "bea"), line) == [answer]


def test_markers_are_in_snapshots_and_a_bounded_number(server: StillServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_rules, "MARKERS", 2)
    phone = client(server, "phone", "ana")
    for target in ("#a", "#b", "#a", "#c"):
        say(server, phone, f"MARKREAD {target} {LATE if target == '#a' else EARLY}")
    copy = State(server.node.state.limits)
    load(copy, server.node.state.dump())
    assert copy.dump() == server.node.state.dump()
    assert list(copy.accounts.by_name["ana"].read) == ["#b", "#c"]


def test_members_who_asked_are_told_of_invitations(server: StillServer) -> None:
    server.connect("bea")
    ana, carl, dora = (
        client(server, nick, caps=caps)
        for nick, caps in (("ana_", "invite-notify"), ("carl", "invite-notify"), ("dora", ""))
    )
    for sock in (ana, carl, dora):
        server.say(sock, "JOIN #a")
    for sock in (ana, carl, dora):
        sock.lines()
    assert [line.split()[0] for line in say(server, ana, "INVITE bea #a")] == ["341"]
    assert carl.lines() == [":ana_!~ana_@127.0.0.1 INVITE bea #a"]
    assert dora.lines() == []
