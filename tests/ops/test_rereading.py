"""The configuration is read again while the server runs, by a signal and by an operator."""

import socket
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from signal import Signals

from chat.configuration import load
from chat.errors import SetupError
from chat.server.accounts import operator_hash
from chat.server.ops.rereading import read_again
from chat.settings import Settings
from tests.ops.serving import IRC, serving
from tests.support import PATIENCE, IrcClient, running_server


def test_what_can_change_does_and_the_rest_is_named() -> None:
    before = Settings(motd="old", name="here")
    after, told = read_again(lambda: Settings(motd="new", exempt=("10.0.0.0/8",), name="there"), before)
    assert (after.motd, after.exempt, after.name) == ("new", ("10.0.0.0/8",), "here")
    assert told == "changed: exempt, motd; a restart is what name takes"
    assert read_again(lambda: before, before) == (before, "no setting has changed")


def test_a_broken_configuration_changes_nothing() -> None:
    def broken() -> Settings:
        raise SetupError("fanfare.toml: it is not UTF-8")

    before = Settings()
    assert read_again(broken, before) == (before, "the settings stay as they are: fanfare.toml: it is not UTF-8")


def test_sighup_reads_it_again_and_drops_nobody(tmp_path: Path) -> None:
    config = tmp_path / "fanfare.toml"
    config.write_text('motd = "old"\n')
    with serving(*IRC, "--config", str(config)) as server, ExitStack() as clients:
        sock = clients.enter_context(socket.create_connection(("127.0.0.1", server.port()), PATIENCE))
        ana = IrcClient(sock)
        ana.register("ana")
        config.write_text('motd = "new"\n')
        server.signal(Signals.SIGHUP)
        assert server.log_line("configuration read again").endswith("changed: motd\n")
        ana.send("MOTD")
        assert ana.expect("372").params[-1] == "- new"


def test_an_operator_rehashes(tmp_path: Path) -> None:
    config = tmp_path / "fanfare.toml"
    config.write_text('motd = "new"\n')
    hash_ = operator_hash.make("correct horse")
    with running_server(operators=(f"boss:{hash_}",)) as server:
        running = server.server.settings
        server.server._load = lambda: replace(running, motd=load({}, str(config), {}).motd)
        ana = server.irc("ana")
        ana.send("OPER boss :correct horse", "REHASH", "MOTD")
        assert ana.expect("382").params[1] == "settings"
        assert ana.expect("NOTICE").params[-1] == "changed: motd"
        assert ana.expect("372").params[-1] == "- new"
