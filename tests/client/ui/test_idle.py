"""The window at rest: nothing wakes it, and yet it answers keys and signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chat.client.irc.login import Login
from chat.client.model.settings import Server
from chat.client.store import archive
from tests.scripted import ScriptedServer
from tests.support import PATIENCE

try:
    from chat.client.ui import composer
    from chat.client.ui.sessions import Waker
    from tests.client.hands import Hands
except ImportError:
    pytest.skip("this Python has no Tk", allow_module_level=True)

pytestmark = pytest.mark.gui
_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has none for windows")


def test_while_nothing_happens_nothing_is_due(
    hands: Hands, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composer, "BLINKING", 1)
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.until(lambda: hands.members() == ("ana", "ben"))
    hands.until(lambda: window.waker.idle)
    hands.until(lambda: hands.root.tk.splitlist(hands.root.tk.call("after", "info")) == ())


def test_the_cursor_stops_blinking_when_nobody_types_and_blinks_with_the_next_key(
    hands: Hands, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composer, "BLINKING", 50)
    text = hands.open(scripted.target, "ana").view.composer.text
    hands.until(lambda: int(text.cget("insertofftime")) == 0)
    monkeypatch.setattr(composer, "BLINKING", 3_600_000)
    hands.key("x")
    assert int(text.cget("insertofftime")) > 0


@_SIGNALS
def test_a_signal_wakes_tk(hands: Hands, scripted: ScriptedServer) -> None:
    hands.open(scripted.target, "ana")
    woken: list[bool] = []

    def take() -> int:
        woken.append(True)
        return 0

    waker = Waker(hands.root, take, whole=1)
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        waker.wake_for_signals()
        os.kill(os.getpid(), signal.SIGUSR1)
        hands.until(lambda: woken)
    finally:
        waker.stop()
        signal.signal(signal.SIGUSR1, before)


@_SIGNALS
def test_sigterm_says_goodbye_and_ends_with_status_0(display: None, scripted: ScriptedServer, tmp_path: Path) -> None:
    if not os.environ.get("DISPLAY"):
        (pytest.fail if os.environ.get("REQUIRE_DISPLAY") else pytest.skip)("no display: run it with xvfb-run -a")
    folders = {name: str(tmp_path) for name in ("FANFARE_CONFIG_HOME", "FANFARE_DATA_HOME")}
    address = f"irc://{scripted.target.server}/lobby"
    command = (sys.executable, "-m", "chat.client", address, "--nick", "ana")
    with subprocess.Popen(command, env={**os.environ, **folders, "GTK_THEME": "Adwaita"}) as window:
        try:
            end = scripted.accept()
            end.expect("USER")
            end.send(":s CAP * LS :", ":s 001 ana :Welcome")
            end.expect("JOIN")
            end.send(":ana!a@h JOIN #lobby", ":ben!b@h PRIVMSG ana :\x01VERSION\x01")
            end.expect("NOTICE")  # the window's thread is at work
            window.terminate()
            end.expect("QUIT")
            assert window.wait(PATIENCE) == 0
        finally:
            window.kill()


class Watched:
    """A keyring that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_password(self, service: str, name: str) -> str | None:
        self.asked.append(name)
        return "geheim"

    def set_password(self, service: str, name: str, password: str) -> None: ...

    def delete_password(self, service: str, name: str) -> None: ...


def test_the_keyring_is_asked_for_servers_alone_whose_passwords_it_was_given(
    hands: Hands, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Watched()
    monkeypatch.setattr(archive, "keyring", lambda: ring)
    window = hands.open(scripted.target, "ana")
    end = scripted.accept()
    end.expect("USER")
    assert ring.asked == []
    server = Server(scripted.target.server, "ana", ("#lobby",))
    window.join(server, Login("geheim"), keep=True)
    end = scripted.accept()
    assert end.expect("PASS").params == ["geheim"]
    assert window.client.remembered().servers[0].keyring
    window.join(window.client.remembered().servers[0], Login())
    end = scripted.accept()
    assert end.expect("PASS").params == ["geheim"], "from the keyring"
    assert ring.asked == [f"password at {scripted.target.server}"]
