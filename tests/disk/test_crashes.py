"""`kill -9` at random moments under load: what anybody saw with strict is there; with relaxed, an unbroken beginning.

Each in the same order, once, with the same msgid.
"""

import os
import random
import select
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chat.wires.message import parse
from tests.support import PATIENCE, IrcClient

KILLS = 25  # of each kind
SPEAKERS = 3
AT_ONCE = 40  # words that a speaker sends in one go
MOST_SEEN = {"relaxed": 6_000, "strict": 200}  # words until the kill; so many take less than a second


@contextmanager
def crashing(path: Path, durability: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.disk.crashing", str(path), durability]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        try:
            yield parent
        finally:
            parent.kill()


def started(parent: subprocess.Popen[str]) -> tuple[int, int]:
    """The process and the port of a new server."""
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write("\n")
    parent.stdin.flush()
    pid, port = parent.stdout.readline().split()
    return int(pid), int(port)


def kill(pid: int) -> None:
    """End it at once, and wait until the kernel has taken back what it held; what it has sent still arrives."""
    process = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        select.select([process], [], [])
    finally:
        os.close(process)


def client(port: int, nick: str) -> IrcClient:
    client = IrcClient(socket.create_connection(("127.0.0.1", port), PATIENCE))
    client.register(nick, "message-tags echo-message" if nick == "reader" else "")
    client.join("#a")
    return client


def talk_until_killed(pid: int, port: int, turn: int, enough: int) -> list[tuple[str, str]]:
    """The msgid and the text of all that a reader saw."""
    seen: list[tuple[str, str]] = []
    reader = client(port, "reader")
    speakers = [client(port, f"speaker{number}") for number in range(SPEAKERS)]
    sent = 0
    with closing(reader.sock):
        while True:
            if len(seen) >= sent * SPEAKERS // 2 and not reader.ended and len(seen) < enough:
                for speaker in speakers:
                    words = range(sent, sent + AT_ONCE)
                    speaker.send(*(f"PRIVMSG #a :{turn} {speaker.nick} {number}" for number in words))
                sent += AT_ONCE
            line = reader.read_line()
            if line is None:
                break
            message = parse(line)
            if message.verb == "PRIVMSG":
                seen.append((str(message.tag("msgid")), message.params[1]))
                if len(seen) == enough:
                    kill(pid)
    for speaker in speakers:
        speaker.sock.close()
    return seen


def words(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT id, line FROM entry JOIN place USING (id) WHERE entry.said ORDER BY id")
        return [(f"{number:x}", parse(line).params[1]) for number, line in found]


@pytest.mark.timeout(240)  # on a busy machine; 30 s on one that is not
@pytest.mark.parametrize("durability", ["relaxed", "strict"])
def test_a_killed_server_has_kept_what_it_promises(tmp_path: Path, durability: str) -> None:
    path, chance = tmp_path / "log", random.Random(durability)
    before: list[tuple[str, str]] = []
    with crashing(path, durability) as parent:
        for turn in range(KILLS):
            pid, port = started(parent)
            seen = talk_until_killed(pid, port, turn, chance.randrange(1, MOST_SEEN[durability]))
            pid, port = started(parent)  # what was not noted yet is noted
            kill(pid)
            kept = words(path)
            assert kept[: len(before)] == before
            new = kept[len(before) :]
            common = len(seen) if durability == "strict" else min(len(seen), len(new))
            assert new[:common] == seen[:common]
            assert len({msgid for msgid, _ in kept}) == len(kept)
            for number in range(SPEAKERS):
                own = [text for _, text in new if text.startswith(f"{turn} speaker{number} ")]
                assert own == [f"{turn} speaker{number} {index}" for index in range(len(own))]
            before = kept
    assert before
    check(path)


def check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        said, quits = (
            connection.execute("SELECT count(*) FROM place JOIN entry USING (id) WHERE line LIKE ?", (like,)).fetchone()
            for like in ("% JOIN #a", "% QUIT :Server restarted")
        )
        assert said == quits  # everybody who came was told to have gone


def test_copies_of_file_and_wal_taken_while_it_writes_hold_a_beginning_of_the_log(tmp_path: Path) -> None:
    path, copies = tmp_path / "log", []
    with crashing(path, "relaxed") as parent:
        pid, port = started(parent)
        speaker = client(port, "speaker")
        for turn in range(10):
            speaker.send(*(f"PRIVMSG #a :{turn} {number}" for number in range(500)))
            speaker.sync()
            with closing(sqlite3.connect(path, isolation_level=None)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM entry").fetchone()  # the WAL is not begun again meanwhile
                copies.append(tmp_path / f"copy{turn}")
                for ending in ("", "-wal"):
                    Path(f"{copies[-1]}{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())
        kill(pid)
        speaker.sock.close()
    everything = words(path)
    for copy in copies:
        held = words(copy)
        assert held == everything[: len(held)]
    assert words(copies[-1])
