"""Rooms: JOIN, PART, KICK, TOPIC, MODE, NAMES, LIST."""

import pytest

from tests.support import IrcClient, RunningServer, running_server


def talk(client: IrcClient, *lines: str) -> list[str]:
    """Send these lines; what the server answered, without its name in front."""
    client.send(*lines)
    return [line.removeprefix(":fanfare.local ") for line in client.sync_lines()]


# JOIN


def test_the_first_member_makes_the_room_and_operates_it(server: RunningServer) -> None:
    assert talk(server.irc("ana"), "JOIN #a") == [
        ":ana!~ana@127.0.0.1 JOIN #a",
        "353 ana = #a :@ana",
        "366 ana #a :End of /NAMES list",
    ]
    assert talk(server.irc("bea"), "JOIN #A") == [
        ":bea!~bea@127.0.0.1 JOIN #a",  # the room's name is spelled as at first
        "353 bea = #a :@ana bea",
        "366 bea #a :End of /NAMES list",
    ]


def test_a_joiner_sees_join_topic_and_names_in_this_order(server: RunningServer) -> None:
    ana = server.irc("ana", "#a")
    talk(ana, "TOPIC #a :what we talk about")
    verbs = [message.verb for message in server.irc("bea").join("#a")]
    assert verbs == ["JOIN", "332", "333", "353", "366"]


def test_the_members_see_who_joins(server: RunningServer) -> None:
    ana = server.irc("ana", "#a")
    server.irc("bea", "#a")
    assert ana.sync_lines() == [":bea!~bea@127.0.0.1 JOIN #a"]


def test_joining_twice_does_nothing(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    assert talk(bea, "JOIN #a", "JOIN #A,#a") == []
    assert ana.sync_lines() == []


def test_several_rooms_are_joined_at_once_and_a_refused_one_stops_none(server: RunningServer) -> None:
    answers = talk(server.irc("ana"), "JOIN #a,bad,#b,,#a key,key")
    assert [line for line in answers if " 353 " not in line and not line.startswith(("353", "366"))] == [
        ":ana!~ana@127.0.0.1 JOIN #a",
        "476 ana bad :Bad Channel Mask",
        ":ana!~ana@127.0.0.1 JOIN #b",
    ]


@pytest.mark.parametrize("name", ["a", "#", "&a", "#a\x07b", "#a:b", "#" + "x" * 64, "+a", "##" * 33, "#☕" * 16 + "x"])
def test_a_bad_name_makes_no_room(server: RunningServer, name: str) -> None:
    assert talk(server.irc("ana"), f"JOIN {name}") == [f"476 ana {name} :Bad Channel Mask"]


@pytest.mark.parametrize(
    "hidden", ["\x02", "\x1b", "\u00a0", "\u200b", "\u200d", "\u2028", "\u202e", "\u2066", "\ufeff", "\u00ad"]
)
def test_no_room_looks_like_another_by_what_cannot_be_seen(server: RunningServer, hidden: str) -> None:
    (answer,) = talk(server.irc("ana"), f"JOIN #lob{hidden}by")
    assert answer.endswith(" :Bad Channel Mask")


def test_no_room_looks_like_another_by_how_its_letters_are_composed(server: RunningServer) -> None:
    ana = server.irc("ana")
    assert talk(ana, "JOIN #caf\u00e9")[0].endswith(" JOIN #caf\u00e9")
    assert talk(ana, "JOIN #cafe\u0301")[0].endswith(" :Bad Channel Mask")


@pytest.mark.parametrize("name", ["#" + "x" * 63, "##", "#1", "#plät", "#☕" * 16, "#a!b@c"])
def test_any_other_name_does(server: RunningServer, name: str) -> None:
    assert talk(server.irc("ana"), f"JOIN {name}")[0] == f":ana!~ana@127.0.0.1 JOIN {name}"


def test_names_are_the_same_in_another_case_of_ascii_letters_alone(server: RunningServer) -> None:
    server.irc("ana", "#tÄst")
    assert "353 bea = #tÄst :@ana bea" in talk(server.irc("bea"), "JOIN #TÄST")
    assert "353 carl = #täst :@carl" in talk(server.irc("carl"), "JOIN #täst")


@pytest.mark.parametrize("verb", ["JOIN", "PART"])
@pytest.mark.parametrize("names", [":", ",", ",,,"])
def test_an_empty_list_is_a_missing_parameter(server: RunningServer, verb: str, names: str) -> None:
    assert talk(server.irc("ana", "#a"), f"{verb} {names}") == [f"461 ana {verb} :Not enough parameters"]


def test_the_last_room_that_one_user_may_be_in_and_the_next() -> None:
    with running_server(max_rooms=2) as server:
        ana = server.irc("ana", "#a", "#b")
        assert talk(ana, "JOIN #c") == ["405 ana #c :You have joined too many channels"]
        assert talk(ana, "PART #a", "JOIN #c")[1] == ":ana!~ana@127.0.0.1 JOIN #c"


def test_join_0_leaves_every_room(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a", "#b"), server.irc("bea", "#a")
    ana.sync()
    parts = [":ana!~ana@127.0.0.1 PART #a", ":ana!~ana@127.0.0.1 PART #b"]
    assert talk(ana, "JOIN 0") == parts
    assert bea.sync_lines() == parts[:1]


# PART


def test_part_tells_the_room_and_the_leaver_and_then_is_quiet(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    assert talk(bea, "PART #A :so long") == [":bea!~bea@127.0.0.1 PART #a :so long"]
    talk(ana, "PRIVMSG #a :she is gone")
    assert bea.sync_lines() == []
    assert ana.sync_lines() == []
    assert talk(ana, "NAMES #a")[0] == "353 ana = #a :@ana"


def test_several_rooms_are_left_at_once_with_the_reason_and_a_refused_one_stops_none(server: RunningServer) -> None:
    server.irc("bea", "#b")
    assert talk(server.irc("ana", "#a", "#c"), "PART #a,#b,#no,#c :bye") == [
        ":ana!~ana@127.0.0.1 PART #a :bye",
        "442 ana #b :You're not on that channel",
        "403 ana #no :No such channel",
        ":ana!~ana@127.0.0.1 PART #c :bye",
    ]


def test_an_empty_room_is_gone_with_all_that_was_set_in_it(server: RunningServer) -> None:
    ana = server.irc("ana", "#a")
    talk(ana, "TOPIC #a :old", "MODE #a -nt", "PART #a")
    assert talk(ana, "NAMES #a") == ["366 ana #a :End of /NAMES list"]
    assert talk(ana, "JOIN #A", "MODE #a")[:4] == [
        ":ana!~ana@127.0.0.1 JOIN #A",
        "353 ana = #A :@ana",
        "366 ana #A :End of /NAMES list",
        "324 ana #A +nt",
    ]


def test_the_operator_goes_and_nobody_inherits(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    talk(ana, "PART #a", "JOIN #a")
    assert talk(bea, "NAMES #a")[-2] == "353 bea = #a :bea ana"


# KICK


def test_kick_tells_all_and_removes_the_one(server: RunningServer) -> None:
    ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl", "#a")
    for client in (ana, bea, carl):
        client.sync()
    kick = ":ana!~ana@127.0.0.1 KICK #a bea :too loud"
    assert talk(ana, "KICK #A BEA :too loud") == [kick]
    assert bea.sync_lines() == [kick]
    assert carl.sync_lines() == [kick]
    assert talk(bea, "PRIVMSG #a :still here?") == ["404 bea #a :Cannot send to channel"]
    assert talk(bea, "JOIN #a")[1] == "353 bea = #a :@ana carl bea"


def test_without_a_reason_it_is_the_kickers_name(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    assert talk(ana, "KICK #a bea") == [":ana!~ana@127.0.0.1 KICK #a bea :ana"]
    bea.join("#a")
    ana.sync()
    assert talk(ana, "KICK #a bea,ana :") == [
        ":ana!~ana@127.0.0.1 KICK #a bea :ana",
        ":ana!~ana@127.0.0.1 KICK #a ana :ana",
    ]


def test_an_operator_may_kick_an_operator_and_herself(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    talk(ana, "MODE #a +o bea")
    bea.sync()
    assert talk(bea, "KICK #a ana", "KICK #a bea") == [
        ":bea!~bea@127.0.0.1 KICK #a ana :bea",
        ":bea!~bea@127.0.0.1 KICK #a bea :bea",
    ]
    assert talk(bea, "NAMES #a") == ["366 bea #a :End of /NAMES list"]


@pytest.mark.parametrize(
    ("who", "line", "answer"),
    [
        ("ana", "KICK #no bea", "403 ana #no :No such channel"),
        ("ana", "KICK #a carl", "441 ana carl #a :They aren't on that channel"),
        ("ana", "KICK #a nobody", "441 ana nobody #a :They aren't on that channel"),
        ("bea", "KICK #a ana", "482 bea #a :You're not channel operator"),
        ("carl", "KICK #a ana", "442 carl #a :You're not on that channel"),
    ],
)
def test_a_kick_that_is_not_allowed_says_why(server: RunningServer, who: str, line: str, answer: str) -> None:
    clients = {"ana": server.irc("ana", "#a"), "bea": server.irc("bea", "#a"), "carl": server.irc("carl")}
    for client in clients.values():
        client.sync()
    assert talk(clients[who], line) == [answer]
    assert talk(clients["carl"], "NAMES #a")[0] == "353 carl = #a :@ana bea"


# TOPIC


def test_the_topic_is_set_told_shown_and_cleared(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    assert talk(ana, "TOPIC #a") == ["331 ana #a :No topic is set"]
    assert talk(ana, "TOPIC #A :né  ☕") == [":ana!~ana@127.0.0.1 TOPIC #a :né  ☕"]
    assert bea.sync_lines() == [":ana!~ana@127.0.0.1 TOPIC #a :né  ☕"]
    topic, who = talk(bea, "TOPIC #a")
    assert topic == "332 bea #a :né  ☕"
    assert who.startswith("333 bea #a ana 1")
    assert talk(ana, "TOPIC #a :") == [":ana!~ana@127.0.0.1 TOPIC #a :"]
    assert bea.sync_lines() == [":ana!~ana@127.0.0.1 TOPIC #a :"]
    assert talk(bea, "TOPIC #a") == ["331 bea #a :No topic is set"]
    assert [message.verb for message in server.irc("carl").join("#a")] == ["JOIN", "353", "366"]


def test_only_operators_set_the_topic_unless_mode_t_is_off(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    assert talk(bea, "TOPIC #a :mine") == ["482 bea #a :You're not channel operator"]
    talk(ana, "MODE #a -t")
    bea.sync()
    assert talk(bea, "TOPIC #a :mine") == [":bea!~bea@127.0.0.1 TOPIC #a :mine"]


@pytest.mark.parametrize("line", ["TOPIC #a", "TOPIC #a :mine"])
def test_the_topic_is_for_members(server: RunningServer, line: str) -> None:
    server.irc("ana", "#a")
    bea = server.irc("bea")
    assert talk(bea, line) == ["442 bea #a :You're not on that channel"]
    assert talk(bea, line.replace("#a", "#no")) == ["403 bea #no :No such channel"]


def test_a_long_topic_is_cut_to_what_is_promised(server: RunningServer) -> None:
    ana = server.irc("ana", "#a")
    assert talk(ana, "TOPIC #a :" + "x" * 301) == [":ana!~ana@127.0.0.1 TOPIC #a :" + "x" * 300]
    (told,) = talk(ana, "TOPIC #a :" + "☕" * 160)
    assert told == ":ana!~ana@127.0.0.1 TOPIC #a :" + "☕" * 100
    assert talk(ana, "TOPIC #a :x" + "☕" * 160) == [":ana!~ana@127.0.0.1 TOPIC #a :x" + "☕" * 99]
    joined = talk(server.irc("b" * 30), "JOIN #a")
    assert f"332 {'b' * 30} #a :x{'☕' * 99}" in joined


# MODE


def test_a_rooms_modes_are_for_everybody_to_see(server: RunningServer) -> None:
    server.irc("ana", "#a")
    modes, created = talk(server.irc("bea"), "MODE #A")
    assert modes == "324 bea #a +nt"
    assert created.startswith("329 bea #a 1")


@pytest.mark.parametrize("query", ["b", "+b"])
def test_the_ban_list_that_programs_ask_for_is_empty(server: RunningServer, query: str) -> None:
    server.irc("ana", "#a")
    assert talk(server.irc("bea"), f"MODE #a {query}") == ["368 bea #a :End of channel ban list"]


@pytest.mark.parametrize(
    ("line", "told", "modes"),
    [
        ("MODE #a -n", "-n", "+t"),
        ("MODE #a -nt", "-nt", "+"),
        ("MODE #a -n-t+n", "-t", "+n"),
        ("MODE #a +o bea", "+o bea", "+nt"),
        ("MODE #a +o BEA", "+o bea", "+nt"),
        ("MODE #a -t+o bea", "-t+o bea", "+n"),
        ("MODE #a +o-n bea", "-n+o bea", "+t"),
        ("MODE #a -o+nt ana", "-o ana", "+nt"),
        ("MODE #a +oo-n bea carl", "-n+oo bea carl", "+t"),
        ("MODE #a n-t", "-t", "+n"),  # a plus is meant where no sign stands
        ("MODE #a -n+n" + "-n+n" * 100 + "-t", "-t", "+n"),  # what is undone is not told
    ],
)
def test_modes_change_and_the_room_is_told_what_really_changed(
    server: RunningServer, line: str, told: str, modes: str
) -> None:
    ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl", "#a")
    for client in (ana, bea, carl):
        client.sync()
    assert talk(ana, line) == [f":ana!~ana@127.0.0.1 MODE #a {told}"]
    assert bea.sync_lines() == [f":ana!~ana@127.0.0.1 MODE #a {told}"]
    assert talk(carl, "MODE #a")[1] == f"324 carl #a {modes}"


@pytest.mark.parametrize(
    "line", ["MODE #a +nt", "MODE #a +", "MODE #a :", "MODE #a +o ana", "MODE #a -o bea", "MODE #a +oo-o bea bea bea"]
)
def test_what_is_so_already_is_not_told(server: RunningServer, line: str) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    assert talk(ana, line) == []
    assert bea.sync_lines() == []


@pytest.mark.parametrize(
    ("who", "line", "answers"),
    [
        ("ana", "MODE #no", ["403 ana #no :No such channel"]),
        ("ana", "MODE #no +n", ["403 ana #no :No such channel"]),
        ("ana", "MODE #a +o", ["461 ana MODE :Not enough parameters"]),
        ("ana", "MODE #a +o carl", ["441 ana carl #a :They aren't on that channel"]),
        ("ana", "MODE #a +o nobody", ["401 ana nobody :No such nick/channel"]),
        ("ana", "MODE #a +x", ["472 ana x :is unknown mode char to me"]),
        ("ana", "MODE #a +é", ["472 ana é :is unknown mode char to me"]),
        ("bea", "MODE #a -n", ["482 bea #a :You're not channel operator"]),
        ("bea", "MODE #a +o bea", ["482 bea #a :You're not channel operator"]),
        ("bea", "MODE #a +x", ["482 bea #a :You're not channel operator"]),
        ("carl", "MODE #a -n", ["442 carl #a :You're not on that channel"]),
        ("carl", "MODE #a +o carl", ["442 carl #a :You're not on that channel"]),
    ],
)
def test_a_mode_that_cannot_be_set_says_why(server: RunningServer, who: str, line: str, answers: list[str]) -> None:
    clients = {"ana": server.irc("ana", "#a"), "bea": server.irc("bea", "#a"), "carl": server.irc("carl")}
    for client in clients.values():
        client.sync()
    assert talk(clients[who], line) == answers
    assert clients["bea" if who == "ana" else "ana"].sync_lines() == []


def test_of_several_modes_a_refused_one_stops_none(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    assert talk(ana, "MODE #a +oxo-n nobody bea") == [
        ":ana!~ana@127.0.0.1 MODE #a -n+o bea",
        "401 ana nobody :No such nick/channel",
        "472 ana x :is unknown mode char to me",
    ]
    assert bea.sync_lines() == [":ana!~ana@127.0.0.1 MODE #a -n+o bea"]


def test_one_line_changes_as_many_operators_as_is_promised_and_always_fits(server: RunningServer) -> None:
    room, long = "#" + "☕" * 21, "x" * 29
    ana = server.irc("ana", room)
    for digit in range(5):
        server.irc(f"{long}{digit}", room)
    ana.sync()
    (told,) = talk(ana, f"MODE {room} +ooooo " + " ".join(f"{long}{digit}" for digit in range(5)))
    assert told.endswith(f" +oooo {long}0 {long}1 {long}2 {long}3")


def test_an_operator_may_step_down_and_raise_nobody_then(server: RunningServer) -> None:
    ana = server.irc("ana", "#a")
    assert talk(ana, "MODE #a -o ana", "MODE #a +o ana") == [
        ":ana!~ana@127.0.0.1 MODE #a -o ana",
        "482 ana #a :You're not channel operator",
    ]


# NAMES


def test_names_are_for_everybody_and_a_room_that_is_not_there_has_none(server: RunningServer) -> None:
    server.irc("ana", "#a")
    bea = server.irc("bea")
    assert talk(bea, "NAMES #A,#no,bad,#a,#a") == [
        "353 bea = #a :@ana",
        "366 bea #a :End of /NAMES list",
        "366 bea #no :End of /NAMES list",
        "366 bea bad :End of /NAMES list",
    ]
    assert talk(bea, "NAMES") == ["366 bea * :End of /NAMES list"]


def test_with_userhost_in_names_they_are_whole_masks(server: RunningServer) -> None:
    server.irc("ana", "#a")
    bea = server.irc("bea", caps="userhost-in-names multi-prefix")
    assert talk(bea, "NAMES #a")[0] == "353 bea = #a :@ana!~ana@127.0.0.1"


def test_the_invisible_are_named_to_members_alone(server: RunningServer) -> None:
    ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl")
    talk(ana, "MODE ana +i")
    assert talk(carl, "NAMES #a")[0] == "353 carl = #a :bea"
    assert talk(bea, "NAMES #a")[0] == "353 bea = #a :@ana bea"
    talk(bea, "MODE bea +i")
    assert talk(carl, "NAMES #a") == ["366 carl #a :End of /NAMES list"]


# LIST


def test_rooms_are_listed_with_members_and_topic(server: RunningServer) -> None:
    ana = server.irc("ana", "#a", "#b")
    server.irc("bea", "#b")
    ana.sync()
    talk(ana, "TOPIC #b :né ☕")
    rooms = ["322 ana #a 1 :", "322 ana #b 2 :né ☕"]
    assert talk(ana, "LIST") == [*rooms, "323 ana :End of /LIST"]
    assert talk(ana, "LIST #B") == [rooms[1], "323 ana :End of /LIST"]
    assert talk(ana, "LIST #b,#no,#a") == [*reversed(rooms), "323 ana :End of /LIST"]
    assert talk(ana, "LIST #no") == ["323 ana :End of /LIST"]
    talk(ana, "PART #a")
    assert talk(ana, "LIST") == [rooms[1], "323 ana :End of /LIST"]
