"""Coming and going: capabilities, nickname, user name, password, the welcome, PING, PONG, QUIT."""

import pytest

from chat.wires.irc import CAPABILITIES
from tests.support import IrcClient, RunningServer

ALL = " ".join(CAPABILITIES)


def talk(client: IrcClient, *lines: str) -> list[str]:
    """Send these lines; what the server answered, without its name in front."""
    client.send(*lines)
    return [line.removeprefix(":fanfare.local ") for line in client.sync_lines()]


# Capabilities


@pytest.mark.parametrize("request_", ["CAP LS", "CAP LS 302", "CAP LS 307", "cap ls 302"])
def test_the_capabilities_are_listed_in_one_line_without_values(server: RunningServer, request_: str) -> None:
    assert talk(server.raw(), request_) == [f"CAP * LS :{ALL}"]


def test_the_capabilities_are_those_that_are_promised() -> None:
    assert set(CAPABILITIES) == {
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
    assert talk(client, "CAP REQ -cap-notify", "CAP LS", "CAP LIST") == [
        "CAP * NAK -cap-notify",
        f"CAP * LS :{ALL}",
        "CAP * LIST cap-notify",
    ]
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
    client = server.irc("ana", caps=ALL)
    assert client.sync() == []
    assert talk(client, "CAP LIST") == [f"CAP ana LIST :{ALL}"]


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
    assert talk(client, "NICK ana", "CAP LS", "USER a 0 * :Ana") == [f"CAP ana LS :{ALL}"]
    assert talk(client, "CAP END")[0].startswith("001 ana ")


def test_listing_or_ending_holds_nothing_back_and_ending_later_does_nothing(server: RunningServer) -> None:
    client = server.raw()
    assert talk(client, "CAP END", "CAP LIST", "NICK ana") == ["CAP * LIST :"]
    assert talk(client, "USER a 0 * :Ana")[0].startswith("001 ana ")
    assert talk(client, "CAP END", "CAP LS 302", "CAP END") == [f"CAP ana LS :{ALL}"]
    assert talk(client, "JOIN #a")[0].endswith(" JOIN #a")
