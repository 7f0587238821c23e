"""What two accounts have said to each other: it is kept, and shown to them. Other private words leave no trace."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asking import ask_as
from tests.commands.test_history import CAPS, asked, texts
from tests.disk.test_sqlite import MODES, keeping, rows
from tests.support import IrcClient, RunningServer

PASSWORD = "sesame-open"


def logged_in(server: RunningServer, nick: str, account: str = "", register: bool = True) -> IrcClient:
    client = server.irc(nick + ("" if register else "_"), caps=f"{CAPS} sasl")
    if register:
        client.send(f"REGISTER {account or '*'} * {PASSWORD}")
        assert client.expect("REGISTER").params[0] == "SUCCESS"
        client.sync()
    else:
        data = base64.b64encode(f"\0{account or nick}\0{PASSWORD}".encode()).decode()
        client.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {data}")
        client.expect("903")
    return client


def talk(one: IrcClient, other: IrcClient, *words: str) -> None:
    """They say the words in turn."""
    for index, word in enumerate(words):
        speaker, hearer = (one, other) if index % 2 == 0 else (other, one)
        speaker.say(hearer.nick, word)
        while hearer.expect("PRIVMSG").params[1] != word:
            pass  # the echo of its own words
    one.sync(), other.sync()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with keeping(tmp_path / "log", password_iterations=4096, registrations_per_address=10) as running:
        yield running


@MODES
def test_private_words_of_accounts_are_read_by_both_and_after_a_restart(tmp_path: Path, durability: str) -> None:
    settings = {"password_iterations": 4096, "registrations_per_address": 10}
    with keeping(tmp_path / "log", durability, **settings) as server:
        ana, bea = logged_in(server, "ana"), logged_in(server, "bea")
        talk(ana, bea, "one", "two", "three")
        for client, other in ((ana, "bea"), (bea, "ANA")):
            lines = asked(client, f"LATEST {other} * 10")
            assert [(line.nick, line.params) for line in lines] == [
                ("ana", ["bea", "one"]),
                ("bea", ["ana", "two"]),
                ("ana", ["bea", "three"]),
            ]
            assert all(line.tag("msgid") for line in lines)
    for _ in range(2):
        with keeping(tmp_path / "log", durability, **settings) as server:
            ana = logged_in(server, "ana", register=False)
            assert texts(ana, "LATEST bea * 2") == ["two", "three"]
            (bea_talk,) = asked(ana, "TARGETS timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 9")
            assert bea_talk.params[:2] == ["TARGETS", "bea"]


@MODES
def test_private_words_of_who_has_no_account_never_touch_the_disk(tmp_path: Path, durability: str) -> None:
    with keeping(tmp_path / "log", durability, password_iterations=4096) as server:
        ana, bea = logged_in(server, "ana"), server.irc("bea")
        talk(ana, bea, "secret-one", "secret-two")
        ana.send("NOTICE bea :secret-three")
        bea.expect("NOTICE")
        ana.send("CHATHISTORY LATEST bea * 10")
        assert ana.expect("BATCH").params[1] == "chathistory"
        assert ana.expect("BATCH")
        bea.send("CHATHISTORY LATEST ana * 10")
        assert bea.expect("FAIL").params[1] == "INVALID_TARGET"
        copy = b"".join(file.read_bytes() for file in tmp_path.glob("log*"))
    assert b"secret" not in copy
    assert b"secret" not in b"".join(file.read_bytes() for file in tmp_path.glob("log*"))


def test_nobody_else_reads_them_and_a_new_account_of_the_name_does_not_either(server: RunningServer) -> None:
    ana, bea, carl = logged_in(server, "ana"), logged_in(server, "bea"), logged_in(server, "carl")
    talk(ana, bea, "one", "two")
    assert texts(carl, "LATEST ana * 10") == []
    assert texts(carl, "LATEST bea * 10") == []
    state = server.server.loop.node.state
    node = server.server.loop.node

    def drop_and_register() -> None:
        client = next(iter(server.server.loop.connections))
        from chat.wires.message import parse

        node.ask(client, parse(":fanfare.local DROP ana"))
        node.ask(client, parse(":fanfare.local REGISTER ana x"))
        ask_as(node, client, parse(f":{state.get_user('carl').mask} ACCOUNT ana"))

    server.server.loop.mailbox.post(drop_and_register)
    carl.sync()
    carl.sync()
    assert state.get_user("carl").account == "ana"
    assert texts(carl, "LATEST bea * 10") == []
    assert asked(carl, "TARGETS timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 9") == []


def test_an_account_is_found_under_any_nickname_that_is_logged_in_to_it(server: RunningServer) -> None:
    ana, bea = logged_in(server, "ana"), logged_in(server, "bea", account="work")
    talk(ana, bea, "one")
    assert texts(ana, "LATEST bea * 10") == ["one"]
    bea.send("QUIT")
    bea.rest()
    ana.sync()
    assert texts(ana, "LATEST work * 10") == ["one"]
    assert texts(ana, "LATEST bea * 10") == []


def test_the_batch_has_the_name_of_whom_it_is_about_as_they_call_themselves(server: RunningServer) -> None:
    ana, _ = logged_in(server, "ana"), logged_in(server, "Bea", account="work")
    for asked_for, called in (("bEA", "Bea"), ("WORK", "work")):
        ana.send(f"CHATHISTORY LATEST {asked_for} * 10")
        assert ana.expect("BATCH").params[1:] == ["chathistory", called]
        ana.expect("BATCH")


def test_targets_lists_rooms_and_people_by_the_time_of_their_newest_words(server: RunningServer) -> None:
    ana, bea, carl = logged_in(server, "ana"), logged_in(server, "bea"), logged_in(server, "carl")
    ana.join("#a")
    talk(ana, bea, "one", "two")
    ana.say("#a", "hello")
    ana.sync()
    talk(carl, ana, "three")
    talk(ana, ana, "to myself")
    question = "TARGETS timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z"
    assert [line.params[1] for line in asked(ana, f"{question} 9")] == ["bea", "#a", "carl", "ana"]
    assert [line.params[1] for line in asked(bea, f"{question} 9")] == ["ana"]
    assert [line.params[1] for line in asked(ana, f"{question} 2")] == ["bea", "#a"]
    backwards = "TARGETS timestamp=2100-01-01T00:00:00.000Z timestamp=2000-01-01T00:00:00.000Z"
    assert [line.params[1] for line in asked(ana, f"{backwards} 2")] == ["carl", "ana"]


def test_both_sides_words_go_with_age_and_purge_and_come_back_with_import(tmp_path: Path) -> None:
    from chat.server.disk import admin

    path = tmp_path / "log"
    with keeping(path, password_iterations=4096) as server:
        ana, bea = logged_in(server, "ana"), logged_in(server, "bea")
        talk(ana, bea, "one", "two")
    exported = [line for line in admin.export(path) if "PRIVMSG" in line]
    assert ['"rooms": ["ana bea", "bea ana"]' in line for line in exported] == [True, True]
    assert admin.purge(path, "", "ana", None) >= 1
    assert [line for (line,) in rows(path, "SELECT line FROM entry WHERE said")] == [
        ":bea!~bea@127.0.0.1 PRIVMSG ana two"
    ]
    admin.load(path, exported)
    assert rows(path, "SELECT count(*) FROM place WHERE room IN ('ana bea', 'bea ana') AND NOT said") == [(4,)]
