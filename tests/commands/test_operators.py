"""What operators of the server may do, and nobody else."""

from dataclasses import replace

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.server.accounts import operator_hash
from chat.settings import Settings
from chat.wires.irc import IrcWire
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from tests.commands.test_sasl import Slow

HASH = operator_hash.make("correct horse")
SETTINGS = Settings(rate_limit=0.0, helpers=0, operators=(f"root:{HASH}",), contact="Ana\nHere\nana@example.org")
SECRET = "OPER root :correct horse"


def operator(server: StillServer, nick: str = "boss", host: str = "127.0.0.1") -> StillSocket:
    sock = server.connect(nick, "#a", host=host)
    server.say(sock, SECRET)
    assert any(" 381 " in line for line in sock.lines())
    return sock


def codes(sock: StillSocket) -> list[str]:
    return [line.split(" ")[1] for line in sock.lines()]


def ended(sock: StillSocket) -> str:
    """The reason with which the server has ended the connection."""
    lines = sock.lines()
    assert lines, "it was told nothing"
    return lines[-1].removeprefix("ERROR :Closing link: ")


def test_the_right_password_makes_an_operator_whom_everybody_can_see() -> None:
    with still_server(SETTINGS) as server:
        root, ana = operator(server), server.connect("ana", "#a")
        ana.heard.clear()
        server.say(ana, "WHOIS boss", "LUSERS")
        lines = ana.lines()
        assert any(" 313 ana boss :" in line for line in lines)
        assert any(" 252 ana 1 :" in line for line in lines)
        server.say(root, "MODE boss")
        assert root.lines()[-1].endswith(" 221 boss +o")
        server.say(root, "MODE boss -o", "KILL ana :x")
        assert codes(root)[-1] == "481"


def test_a_password_that_was_taken_out_of_the_settings_while_it_was_checked_makes_no_operator() -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana")
        server.node.logins.hasher = hasher = Slow()
        server.say(ana, SECRET)
        server.node.settings = replace(SETTINGS, operators=())
        ana.lines()
        hasher.release()
        server.settle()
        assert codes(ana) == ["464"]


def test_who_shows_operators_alone_where_they_alone_are_asked_for() -> None:
    with still_server(SETTINGS) as server:
        operator(server)
        ana = server.connect("ana", "#a")
        for line in ("WHO * o", "WHO #a o", "WHO #a o%n", "WHO b* o%n", "WHO boss o"):
            ana.lines()
            server.say(ana, line)
            (row, end) = ana.lines()
            assert "boss" in row.split(" ")[3:], line
            assert " 315 " in end, line
        server.say(ana, "WHO ana o", "WHO zoe o")
        assert codes(ana) == ["315", "315"]


@pytest.mark.parametrize("line", ["OPER root wrong", "OPER nobody :correct horse", "OPER root :"])
def test_a_wrong_password_and_a_wrong_name_look_the_same(line: str) -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana")
        ana.heard.clear()
        server.say(ana, line, "KILL ana :x")
        assert codes(ana) == ["464", "481"]


def test_attempts_are_limited_for_the_address_also_with_the_right_password() -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana")
        server.say(ana, *["OPER root wrong"] * 3, SECRET)
        assert "Too many attempts have failed" in ana.lines()[-1]
        server.advance(61.0)
        server.say(ana, SECRET)
        assert "381" in codes(ana)


def test_operators_come_over_tls_or_from_this_machine_unless_told() -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana", host="192.0.2.7")
        ana.heard.clear()
        server.say(ana, SECRET)
        assert codes(ana) == ["491"]
    anywhere = Settings(rate_limit=0.0, helpers=0, operators=SETTINGS.operators, oper_anywhere="on")
    with still_server(anywhere) as server:
        operator(server, host="192.0.2.7")


@pytest.mark.parametrize(
    "line",
    [
        *("KILL ana :x", "KLINE *spam*@* :x", "DLINE 192.0.2.7 :x", "UNKLINE 192.0.2.7", "UNDLINE 192.0.2.7"),
        *("WALLOPS :x", "REHASH", "STATS k", "STATS o", "STATS d"),
    ],
)
def test_nobody_else_may(line: str) -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana")
        ana.heard.clear()
        server.say(ana, line)
        assert codes(ana)[0] == "481"
        assert len(server.node.state.bans) == 0


@pytest.mark.parametrize("wire", [IrcWire, RelayWire, TildeWire])
def test_the_killed_are_gone_and_their_rooms_know_why(wire: type) -> None:
    with still_server(SETTINGS) as server:
        root = operator(server)
        server.say(root, "JOIN #lobby")
        if wire is IrcWire:
            bob = server.connect("bob", "#lobby")
        else:
            bob = server.adopt(wire())
            bob.said = b"bob: hello" if wire is RelayWire else b"bob"
            server.settle()
        root.heard.clear()
        server.say(root, "KILL bob :ads")
        (line,) = root.lines()
        assert line.endswith(" QUIT :Killed (boss (ads))")
        assert b"Killed (boss (ads))" in b"".join(bob.heard)
        assert server.node.state.find_user("bob") is None
        server.advance(10.0)
        assert bob.closed
        server.say(root, "KILL bob :ads")
        assert codes(root) == ["401"]


BANS = ["DLINE 192.0.2.7", "DLINE 192.0.2.0/24", "KLINE *@192.0.2.*", "KLINE bob", "DLINE bob", "KLINE *bob@*"]


@pytest.mark.parametrize("ban", BANS)
def test_a_ban_ends_whom_it_fits_at_once_and_keeps_them_out_until_it_is_taken_back(ban: str) -> None:
    with still_server(SETTINGS) as server:
        root, ana = operator(server), server.connect("ana", "#a", host="198.51.100.1")
        bob = server.connect("bob", "#a", host="192.0.2.7")
        ana.heard.clear()
        bob.heard.clear()
        server.say(root, f"{ban} :no ads here")
        server.advance(6.0)
        told = ":fanfare.local 465 {} :You are banned from this server (no ads here)"
        last = "ERROR :Closing link: Banned: no ads here"
        assert bob.lines() == [told.format("bob"), last]
        assert [line for line in ana.lines() if "QUIT" in line] == [":bob!~bob@192.0.2.7 QUIT :Banned: no ads here"]
        again = server.connect("bob", host="192.0.2.7")
        assert server.node.state.find_user("bob") is None
        nick = "bob" if "@" in ban else "*"  # an address is refused before a word is read
        assert again.lines() == [told.format(nick), last]
        root.heard.clear()
        server.say(root, "STATS k")
        assert "no ads here" in root.lines()[0]
        mask = next(iter(server.node.state.bans)).mask
        server.say(root, f"UNKLINE {mask}")
        server.connect("bob", host="192.0.2.7")
        assert server.node.state.find_user("bob") is not None


@pytest.mark.parametrize("wire", [RelayWire, TildeWire])
@pytest.mark.parametrize("ban", ["DLINE 192.0.2.7", "KLINE *bob@*"])
def test_a_ban_holds_on_every_wire(wire: type, ban: str) -> None:
    with still_server(SETTINGS) as server:
        root = operator(server)
        listener, bob = server.adopt(wire(), "192.0.2.7"), server.adopt(wire(), "192.0.2.7")
        bob.said = b"bob: hello" if wire is RelayWire else b"bob"
        server.settle()
        server.say(root, f"{ban} :ads")
        for _ in range(10):  # sends to these wires are apart in time
            server.advance(0.02)
        assert b"Banned: ads" in b"".join(bob.heard)
        assert (b"Banned: ads" in b"".join(listener.heard)) is ban.startswith("DLINE")
        again = server.adopt(wire(), "192.0.2.7")
        again.said = b"bob: hello" if wire is RelayWire else b"bob"
        server.settle()
        for _ in range(10):  # sends to these wires are apart in time
            server.advance(0.02)
        assert server.node.state.find_user("bob") is None
        assert b"Banned: ads" in b"".join(again.heard)


def test_a_ban_that_is_over_lets_in() -> None:
    with still_server(SETTINGS) as server:
        root = operator(server)
        server.say(root, "DLINE 1h30m 192.0.2.7 :ads", "KLINE 5 *spam*@* :minutes")
        texts = [line for line in root.lines() if " NOTICE " in line]
        assert "Banned 192.0.2.7 for 1h30m: ads" in texts[0]
        assert "for 5m: minutes" in texts[1]
        server.advance(5399.0)
        server.connect("bob", host="192.0.2.7")
        assert server.node.state.find_user("bob") is None
        server.advance(2.0)
        server.connect("bob", host="192.0.2.7")
        assert server.node.state.find_user("bob") is not None


@pytest.mark.parametrize("line", ["DLINE 127.0.0.1", "KLINE boss", "DLINE 127.0.0.0/8", "KLINE *boss@*", "KLINE *@*"])
def test_no_operator_bans_themselves_or_everybody(line: str) -> None:
    with still_server(SETTINGS) as server:
        root = operator(server)
        server.say(root, line)
        assert codes(root) == ["400"]
        assert len(server.node.state.bans) == 0


@pytest.mark.parametrize("verb", ["KLINE", "DLINE", "UNKLINE", "UNDLINE"])
def test_a_refusal_names_the_command_that_was_given(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.server.core.operator_rules.MOST", 0)  # so that the rules refuse too
    with still_server(SETTINGS) as server:
        root = operator(server)
        server.say(root, f"{verb} *@*", f"{verb} nick!user@host", f"{verb} 192.0.2.7", f"{verb.lower()} ~a:*")
        assert [line.split(" ")[1:4] for line in root.lines()] == [["400", "boss", verb]] * 4


def test_a_ban_is_enforced_a_portion_at_a_time_while_others_talk() -> None:
    with still_server(SETTINGS) as server:
        root = operator(server)
        bad = [server.connect(f"bad{number}", "#bad", host=f"192.0.2.{number % 250}") for number in range(300)]
        server.say(root, "DLINE 192.0.2.0/24 :ads")
        assert all(ended(sock) == "Banned: ads" for sock in bad)
        assert len(server.node.state.users) == 1


def test_wallops_reach_those_who_want_them() -> None:
    with still_server(SETTINGS) as server:
        root, ana, bob = operator(server), server.connect("ana"), server.connect("bob")
        server.say(ana, "MODE ana +w")
        ana.heard.clear()
        bob.heard.clear()
        server.say(root, "WALLOPS :maintenance at ten")
        assert ana.lines() == [":boss!~boss@127.0.0.1 WALLOPS :maintenance at ten"]
        assert bob.lines() == []
        server.say(ana, "MODE ana -w")
        ana.heard.clear()
        server.say(root, "WALLOPS :again")
        assert ana.lines() == []


def test_nobody_makes_themselves_an_operator_by_mode() -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana")
        server.say(ana, "MODE ana +o", "MODE ana")
        assert ana.lines()[-1].endswith(" 221 ana +")


def test_operators_see_addresses() -> None:
    with still_server(SETTINGS, cloak=lambda address: "a.b.c.ip") as server:
        root = operator(server)
        server.connect("bob", host="192.0.2.7")
        server.say(root, "WHOIS bob")
        assert any(" 338 boss bob 192.0.2.7 :" in line for line in root.lines())
        ana = server.connect("ana")
        ana.heard.clear()
        server.say(ana, "WHOIS bob")
        assert "192.0.2.7" not in "".join(ana.lines())


def test_whowas_counts_newest_first() -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana")
        for number in range(3):
            bob = server.connect("bob", host=f"192.0.2.{number}")
            server.say(bob, "QUIT")
        carl = server.connect("carl")
        server.say(carl, "NICK dave")
        ana.heard.clear()
        server.say(ana, "WHOWAS bob", "WHOWAS bob 2", "WHOWAS carl", "WHOWAS dave")
        lines = ana.lines()
        assert [line.split(" ")[5] for line in lines if " 314 ana bob " in line] == [
            *("192.0.2.2", "192.0.2.1", "192.0.2.0"),
            *("192.0.2.2", "192.0.2.1"),
        ]
        assert [line.split(" ")[1] for line in lines][-5:] == ["314", "312", "369", "406", "369"]


def test_the_server_tells_of_itself() -> None:
    with still_server(SETTINGS) as server:
        ana = server.connect("ana")
        for line, wanted in (
            ("ADMIN", ["256", "257", "258", "259"]),
            ("INFO", ["371", "371", "371", "374"]),
            ("LINKS", ["364", "365"]),
            ("STATS u", ["242", "219"]),
            ("STATS l", ["211", "219"]),
            ("HELP KLINE", ["704", "705", "706"]),
            ("HELPOP nothing", ["524"]),
        ):
            ana.heard.clear()
            server.say(ana, line)
            assert codes(ana) == wanted, line
        server.say(ana, "HELP")
        assert "PRIVMSG" in "".join(ana.lines())
