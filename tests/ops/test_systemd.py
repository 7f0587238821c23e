"""systemd is told what the server does, and a server without systemd says nothing."""

import socket
from pathlib import Path
from signal import Signals

import pytest

from chat.server.ops.systemd import has_watchdog, notify
from tests.ops.serving import IRC, serving
from tests.support import PATIENCE


def test_it_is_told_ready_alive_and_stopping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        with serving(*IRC) as process:
            seen = {told.recv(100), told.recv(100)}
            assert seen == {b"READY=1", b"WATCHDOG=1"}
            process.signal(Signals.SIGHUP)
            words: list[bytes] = []
            while len(words) < 2:
                if (word := told.recv(100)) != b"WATCHDOG=1":
                    words.append(word)
            assert words[0].startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert words[1] == b"READY=1"
            process.signal(Signals.SIGTERM)
            while (word := told.recv(100)) == b"WATCHDOG=1":
                pass
            assert word == b"STOPPING=1"
            assert process.end()[0] == 0


def test_an_abstract_name_and_a_systemd_that_has_gone() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"\0fanfare-test-{id(told)}")
        told.settimeout(PATIENCE)
        environ = {"NOTIFY_SOCKET": f"@fanfare-test-{id(told)}"}
        notify("READY=1", "STATUS=x", environ=environ)
        assert told.recv(100) == b"READY=1\nSTATUS=x"
    notify("READY=1", environ=environ)
    notify("READY=1", environ={})


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert not has_watchdog({})
    assert has_watchdog({"WATCHDOG_USEC": "1"})
    assert not has_watchdog({"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"})
