"""What the server says about itself, and that whatever it answers is a line that IRC allows."""


import pytest

from chat.wires.irc import LINE_BYTES
from tests.support import RunningServer


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("NICK :not a nick", "432 ana * :Erroneous nickname"),
        ("NICK ::x", "432 ana * :Erroneous nickname"),
        ("JOIN :#a b", "476 ana * :Bad Channel Mask"),
        ("PART :#a b", "403 ana * :No such channel"),
        ("TOPIC :#a b", "403 ana * :No such channel"),
        ("TOPIC :", "403 ana * :No such channel"),
        ("MODE :a b", "401 ana * :No such nick/channel"),
        ("NAMES :#a b", "366 ana * :End of /NAMES list"),
        ("WHO ::x", "315 ana * :End of WHO list"),
        ("CAP :x y", "410 ana * :Invalid CAP command"),
    ],
)
def test_what_cannot_stand_in_an_answer_is_a_star_there(server: RunningServer, command: str, answer: str) -> None:
    client = server.irc("ana")
    client.send(command)
    assert client.sync_lines() == [f":fanfare.local {answer}"]


@pytest.mark.parametrize(
    "command",
    [
        "x" * 510,
        "PRIVMSG " + "x" * 490 + " :x",
        "JOIN #" + "é" * 250,
        "NAMES " + "#é" * 160,
        "WHO " + "☕" * 160,
        "WHOIS " + "☕" * 160,
        "MODE " + "☕" * 160,
        "CAP REQ :" + "é " * 160,
        "PING " + "x" * 500,
    ],
)
def test_an_answer_that_repeats_what_was_sent_is_cut_to_512_bytes(server: RunningServer, command: str) -> None:
    client = server.irc("ana")
    client.send(command)
    lines = client.sync_lines()
    assert lines
    assert all(len(line.encode()) + 2 <= LINE_BYTES for line in lines)  # as UTF-8, which reading them has proved
    assert max(len(line.encode()) for line in lines) > 500
