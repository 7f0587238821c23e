"""Asking about people: WHO, WHOIS, WHOWAS, USERHOST, ISON, and the modes of a user."""

import pytest

from chat.wires.irc import LINE_BYTES
from tests.support import IrcClient, RunningServer


def talk(client: IrcClient, *lines: str) -> list[str]:
    """Send these lines; what the server answered, without its name in front."""
    client.send(*lines)
    return [line.removeprefix(":fanfare.local ") for line in client.sync_lines()]


# WHO


def test_whox_gives_the_fields_that_were_asked_for_in_the_standards_order(server: RunningServer) -> None:
    server.irc("ana", "#a")
    carl = server.irc("carl")
    assert talk(carl, "WHO #a %afnt,42", "WHO ana %tcuihsnfdlaor,1", "WHO ana %tn,1234", "WHO #a u%r") == [
        "354 carl 42 ana H@ 0",
        "315 carl #a :End of WHO list",
        "354 carl 1 * ~ana 255.255.255.255 127.0.0.1 fanfare.local ana H 0 0 0 n/a :ana the tester",
        "315 carl ana :End of WHO list",
        "354 carl 0 ana",
        "315 carl ana :End of WHO list",
        "354 carl :ana the tester",
        "315 carl #a :End of WHO list",
    ]


def test_a_bot_says_so_and_is_seen_as_one(server: RunningServer) -> None:
    ana, bot = server.irc("ana", "#a", caps="message-tags"), server.irc("robo", "#a")
    assert talk(bot, "MODE robo +iB", "MODE robo")[0] == ":robo!~robo@127.0.0.1 MODE robo +iB"
    assert talk(bot, "MODE robo -i+B", "MODE robo") == [":robo!~robo@127.0.0.1 MODE robo -i", "221 robo +B"]
    assert "335 ana robo :is a bot" in talk(ana, "WHOIS robo")
    assert talk(ana, "WHO robo")[0].split()[-5] == "HB"
    bot.say("#a", "beep")
    bot.sync()
    (word,) = [message for message in ana.sync() if message.verb == "PRIVMSG"]
    assert word.tag("bot") == ""


@pytest.mark.parametrize("mask", ["#a", "#A"])
def test_who_shows_a_rooms_members_with_their_standing(server: RunningServer, mask: str) -> None:
    server.irc("ana", "#a")
    bea = server.irc("bea", "#a")
    talk(bea, "AWAY :lunch")
    assert talk(server.irc("carl"), f"WHO {mask}") == [
        "352 carl #a ~ana 127.0.0.1 fanfare.local ana H@ :0 ana the tester",
        "352 carl #a ~bea 127.0.0.1 fanfare.local bea G :0 bea the tester",
        f"315 carl {mask} :End of WHO list",
    ]


@pytest.mark.parametrize("mask", ["ana", "ANA", "an*", "?na", "*n*"])
def test_who_shows_people_by_name_or_mask(server: RunningServer, mask: str) -> None:
    server.irc("ana", "#a"), server.irc("bea")
    assert talk(server.irc("carl"), f"WHO {mask}") == [
        "352 carl * ~ana 127.0.0.1 fanfare.local ana H :0 ana the tester",
        f"315 carl {mask} :End of WHO list",
    ]


@pytest.mark.parametrize("mask", ["*!*na@*", "ANA!*", "~an?@*", "*ana@127.0.0.*"])
def test_who_shows_people_by_their_whole_mask(server: RunningServer, mask: str) -> None:
    server.irc("ana"), server.irc("bea")
    assert [row.split()[1] for row in talk(server.irc("carl"), f"WHO {mask} %n")] == ["carl"] * 2
    assert talk(server.irc("dora"), f"WHO {mask} %n")[0] == "354 dora ana"


@pytest.mark.parametrize("mask", ["127.0.0.1", "127.*", "*.?.1"])
def test_who_shows_people_by_their_host(server: RunningServer, mask: str) -> None:
    server.irc("ana"), server.irc("bea")
    rows = talk(server.irc("carl"), f"WHO {mask} %n")
    assert rows == ["354 carl ana", "354 carl bea", "354 carl carl", f"315 carl {mask} :End of WHO list"]


@pytest.mark.parametrize("mask", ["10.*", "x!*", "ana@*", "127.0.0"])
def test_who_of_other_hosts_shows_nobody(server: RunningServer, mask: str) -> None:
    server.irc("ana")
    assert talk(server.irc("carl"), f"WHO {mask}") == [f"315 carl {mask} :End of WHO list"]


@pytest.mark.parametrize("mask", ["#no", "nobody", "no*", "[a-z]*", "#"])
def test_who_of_nobody_ends_at_once(server: RunningServer, mask: str) -> None:
    assert talk(server.irc("ana"), f"WHO {mask}") == [f"315 ana {mask} :End of WHO list"]


@pytest.mark.parametrize("line", ["WHO", "WHO *"])
def test_who_of_everybody_leaves_the_invisible_strangers_out(server: RunningServer, line: str) -> None:
    ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl")
    talk(ana, "MODE ana +i")
    talk(carl, "MODE carl +i")
    assert [row.split()[6] for row in talk(carl, line)[:-1]] == ["bea", "carl"]  # and oneself
    assert [row.split()[6] for row in talk(bea, line)[:-1]] == ["ana", "bea"]  # and who shares a room
    assert [row.split()[6] for row in talk(carl, "WHO ana")[:-1]] == ["ana"]  # who knows the name knows the person
    assert [row.split()[6] for row in talk(carl, "WHO #a")[:-1]] == ["bea"]
    assert [row.split()[6] for row in talk(bea, "WHO #a")[:-1]] == ["ana", "bea"]


def test_a_mask_cannot_make_the_server_think_long(server: RunningServer) -> None:
    server.irc("a" * 30)
    ana = server.irc("ana")
    mask = "*a" * 200 + "b"
    assert talk(ana, f"WHO {mask}") == [f"315 ana {mask} :End of WHO list"]


# WHOIS and WHOWAS


def test_whois_tells_name_rooms_server_away_and_idle(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a", "#b")
    ana.sync()
    *rows, idle, end = talk(ana, "WHOIS BEA")
    assert rows == [
        "311 ana bea ~bea 127.0.0.1 * :bea the tester",
        "319 ana bea :#a @#b",
        "312 ana bea fanfare.local :Fanfare",
    ]
    assert idle.startswith("317 ana bea 0 1")
    assert idle.endswith(" :seconds idle, signon time")
    assert end == "318 ana BEA :End of /WHOIS list"
    talk(bea, "AWAY :lunch")
    assert talk(ana, "WHOIS bea")[3] == "301 ana bea :lunch"


@pytest.mark.parametrize("line", ["WHOIS fanfare.local bea", "WHOIS bea bea", "WHOIS BEA bea", "WHOIS bea,ana"])
def test_whois_may_name_the_server_to_ask(server: RunningServer, line: str) -> None:
    server.irc("bea")
    rows = talk(server.irc("ana"), line)
    assert [row.split()[0] for row in rows] == ["311", "312", "317", "318"]
    assert rows[-1] == "318 ana bea :End of /WHOIS list"


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("WHOIS", ["431 ana :No nickname given"]),
        ("WHOIS :", ["431 ana :No nickname given"]),
        ("WHOIS nobody", ["401 ana nobody :No such nick/channel", "318 ana nobody :End of /WHOIS list"]),
        ("WHOIS #a", ["401 ana #a :No such nick/channel", "318 ana #a :End of /WHOIS list"]),
        ("WHOIS else.where bea", ["402 ana else.where :No such server"]),
        ("WHOWAS", ["431 ana :No nickname given"]),
        ("WHOWAS bea", ["406 ana bea :There was no such nickname", "369 ana bea :End of WHOWAS"]),
        ("WHOWAS bea 2", ["406 ana bea :There was no such nickname", "369 ana bea :End of WHOWAS"]),
    ],
)
def test_asking_for_nobody_says_so(server: RunningServer, line: str, answers: list[str]) -> None:
    ana, bea = server.irc("ana"), server.irc("bea")
    assert talk(ana, line) == answers
    assert bea.sync() == []


def test_somebody_who_has_not_registered_is_nobody(server: RunningServer) -> None:
    server.raw().send("NICK bea")
    ana = server.irc("ana")
    for line in ("WHOIS bea", "PRIVMSG bea :x", "MODE bea"):
        assert talk(ana, line)[0] == "401 ana bea :No such nick/channel"
    assert talk(ana, "WHO bea") == ["315 ana bea :End of WHO list"]


@pytest.mark.parametrize("letter", ["x", "☕"])
def test_all_rooms_of_a_busy_person_are_told_over_several_lines(server: RunningServer, letter: str) -> None:
    rooms = [f"#{number:02}{letter * (61 // len(letter.encode()))}" for number in range(12)]
    server.irc("bea" + "b" * 27, *rooms)
    rows = [row for row in talk(server.irc("ana"), "WHOIS bea" + "b" * 27) if row.startswith("319")]
    assert all(len(f":fanfare.local {row}\r\n".encode()) <= LINE_BYTES for row in rows)
    assert [name for row in rows for name in row.partition(" :")[2].split()] == [f"@{room}" for room in rooms]


# USERHOST and ISON, which everyday programs send


def test_userhost_tells_address_and_presence_of_up_to_five(server: RunningServer) -> None:
    ana, bea = server.irc("ana"), server.irc("bea")
    talk(bea, "AWAY :lunch")
    assert talk(ana, "USERHOST ana nobody BEA") == ["302 ana :ana=+~ana@127.0.0.1 bea=-~bea@127.0.0.1"]
    assert talk(ana, "USERHOST nobody") == ["302 ana :"]
    assert talk(ana, "USERHOST no no no no no ana") == ["302 ana :"]
    assert talk(ana, "USERHOST") == ["461 ana USERHOST :Not enough parameters"]


def test_ison_tells_who_is_there(server: RunningServer) -> None:
    ana = server.irc("ana")
    server.irc("bea")
    assert talk(ana, "ISON BEA nobody ana") == ["303 ana :bea ana"]
    assert talk(ana, "ISON :bea nobody") == ["303 ana :bea"]
    assert talk(ana, "ISON nobody") == ["303 ana :"]
    assert talk(ana, "ISON") == ["461 ana ISON :Not enough parameters"]


# MODE of a user


def test_a_user_may_be_invisible(server: RunningServer) -> None:
    ana = server.irc("ana")
    invisible, visible = (f":ana!~ana@127.0.0.1 MODE ana {mode}" for mode in ("+i", "-i"))
    assert talk(ana, "MODE ana") == ["221 ana +"]
    assert talk(ana, "MODE ANA +i", "MODE ana +i", "MODE ana") == [invisible, "221 ana +i"]
    assert talk(ana, "MODE ana -i", "MODE ana") == [visible, "221 ana +"]
    assert talk(ana, "MODE ana i-i+i") == [invisible]


def test_of_several_user_modes_an_unknown_one_stops_none(server: RunningServer) -> None:
    assert talk(server.irc("ana"), "MODE ana +zix") == [
        "501 ana :Unknown MODE flag",
        ":ana!~ana@127.0.0.1 MODE ana +i",
    ]


@pytest.mark.parametrize("modes", ["", " +i", " -i", " +x"])
def test_the_modes_of_others_are_their_own_affair(server: RunningServer, modes: str) -> None:
    server.irc("bea")
    ana = server.irc("ana")
    assert talk(ana, f"MODE bea{modes}") == ["502 ana :Cant change mode for other users"]
    assert talk(ana, f"MODE nobody{modes}") == ["401 ana nobody :No such nick/channel"]
