"""`fanfare admin ban`, `kill`, `wallops`, `whowas` and `hash-password`, beside a running server and on its log."""

import io
import json
from dataclasses import replace

import pytest

from chat import cli
from chat.errors import SetupError
from chat.server.accounts import operator_hash
from chat.settings import Settings
from tests.ops.test_admin_command import admin, log
from tests.support import running_server

__all__ = ["log"]  # a fixture


def bans(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    capsys.readouterr()
    assert admin("ban", "list", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(row["ban"], row["reason"]) for row in rows]


def test_a_ban_from_the_shell_ends_whom_it_fits_and_survives_the_server(
    log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_server(log=log, admin="") as server:
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        assert admin("ban", "add", "*bob@*", "--for", "1d", "--reason", "no ads") == 0
        assert bob.rest()[-1] == "ERROR :Closing link: Banned: no ads"
        assert ana.expect("QUIT").params == ["Banned: no ads"]
        assert bans(capsys) == [("*bob@*", "no ads")]
    assert bans(capsys) == [("*bob@*", "no ads")]
    assert admin("ban", "add", "192.0.2.0/24") == 0  # on the log, while no server runs
    with running_server(log=log, admin="") as server:
        bob = server.raw()
        bob.send("NICK bob", "USER bob 0 * :bob")
        assert "465" in bob.rest()[0]
        assert bans(capsys) == [("*bob@*", "no ads"), ("192.0.2.0/24", "no reason given")]
        assert admin("ban", "remove", "*bob@*") == 0
        server.irc("bob")


def test_the_configuration_is_read_again_from_the_shell(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(log=log, admin="") as server:
        running = server.server.settings
        server.server._load = lambda: replace(running, motd="new")
        assert admin("rehash", "--json") == 0
        assert json.loads(capsys.readouterr().out) == {"configuration": "changed: motd"}

        def broken() -> Settings:
            raise SetupError("fanfare.toml: it is not UTF-8")

        server.server._load = broken
        assert admin("rehash") == 1
        assert "the settings stay as they are: fanfare.toml: it is not UTF-8" in capsys.readouterr().err
        ana = server.irc("ana")
        ana.send("MOTD")
        assert ana.expect("372").params[-1] == "- new"
    assert admin("rehash") == 1
    assert "no server runs here" in capsys.readouterr().err


def test_somebody_is_killed_from_the_shell(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(log=log, admin="") as server:
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        assert admin("kill", "bob", "--reason", "ads") == 0
        assert ana.expect("QUIT").params == ["Killed (fanfare.local (ads))"]
        assert "Killed (fanfare.local (ads))" in bob.rest()[-1]
        capsys.readouterr()
        assert admin("kill", "bob") == 1
        assert capsys.readouterr().err == "fanfare: bob: No such nick/channel\n"


def test_everybody_who_wants_it_is_told_from_the_shell(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(log=log, admin="") as server:
        ana, bob = server.irc("ana"), server.irc("bob")
        ana.send("MODE ana +w")
        ana.sync()
        assert admin("wallops", "maintenance at ten " + "x" * 300) == 0
        told = ana.expect("WALLOPS")
        assert (told.source, told.params) == ("fanfare.local", ["maintenance at ten " + "x" * 231])
        bob.send("PING x")
        assert bob.read_line() == ":fanfare.local PONG fanfare.local x"
        assert admin("wallops", "two\nlines") == 1
        assert capsys.readouterr().err == "fanfare: text must be a text of one line\n"
    assert admin("wallops", "anybody?") == 1
    assert capsys.readouterr().err == "fanfare: no server runs here: nobody is connected\n"


def test_who_was_here_is_asked_from_the_shell(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(log=log, admin="") as server:
        server.irc("ana").send("NICK zoe", "NICK eve")
        bob = server.irc("bob")
        bob.send("NICK zoe", "QUIT")
        bob.rest()
        assert admin("whowas", "ZOE", "--json") == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(row["nick"], row["realname"], row["address"]) for row in rows] == [
            ("zoe", "bob the tester", "127.0.0.1"),
            ("zoe", "ana the tester", "127.0.0.1"),
        ]
        assert admin("whowas", "carl") == 1
        assert capsys.readouterr().err == "fanfare: carl: There was no such nickname\n"
    assert admin("whowas", "zoe") == 1
    assert "kept in a server's memory alone" in capsys.readouterr().err


def test_operators_are_shown_among_the_users(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(log=log, admin="", operators=(f"root:{operator_hash.make('correct horse')}",)) as server:
        server.irc("ana").send("PING x")
        boss = server.irc("boss")
        boss.send("OPER root :correct horse")
        boss.expect("381")
        assert admin("users", "--json") == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(row["nick"], row["operator"]) for row in rows] == [("ana", None), ("boss", "root")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "*@*"), "the mask fits nearly everybody"),
        (("add", "192.0.2.7", "--for", "soon"), "soon is not a duration"),
        (("remove", "192.0.2.7"), "There is no server ban of 192.0.2.7"),
        (("add", "nobody"), "No such nick"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    log: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    with running_server(log=log, admin=""):
        assert admin("ban", *words) == 1
        assert told in capsys.readouterr().err


def test_a_hash_is_what_operators_takes_and_proves_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert admin("hash-password", "--password-stdin") == 0
    text = capsys.readouterr().out.strip()
    assert operator_hash.proves("correct horse", text)
    assert not operator_hash.proves("wrong", text)
    with running_server(operators=(f"boss:{text}",)) as server:
        ana = server.irc("ana")
        ana.send("OPER boss :correct horse")
        ana.expect("381")
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert cli.main(["admin", "hash-password", "--password-stdin"]) == 2
    assert capsys.readouterr().err == "fanfare: the password has 5 characters, the least is 8\n"
