"""Coming and going: capabilities, nickname, user name, password, the welcome, PING, PONG, QUIT."""

import pytest

from chat import __version__
from chat.wires.irc import CAPABILITIES, REGISTRATION_CAPABILITY
from tests.support import IrcClient, RunningServer, running_server

ALL = [*CAPABILITIES, REGISTRATION_CAPABILITY]
VALUES = {"sasl": "=PLAIN,SCRAM-SHA-256", REGISTRATION_CAPABILITY: "=before-connect,custom-account-name"}
WITH_VALUES = [name + VALUES.get(name, "") for name in ALL]


def talk(client: IrcClient, *lines: str) -> list[str]:
    """Send these lines; what the server answered, without its name in front."""
    client.send(*lines)
    return [line.removeprefix(":fanfare.local ") for line in client.sync_lines()]


# Capabilities


def listed(lines: list[str]) -> list[str]:
    """The capabilities that these lines list; all but the last say that more come."""
    assert all(line.startswith("CAP * LS * :") for line in lines[:-1])
    assert all(len(line) <= 480 for line in lines)
    return " ".join(line.removeprefix("CAP * LS ").removeprefix("* ").removeprefix(":") for line in lines).split()


@pytest.mark.parametrize("request_", ["CAP LS 302", "CAP LS 307", "cap ls 302"])
def test_the_capabilities_are_listed_with_their_values(server: RunningServer, request_: str) -> None:
    assert listed(talk(server.raw(), request_)) == WITH_VALUES


def test_older_clients_get_them_in_one_line_without_values(server: RunningServer) -> None:
    assert talk(server.raw(), "CAP LS") == [f"CAP * LS :{' '.join(ALL)}"]


def test_the_capabilities_are_those_that_are_promised() -> None:
    assert set(CAPABILITIES) == {
        "account-notify", "account-tag", "extended-join", "extended-monitor", "sasl", "standard-replies",
        "draft/read-marker", "invite-notify",
        "message-tags", "server-time", "echo-message", "multi-prefix", "userhost-in-names",
        "away-notify", "setname", "cap-notify", "batch", "labeled-response",
    }  # fmt: skip


def test_no_capability_is_on_at_first(server: RunningServer) -> None:
    assert talk(server.raw(), "CAP LIST") == ["CAP * LIST :"]


def test_version_302_implies_cap_notify_for_good(server: RunningServer) -> None:
    client = server.raw()
    client.send("CAP LS 302")
    client.expect("CAP")
    assert talk(client, "CAP LIST") == ["CAP * LIST cap-notify"]
    answers = talk(client, "CAP REQ -cap-notify", "CAP LS", "CAP LIST")
    assert (answers[0], answers[-1]) == ("CAP * NAK -cap-notify", "CAP * LIST cap-notify")
    assert listed(answers[1:-1]) == WITH_VALUES
    assert talk(client, "CAP REQ cap-notify") == ["CAP * ACK cap-notify"]


def test_a_client_of_an_older_version_may_switch_cap_notify_off(server: RunningServer) -> None:
    client = server.raw()
    assert talk(client, "CAP LS 301", "CAP REQ cap-notify", "CAP REQ -cap-notify", "CAP LIST")[1:] == [
        "CAP * ACK cap-notify",
        "CAP * ACK -cap-notify",
        "CAP * LIST :",
    ]


def test_a_request_is_granted_as_a_whole_or_not_at_all(server: RunningServer) -> None:
    client = server.raw()
    assert talk(client, "CAP REQ :batch no-such server-time", "CAP LIST") == [
        "CAP * NAK :batch no-such server-time",
        "CAP * LIST :",
    ]
    assert talk(client, "CAP REQ :server-time batch", "CAP LIST") == [
        "CAP * ACK :server-time batch",
        "CAP * LIST :batch server-time",
    ]
    assert talk(client, "CAP REQ :-server-time -no-such", "CAP REQ :BATCH", "CAP LIST") == [
        "CAP * NAK :-server-time -no-such",
        "CAP * NAK BATCH",  # the names are case-sensitive
        "CAP * LIST :batch server-time",
    ]
    assert talk(client, "CAP REQ :-server-time -setname batch", "CAP LIST") == [
        "CAP * ACK :-server-time -setname batch",
        "CAP * LIST batch",
    ]
    assert talk(client, "CAP REQ :") == ["CAP * ACK :"]


def test_the_whole_offer_can_be_taken(server: RunningServer) -> None:
    client = server.irc("ana", caps=" ".join(CAPABILITIES))
    assert client.sync() == []
    assert talk(client, "CAP LIST") == [f"CAP ana LIST :{' '.join(CAPABILITIES)}"]


def test_capabilities_change_what_comes_from_then_on(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    bea.say("#a", "one")
    bea.sync()
    assert [message.tags for message in ana.sync()] == [""]
    assert talk(ana, "CAP REQ server-time") == ["CAP ana ACK server-time"]
    bea.say("#a", "two")
    bea.sync()
    assert [message.tag("time") is not None for message in ana.sync()] == [True]
    assert talk(ana, "CAP REQ -server-time") == ["CAP ana ACK -server-time"]
    bea.say("#a", "three")
    bea.sync()
    assert [message.tags for message in ana.sync()] == [""]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("CAP FOO", "410 * FOO :Invalid CAP command"),
        ("CAP ACK :batch", "410 * ACK :Invalid CAP command"),
        ("CAP :", "410 * * :Invalid CAP command"),
        ("CAP", "461 * CAP :Not enough parameters"),
    ],
)
def test_an_invalid_cap_command_is_refused(server: RunningServer, line: str, answer: str) -> None:
    assert talk(server.raw(), line) == [answer]


@pytest.mark.parametrize("opening", ["CAP LS 302", "CAP REQ batch", "CAP REQ no-such"])
def test_negotiating_holds_registration_back_until_cap_end(server: RunningServer, opening: str) -> None:
    client = server.raw()
    assert len(talk(client, opening, "NICK ana", "USER a 0 * :Ana")) == 1
    client.send("CAP END")
    assert client.read_line() == ":fanfare.local 001 ana :Welcome to the Fanfare network, ana!~a@127.0.0.1"


def test_negotiating_late_holds_registration_back_as_well(server: RunningServer) -> None:
    client = server.raw()
    assert talk(client, "NICK ana", "CAP LS", "USER a 0 * :Ana") == [f"CAP ana LS :{' '.join(ALL)}"]
    assert talk(client, "CAP END")[0].startswith("001 ana ")


def test_listing_or_ending_holds_nothing_back_and_ending_later_does_nothing(server: RunningServer) -> None:
    client = server.raw()
    assert talk(client, "CAP END", "CAP LIST", "NICK ana") == ["CAP * LIST :"]
    assert talk(client, "USER a 0 * :Ana")[0].startswith("001 ana ")
    assert talk(client, "CAP END", "CAP LS", "CAP END") == [f"CAP ana LS :{' '.join(ALL)}"]
    assert talk(client, "JOIN #a")[0].endswith(" JOIN #a")


# Names


def test_the_welcome_comes_in_the_order_that_programs_wait_for(server: RunningServer) -> None:
    seen = server.raw().register("Ana")
    assert [message.verb for message in seen] == [
        "001", "002", "003", "004", "005", "005", "005", "251", "252", "254", "255", "265", "266", "422",
    ]  # fmt: skip
    assert all(message.source == "fanfare.local" and message.params[0] == "Ana" for message in seen)
    assert seen[0].params[1:] == ["Welcome to the Fanfare network, Ana!~Ana@127.0.0.1"]
    assert seen[1].params[1:] == [f"Your host is fanfare.local, running version fanfare-{__version__}"]


def test_nick_and_user_may_come_in_either_order(server: RunningServer) -> None:
    client = server.raw()
    assert talk(client, "USER ana 0 * :Ana") == []
    assert talk(client, "NICK ana")[0].startswith("001 ana ")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("ana", "~ana"),
        ("ninechars", "~ninechars"),
        ("tenletters", "~tenletter"),  # USERLEN counts the tilde
        ("a.b-c_1", "~a.b-c_1"),
        ("a!b@c", "~abc"),  # what would make the mask ambiguous
        ("á:n", "~n"),
        ("☕", "~user"),
    ],
)
def test_the_user_name_is_what_a_mask_can_hold_of_the_one_sent(server: RunningServer, sent: str, name: str) -> None:
    client = server.raw()
    assert talk(client, "NICK ana", f"USER {sent} 0 * :Ana")[0].endswith(f", ana!{name}@127.0.0.1")


@pytest.mark.parametrize("line", ["USER", "USER a", "USER a 0 *", "USER a 0 * :"])
def test_user_without_all_its_parameters_is_refused_and_may_be_sent_again(server: RunningServer, line: str) -> None:
    client = server.raw()
    assert talk(client, "NICK ana", line) == ["461 ana USER :Not enough parameters"]
    assert talk(client, "USER a 0 * :Ana")[0].startswith("001 ")


def test_user_counts_once(server: RunningServer) -> None:
    client = server.raw()
    assert talk(client, "USER a 0 * :Ana", "USER b 0 * :Ana") == ["462 * :You may not reregister"]
    assert talk(client, "NICK ana")[0].endswith("ana!~a@127.0.0.1")
    assert talk(client, "USER b 0 * :Ana") == ["462 ana :You may not reregister"]


@pytest.mark.parametrize("line", ["NICK", "NICK :"])
def test_nick_without_a_name_is_told_so(server: RunningServer, line: str) -> None:
    client = server.raw()
    assert talk(client, line) == ["431 * :No nickname given"]
    client.register("ana")
    assert talk(client, line) == ["431 ana :No nickname given"]


@pytest.mark.parametrize("nick", ["1ana", "-ana", "a.b", "a!b", "#ana", "*", "á", "x" * 31, "\x01", "a~"])
def test_an_erroneous_nickname_is_refused_and_the_old_one_stays(server: RunningServer, nick: str) -> None:
    client = server.raw()
    assert talk(client, f"NICK {nick}") == [f"432 * {nick} :Erroneous nickname"]
    client.register("ana")
    assert talk(client, f"NICK {nick}") == [f"432 ana {nick} :Erroneous nickname"]
    assert talk(client, "PRIVMSG ana :me") == [":ana!~ana@127.0.0.1 PRIVMSG ana :me"]


@pytest.mark.parametrize("nick", ["a", "x" * 30, "a1-", "[]\\`_^{|}", "{ana}"])
def test_any_letters_of_the_standard_make_a_nickname(server: RunningServer, nick: str) -> None:
    assert server.raw().register(nick)[0].params[0] == nick


@pytest.mark.parametrize("nick", ["ana", "ANA"])
def test_a_nickname_in_use_is_refused_and_another_may_be_tried(server: RunningServer, nick: str) -> None:
    server.irc("ana")
    client = server.raw()
    assert talk(client, f"NICK {nick}", "USER b 0 * :Bea") == [f"433 * {nick} :Nickname is already in use"]
    assert talk(client, f"NICK {nick}_")[0].startswith(f"001 {nick}_ ")
    assert talk(client, f"NICK {nick}") == [f"433 {nick}_ {nick} :Nickname is already in use"]


@pytest.mark.parametrize("nick", ["Server", "SERVER2", "_server_"])
def test_nobody_is_called_as_the_server_is(server: RunningServer, nick: str) -> None:
    client = server.raw()
    assert talk(client, f"NICK {nick}", "USER b 0 * :Bea") == [f"432 * {nick} :Erroneous nickname"]
    assert talk(client, "NICK bea")[0].startswith("001 bea ")


def test_of_two_that_want_one_nickname_the_first_to_complete_registration_has_it(server: RunningServer) -> None:
    first, second = server.raw(), server.raw()
    assert talk(first, "NICK ana") == []
    assert talk(second, "NICK Ana", "USER b 0 * :Bea")[0].startswith("001 Ana ")
    assert talk(first, "USER a 0 * :Ana") == ["433 * ana :Nickname is already in use"]
    assert talk(first, "NICK anna")[0].startswith("001 anna ")


def test_a_nickname_is_free_again_when_its_holder_goes_or_renames(server: RunningServer) -> None:
    ana = server.irc("ana")
    assert talk(ana, "NICK anna") == [":ana!~ana@127.0.0.1 NICK anna"]
    bea = server.irc("ana")
    bea.send("QUIT")
    assert bea.rest() == ["ERROR :Closing link: Quit: "]
    carl = server.raw()
    assert talk(carl, "NICK ANA") == []
    carl.send("QUIT")
    carl.rest()
    server.irc("aNa")


def test_only_the_case_of_a_nickname_may_change(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
    ana.sync()
    assert talk(ana, "NICK Ana") == [":ana!~ana@127.0.0.1 NICK Ana"]
    assert bea.sync_lines() == [":ana!~ana@127.0.0.1 NICK Ana"]
    assert talk(ana, "NICK Ana") == []
    assert bea.sync_lines() == []
    assert talk(bea, "PRIVMSG aNA :x") == []
    assert ana.sync_lines() == [":bea!~bea@127.0.0.1 PRIVMSG Ana :x"]


def test_a_new_nickname_is_told_once_to_each_who_shares_a_room(server: RunningServer) -> None:
    ana, bea, carl = server.irc("ana", "#a", "#b"), server.irc("bea", "#a", "#b"), server.irc("carl", "#c")
    ana.sync()
    assert talk(ana, "NICK zoe") == [":ana!~ana@127.0.0.1 NICK zoe"]
    assert bea.sync_lines() == [":ana!~ana@127.0.0.1 NICK zoe"]
    assert carl.sync_lines() == []
    bea.say("#a", "hi")
    bea.sync()
    assert ana.sync_lines() == [":bea!~bea@127.0.0.1 PRIVMSG #a :hi"]


@pytest.mark.parametrize(
    "line",
    [
        "JOIN #a", "PART #a", "PRIVMSG ana :x", "NOTICE ana :x", "TAGMSG ana", "NAMES #a", "WHO ana", "WHOIS ana",
        "TOPIC #a", "LIST", "MODE #a", "INVITE ana #a", "KICK #a ana", "AWAY", "MOTD", "LUSERS", "VERSION", "TIME",
        "SETNAME x", "JOIN",
    ],
)  # fmt: skip
def test_nothing_but_registering_is_possible_before(server: RunningServer, line: str) -> None:
    assert talk(server.raw(), line) == ["451 * :You have not registered"]


@pytest.mark.parametrize("line", ["FOO", "foo bar :baz", "SUMMON ana", "001 x", "JOıN #a"])
def test_an_unknown_command_is_named_in_the_refusal(server: RunningServer, line: str) -> None:
    verb = line.split()[0]
    verb = verb.upper() if verb.isascii() else verb
    client = server.raw()
    assert talk(client, line) == [f"421 * {verb} :Unknown command"]
    client.register("ana")
    assert talk(client, line) == [f"421 ana {verb} :Unknown command"]


@pytest.mark.parametrize(
    "line", ["JOIN", "PART", "TOPIC", "MODE", "KICK", "KICK #a", "PING", "PASS", "SETNAME", "CAP", "USER"]
)
def test_missing_parameters_are_told_with_the_command(server: RunningServer, line: str) -> None:
    client = server.irc("ana", "#a")
    assert talk(client, line) == [f"461 ana {line.split()[0]} :Not enough parameters"]


@pytest.mark.parametrize("token", ["x", ":two words", "::)", ":"])
def test_a_ping_is_answered_with_its_token_at_any_time(server: RunningServer, token: str) -> None:
    client = server.raw()
    client.send(f"PING {token}")
    assert client.expect("PONG").params == ["fanfare.local", token.removeprefix(":")]
    client.register("ana")
    client.send(f"PING {token}")
    assert client.expect("PONG").params == ["fanfare.local", token.removeprefix(":")]


def test_a_pong_is_never_answered(server: RunningServer) -> None:
    assert talk(server.raw(), "PONG", "PONG x", "PONG fanfare.local :x") == []


# The password


def test_the_right_password_lets_in_and_of_several_the_last_counts() -> None:
    with running_server(password="open sesame") as server:
        client = server.raw()
        assert talk(client, "PASS wrong", "PASS :open sesame", "NICK ana", "USER a 0 * :Ana")[0].startswith("001 ")
        assert talk(client, "PASS x") == ["462 ana :You may not reregister"]


@pytest.mark.parametrize("sent", [(), ("PASS wrong",), ("PASS :",), ("PASS :Open Sesame",), ("PASS é",)])
def test_a_wrong_password_is_refused_and_the_connection_closed(sent: tuple[str, ...]) -> None:
    with running_server(password="open sesame") as server:
        client = server.raw()
        client.send(*sent, "NICK ana", "USER a 0 * :Ana", "PASS :open sesame", "NICK bea", "JOIN #a")
        assert client.rest() == [
            ":fanfare.local 464 ana :Password incorrect",
            "ERROR :Closing link: Password incorrect",
        ]
        client = server.raw()
        assert talk(client, "PASS :open sesame", "NICK ana", "USER a 0 * :Ana")[0].startswith("001 ")


def test_where_none_is_asked_for_any_password_will_do(server: RunningServer) -> None:
    assert talk(server.raw(), "PASS x", "NICK ana", "USER a 0 * :Ana")[0].startswith("001 ")


# Going


@pytest.mark.parametrize(
    ("line", "reason"),
    [("QUIT :gone to lunch", "Quit: gone to lunch"), ("QUIT", "Quit: "), ("QUIT :", "Quit: "), ("QUIT x", "Quit: x")],
)
def test_quit_tells_the_reason_and_closes(server: RunningServer, line: str, reason: str) -> None:
    ana, bea = server.irc("ana", "#a", "#b"), server.irc("bea", "#a", "#b")
    ana.sync()
    ana.send(line, "PRIVMSG #a :not any more")
    assert ana.rest() == [f"ERROR :Closing link: {reason}"]
    assert bea.sync_lines() == [f":ana!~ana@127.0.0.1 QUIT :{reason}"]


def test_quit_is_possible_before_registration(server: RunningServer) -> None:
    client = server.raw()
    client.send("NICK ana", "QUIT :changed my mind")
    assert client.rest() == ["ERROR :Closing link: Quit: changed my mind"]
