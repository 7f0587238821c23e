"""Being called: what a person who looks elsewhere gets to see, and what they find when they come back."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat.client.model import settings
from chat.client.model.settings import Settings
from chat.client.ui import notify
from tests.scripted import ScriptedServer
from tests.support import PATIENCE

try:
    import tkinter

    from tests.client.hands import Hands
except ImportError:
    pytest.skip("this Python has no Tk", allow_module_level=True)

pytestmark = pytest.mark.gui


class Notes:
    """What would be shown by the desktop, and the clicks on it."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, str, str]] = []

    def notify(self, about: int, title: str, text: str) -> None:
        self.shown.append((about, title, text))


@pytest.fixture
def urgent(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the task bar was told."""
    told: list[bool] = []
    monkeypatch.setattr(notify, "set_urgent", lambda root, urgent: told.append(urgent))
    return told


ELSEWHERE = """
import sys, tkinter
root = tkinter.Tk()
root.update()
root.focus_force()
root.update()
print("there", flush=True)
root.createfilehandler(sys.stdin, tkinter.READABLE, lambda *_: root.destroy())
root.mainloop()
"""


@pytest.fixture
def look_away(hands: Hands) -> Iterator[Callable[[], None]]:
    """Have another program take the keyboard."""
    programs: list[subprocess.Popen[str]] = []

    def look() -> None:
        program = subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        programs.append(program)
        assert program.stdout
        assert program.stdout.readline() == "there\n"
        hands.until(lambda: not hands.window.client.attention.focused)

    yield look
    for program in programs:
        with program:
            assert program.stdin
            program.stdin.close()


def test_who_looks_elsewhere_is_called_and_who_comes_back_finds_where(
    hands: Hands, look_away: Callable[[], None], scripted: ScriptedServer, urgent: list[bool]
) -> None:
    window = hands.open(scripted.target, "ana")
    notes = window.calls.notifier = Notes()  # type: ignore[assignment]
    end = scripted.welcome()
    end.send(":ben!b@h PRIVMSG #lobby :ana: can you see this?")
    hands.wait_for("can you see this?")
    assert notes.shown == []
    assert hands.root.title() == "#lobby - Fanfare"
    look_away()
    end.send(
        ":ben!b@h PRIVMSG #lobby :nothing special", ":ben!b@h PRIVMSG #lobby :ana: urgent", ":zoe!z@h PRIVMSG ana :psst"
    )
    hands.until(lambda: hands.root.title() == "(2) #lobby - Fanfare")
    assert [(title, text) for _, title, text in notes.shown] == [("ben in #lobby", "ana: urgent"), ("zoe", "psst")]
    assert urgent == [True, True]
    assert hands.talks()[1:] == [("#lobby", "@1 2"), ("zoe", "1")]
    hands.wait_for("new  ──────\n")
    assert "called" in hands.looks("urgent")
    hands.take_keyboard()
    hands.until(lambda: hands.talks()[1:] == [("#lobby", ""), ("zoe", "1")])
    assert urgent[-1] is False
    assert hands.transcript().index("new") < hands.transcript().index("nothing special")
    window.calls.clicked(notes.shown[1][0])
    hands.wait_for("zoe  psst")
    assert hands.root.title() == "zoe - Fanfare"


def test_behind_the_form_nobody_reads_the_talk(hands: Hands, scripted: ScriptedServer, urgent: list[bool]) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined")
    hands.press("Control-o")
    hands.until(window.form.winfo_viewable)
    end.send(":ben!b@h PRIVMSG #lobby :ana: are you there?")
    talk = window.client.attention.talk
    assert talk
    hands.until(lambda: talk.calls == 1)
    hands.click(window.form.back)
    hands.until(lambda: talk.calls == 0)
    assert "new  ───" in hands.transcript()


def everything_in(widget: tkinter.Misc) -> Iterator[tkinter.Misc]:
    for child in widget.winfo_children():
        yield child
        yield from everything_in(child)


def test_words_of_ones_own_are_set_in_the_preferences_and_notifications_can_be_left_out(
    hands: Hands, look_away: Callable[[], None], scripted: ScriptedServer, urgent: list[bool]
) -> None:
    window = hands.open(scripted.target, "ana")
    notes = window.calls.notifier = Notes()  # type: ignore[assignment]
    end = scripted.welcome()
    hands.wait_for("You joined")
    window.dialogs.preferences()
    page = hands.root.nametowidget("preferences")
    field = next(child for child in everything_in(page) if isinstance(child, tkinter.Entry))
    field.insert(0, "release, fanfare")
    save = next(child for child in everything_in(page) if child.winfo_class() == "TButton" and child["text"] == "Save")
    save.invoke()  # type: ignore[attr-defined]
    assert "preferences" not in hands.root.children
    assert settings.load().highlights == ("release", "fanfare")
    look_away()
    end.send(":ben!b@h PRIVMSG #lobby :the Release is out")
    hands.until(lambda: len(notes.shown) == 1)
    window.apply(Settings(notify=False))
    end.send(":ben!b@h PRIVMSG #lobby :ana!")
    hands.until(lambda: hands.root.title().startswith("(2)"))
    assert len(notes.shown) == 1


def test_a_sound_is_played_if_the_person_wants_one(
    hands: Hands, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[object] = []
    monkeypatch.setattr(notify, "play_sound", played.append)
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined")
    end.send(":zoe!z@h PRIVMSG ana :one")
    hands.until(lambda: ("zoe", "1") in hands.talks())
    assert played == []
    window.apply(Settings(sound=True, notify=False))
    end.send(":zoe!z@h PRIVMSG ana :two")
    hands.until(lambda: ("zoe", "2") in hands.talks())
    assert len(played) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="urgency as X11 has it")
def test_urgency_is_a_hint_of_the_window_that_the_desktop_sees(hands: Hands) -> None:
    xprop = pytest.importorskip("shutil").which("xprop")
    if xprop is None:
        pytest.skip("no xprop to look at the hint with")
    hands.open()

    def hint() -> bool:
        hands.root.update()
        window = hands.root.tk.call("winfo", "id", ".")
        tree = subprocess.run(["xwininfo", "-id", window, "-tree"], capture_output=True, text=True, check=True).stdout
        parent = next(line.split()[3] for line in tree.splitlines() if "Parent window id" in line)
        told = subprocess.run([xprop, "-id", parent, "WM_HINTS"], capture_output=True, text=True, check=True).stdout
        return "urgency" in told

    assert not hint()
    notify.set_urgent(hands.root, True)
    assert hint()
    notify.set_urgent(hands.root, False)
    assert not hint()


DESKTOP = """
import sys
from jeepney import DBusAddress, HeaderFields, MessageType, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
name, path = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
bus = open_dbus_connection()
bus.send_and_get_reply(message_bus.RequestName(name))
print("ready", flush=True)
for number in (7, 8):
    while True:
        call = bus.receive()
        if call.header.fields.get(HeaderFields.member) == "Notify":
            break
    print(repr(call.body), flush=True)
    bus.send(new_method_return(call, "u", (number,)))
    signal = new_signal(DBusAddress(path, interface=name), "ActionInvoked", "us", (number, "default"))
    bus.send(signal)
sys.stdin.read()
"""


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A desktop's bus of the test's own."""
    try:
        process = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={tmp_path}/bus"],
            stdout=subprocess.PIPE,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("no dbus-daemon")
    with process:
        assert process.stdout
        address = process.stdout.readline().strip()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address
        process.terminate()


def test_a_notification_goes_over_the_desktops_bus_and_a_click_on_it_comes_back(bus: str) -> None:
    pytest.importorskip("jeepney")
    clicked: list[int] = []
    came = threading.Event()

    def click(about: int) -> None:
        clicked.append(about)
        came.set()

    desktop = subprocess.Popen(
        [sys.executable, "-c", DESKTOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    with desktop:
        assert desktop.stdout
        assert desktop.stdin
        assert desktop.stdout.readline() == "ready\n"
        notifier = notify.Notifier(click)
        notifier.notify(42, "ben in #lobby", "ana: <b>urgent</b> & more")
        shown = eval(desktop.stdout.readline())  # what the test's own program printed
        assert shown[0] == "Fanfare"
        assert shown[1] == 0
        assert shown[3:5] == ("ben in #lobby", "ana: &lt;b&gt;urgent&lt;/b&gt; &amp; more")
        assert came.wait(PATIENCE)
        assert clicked == [42]
        notifier.notify(42, "ben in #lobby", "again")
        assert eval(desktop.stdout.readline())[1] == 7, "it takes the place of the one before"
        desktop.stdin.close()


def test_without_a_bus_nobody_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    returned, called = threading.Event(), threading.Event()

    def send(title: str, text: str) -> None:
        if returned.wait(PATIENCE):
            called.set()

    monkeypatch.setattr(notify, "_by_notify_send", send)
    notify.Notifier(lambda about: None).notify(1, "title", "text")
    returned.set()
    assert called.wait(PATIENCE)
