"""A server process ends, by SIGTERM or `kill -9`, and starts again: those who come back find all as it was."""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from chat.wires.message import Message
from tests.end_to_end.test_stop import client_of, served
from tests.support import IrcClient

CAPS = "batch message-tags server-time echo-message sasl draft/chathistory draft/event-playback"
PASSWORD = "sesame-open"
LISTS = {"b": "368", "e": "349", "I": "347"}  # with the numeric that ends each


@contextmanager
def serving(path: Path, durability: str, ending: signal.Signals) -> Iterator[int]:
    """The port of a server, which gets the signal at the end of the block."""
    options = ["--listen", "irc://127.0.0.1:0", "--log", f"sqlite:{path}", "--durability", durability]
    options += ["--rate-limit", "off", "--cloak", "off", "--admin", "off", "--password-iterations", "4096"]
    with served(*options) as (process, (port,)):
        yield port
        process.send_signal(ending)
        process.communicate()
        assert process.returncode == (0 if ending == signal.SIGTERM else -ending)


@pytest.mark.timeout(180)
def test_without_an_option_the_talk_is_kept_in_the_data_folder_which_one_server_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FANFARE_LOG")
    options = ["--listen", "irc://127.0.0.1:0", "--admin", "off"]
    for turn in range(2):
        with served(*options) as (process, (port,)):
            ana = client_of(port)
            ana.register("ana", "batch draft/chathistory")
            ana.join("#a")
            ana.say("#a", f"word {turn}")
            ana.send("CHATHISTORY LATEST #a * 10")
            ana.expect("BATCH")
            said = [message.params[1] for message in ana.until("BATCH") if message.verb == "PRIVMSG"]
            assert said == [f"word {number}" for number in range(turn + 1)]
            ana.sock.close()
            second = subprocess.run(
                [sys.executable, "-m", "chat.cli", "serve", *options], capture_output=True, text=True
            )
            assert second.returncode == 2
            path = Path(os.environ["FANFARE_DATA_HOME"]) / "log.sqlite"
            helps = "stop that one, or name another file"
            assert second.stderr == f"fanfare: {path} is in use by another server, process {process.pid}: {helps}\n"
            process.send_signal(signal.SIGTERM)
            process.communicate()


@pytest.mark.timeout(180)  # each starts two processes
@pytest.mark.parametrize("durability", ["relaxed", "strict"])
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_who_comes_back_finds_all_as_it_was(tmp_path: Path, durability: str, ending: signal.Signals) -> None:
    with ExitStack() as stack:

        def client(port: int, nick: str) -> IrcClient:
            opened = client_of(port)
            stack.callback(opened.sock.close)
            opened.nick = nick
            return opened

        with serving(tmp_path / "log", durability, ending) as port:
            people = [client(port, nick) for nick in ("ana", "bea", "carl", "dora")]
            ana, bea, carl, dora = people
            for one in people:
                one.register(one.nick, CAPS)
            for one in (ana, bea):
                one.send(f"REGISTER * * {PASSWORD}")
                one.expect("REGISTER")
            seen = live_through(ana, bea, carl, dora)
            between = talk_in_private(ana, bea)
            hush(ana)
            before = facts(ana)
            history(ana, "#plans")  # so it is in the file
        assert not any(word in file.read_bytes() for file in tmp_path.iterdir() for word in (b"hushed", b"whispered"))

        with serving(tmp_path / "log", durability, signal.SIGTERM) as port:
            eve, ana = client(port, "eve"), client(port, "ana")
            eve.register("eve")
            eve.send("JOIN #plans secret")
            assert eve.expect("474").params[1] == "#plans"
            log_in(ana)
            ana.send("JOIN #plans", "JOIN #quiet")
            ana.sync()
            assert facts(ana) == before
            played = [said(message) for message in history(ana, "#plans")]
            assert played[: len(seen)] == [said(message) for message in seen]
            reason = "Server restarted" if ending == signal.SIGKILL else "Server is shutting down"
            gone = [":".join(part or "" for part in parts[:3]) for parts in played[len(seen) : -1]]
            mask = "{0}!~{0}@127.0.0.1"
            assert sorted(gone) == [f"QUIT:{mask.format(nick)}:{reason}" for nick in ("ana", "bea", "dora")]
            assert played[-1][:3] == ("JOIN", mask.format("ana"), "#plans")
            assert [said(message) for message in history(ana, "bea")] == [said(message) for message in between]
            assert not any("hushed" in message.params for message in history(ana, "#quiet"))


def live_through(ana: IrcClient, bea: IrcClient, carl: IrcClient, dora: IrcClient) -> list[Message]:
    """What happened in #plans, as ana saw it."""
    ana.send("JOIN #plans", "TOPIC #plans :about everything", "MODE #plans +mk-t secret")
    ana.send("MODE #plans +b eve", "MODE #plans +e *!*@10.0.0.1", "MODE #plans +I ~a:bea")
    seen = ana.sync()
    for client in (bea, carl, dora):
        client.send("JOIN #plans secret")
        client.sync()
    ana.send("MODE #plans +vvv bea carl dora")
    seen += ana.sync()
    bea.send("PRIVMSG #plans :one", "@+draft/reply=x NOTICE #plans :two \u2615", "TOPIC #plans :about bea")
    bea.sync()
    carl.send("PRIVMSG #plans :three", "NICK karl", "QUIT :tea")
    carl.rest()
    dora.send("PART #plans :for now", "JOIN #plans secret")
    dora.sync()
    ana.send("PRIVMSG #plans :four", "MODE #plans +i")
    seen += ana.sync()
    return [message for message in seen if message.tag("msgid")]


def talk_in_private(ana: IrcClient, bea: IrcClient) -> list[Message]:
    """What two accounts have said to each other."""
    ana.say("bea", "are you there?")
    seen = ana.sync()
    bea.say("ana", "I am")
    bea.sync()
    return seen + ana.sync()


def hush(ana: IrcClient) -> None:
    """Talk in a room that keeps nothing, and to somebody who has no account."""
    ana.send("JOIN #quiet", "MODE #quiet +E", "PRIVMSG #quiet :hushed", "PRIVMSG dora :whispered")
    ana.sync()


def facts(ana: IrcClient) -> list[list[str]]:
    """A room's topic with who set it and when, its modes, creation and lists."""
    ana.send("TOPIC #plans", "MODE #plans", *(f"MODE #plans {letter}" for letter in LISTS), "MODE #quiet")
    return [message.params for message in ana.sync() if message.verb.isdigit()]


def log_in(client: IrcClient) -> None:
    """Register with the account of that name."""
    data = base64.b64encode(f"\0{client.nick}\0{PASSWORD}".encode()).decode()
    client.send(f"CAP REQ :{CAPS}", f"NICK {client.nick}", f"USER {client.nick} 0 * :x", "AUTHENTICATE PLAIN")
    client.expect("AUTHENTICATE")
    client.send(f"AUTHENTICATE {data}")
    client.expect("903")
    client.send("CAP END")
    client.until("422")


def history(client: IrcClient, target: str) -> list[Message]:
    client.send(f"CHATHISTORY LATEST {target} * 100")
    client.until("BATCH")
    return client.until("BATCH")[:-1]


def said(message: Message) -> Sequence[str | None]:
    """What somebody reads of it. A mode change is played back as it was asked for."""
    params = message.params[:1] if message.verb == "MODE" else message.params
    return (
        message.verb,
        message.source,
        *params,
        message.tag("msgid"),
        message.tag("time"),
        message.tag("+draft/reply"),
    )
