"""Tell a person who does not look at the window: a notification of the desktop, the window's urgency, a sound.

Notifications go over the desktop's bus by the package `jeepney`, an extra, else by `notify-send` where there is that;
on macOS by `osascript`. Whatever fails is left out: nobody is held up by it.

Sources: https://specifications.freedesktop.org/notification-spec, ICCCM 4.1.2.4 (urgency)
"""

from __future__ import annotations

import contextlib
import ctypes
import queue
import shutil
import subprocess
import sys
import threading
import tkinter
from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.client.model.changes import Called
from chat.client.model.client import Client
from chat.client.model.talk import Talk

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

_NAME, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_ANSWER = 2.0  # s that the desktop may take for an answer
_LOOK = 0.5  # s between looks whether a notification was clicked, while there is one
_SHOWN = 60.0  # s that a click on a notification is waited for
_WAITING = 20  # notifications; of more the person has had enough

_URGENCY_HINT = 1 << 8


class Notifier:
    """Has a thread of its own from the first notification on. `clicked` is called there with what was clicked."""

    def __init__(self, clicked: Callable[[int], None]) -> None:
        self._clicked = clicked
        self._waiting: queue.Queue[tuple[int, str, str]] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._shown: dict[int, int] = {}  # the desktop's number for what we show, by ours

    def notify(self, about: int, title: str, text: str) -> None:
        """Show this; the newest of what is about the same takes the place of the one before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
            self._thread.start()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait((about, title, text))

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if sys.platform == "darwin":
                _by_osascript(*first[1:])
            elif sys.platform != "win32":  # there the urgency makes the task bar flash
                if not self._by_bus(first):
                    _by_notify_send(*first[1:])

    def _by_bus(self, first: tuple[int, str, str]) -> bool:
        """Show it and those after it, and wait for clicks on them; whether there is a desktop that shows it."""
        try:
            from jeepney.io.blocking import open_dbus_connection  # here: few starts of the client ever need it

            with contextlib.closing(open_dbus_connection("SESSION")) as bus:
                _match(bus)
                self._show(bus, *first)
                left = _SHOWN
                while left > 0:
                    left -= _LOOK
                    with contextlib.suppress(queue.Empty):
                        self._show(bus, *self._waiting.get_nowait())
                        left = _SHOWN
                    self._look_for_clicks(bus)
        except Exception:  # no package, no bus, nobody there who shows notifications, a desktop that is just restarting
            return bool(self._shown.pop(first[0], 0))
        return True

    def _show(self, bus: DBusConnection, about: int, title: str, text: str) -> None:
        from html import escape  # here, as jeepney is: few starts of the client ever need it

        from jeepney import DBusAddress, MessageType, new_method_call

        hints = {"urgency": ("y", 1), "desktop-entry": ("s", "fanfare"), "category": ("s", "im.received")}
        body = ("Fanfare", self._shown.get(about, 0), "", title, escape(text), ["default", "Show"], hints, -1)
        call = new_method_call(DBusAddress(_PATH, _NAME, _NAME), "Notify", "susssasa{sv}i", body)
        answer = bus.send_and_get_reply(call, timeout=_ANSWER)
        if answer.header.message_type is MessageType.error:
            raise OSError(str(answer.body))
        self._shown[about] = answer.body[0]

    def _look_for_clicks(self, bus: DBusConnection) -> None:
        from jeepney import HeaderFields

        with contextlib.suppress(TimeoutError):
            message = bus.receive(timeout=_LOOK)
            if message.header.fields.get(HeaderFields.member) == "ActionInvoked":
                about = next((ours for ours, theirs in self._shown.items() if theirs == message.body[0]), None)
                if about is not None:
                    self._clicked(about)


def _match(bus: DBusConnection) -> None:
    """Ask the bus for the signal that says that a notification was clicked."""
    from jeepney import DBusAddress, new_method_call

    address = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    rule = f"type='signal',interface='{_NAME}',member='ActionInvoked'"
    bus.send_and_get_reply(new_method_call(address, "AddMatch", "s", (rule,)), timeout=_ANSWER)


def _by_notify_send(title: str, text: str) -> None:
    from html import escape

    _quietly("notify-send", "--app-name=Fanfare", "--category=im.received", "--", title, escape(text))


def _by_osascript(title: str, text: str) -> None:
    script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
    _quietly("osascript", "-e", script, title, text)


def _quietly(*command: str) -> None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(command, capture_output=True, timeout=_ANSWER, check=False)


def play_sound(root: tkinter.Misc) -> None:
    """The desktop's sound for a message where it has one, else its bell."""
    if sys.platform == "win32":
        import winsound

        winsound.MessageBeep()
        return
    commands = {"darwin": ("afplay", "/System/Library/Sounds/Ping.aiff")}
    command = commands.get(sys.platform, ("canberra-gtk-play", "--id", "message-new-instant"))
    if shutil.which(command[0]):
        threading.Thread(target=_quietly, args=command, name="sound", daemon=True).start()
    else:
        root.bell()


def set_urgent(root: tkinter.Tk, urgent: bool) -> None:
    """Have the task bar say that somebody is wanted at this window, or no longer."""
    if sys.platform == "win32":
        if urgent:
            with contextlib.suppress(OSError, AttributeError):
                ctypes.windll.user32.FlashWindow(int(root.wm_frame(), 16), True)
    elif root.tk.call("tk", "windowingsystem") == "x11":
        with contextlib.suppress(OSError, AttributeError):
            _set_x11_hint(root, urgent)


class _Hints(ctypes.Structure):
    """Xlib's XWMHints."""

    _fields_ = (
        ("flags", ctypes.c_long),
        *((name, ctypes.c_int) for name in ("input", "initial_state")),
        *((name, ctypes.c_ulong) for name in ("icon_pixmap", "icon_window")),
        *((name, ctypes.c_int) for name in ("icon_x", "icon_y")),
        *((name, ctypes.c_ulong) for name in ("icon_mask", "window_group")),
    )


def _set_x11_hint(root: tkinter.Tk, urgent: bool) -> None:
    """Tk 8.6 has no word for it. The hints belong to the window around Tk's own, which holds the menu bar."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XGetWMHints.restype = ctypes.POINTER(_Hints)
    display = ctypes.c_void_p(x11.XOpenDisplay(root.winfo_screen().encode()))
    if not display:
        return
    window = ctypes.c_ulong(_wrapper(x11, display, root.winfo_id()))
    found = x11.XGetWMHints(display, window)
    hints = _Hints()
    if found:
        ctypes.memmove(ctypes.byref(hints), found, ctypes.sizeof(hints))
        x11.XFree(found)
    hints.flags = hints.flags | _URGENCY_HINT if urgent else hints.flags & ~_URGENCY_HINT
    x11.XSetWMHints(display, window, ctypes.byref(hints))
    x11.XCloseDisplay(display)


def _wrapper(x11: ctypes.CDLL, display: ctypes.c_void_p, window: int) -> int:
    """The window around this one."""
    root, parent, children, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_void_p(), ctypes.c_uint()
    by = ctypes.byref
    x11.XQueryTree(display, ctypes.c_ulong(window), by(root), by(parent), by(children), by(count))
    if children:
        x11.XFree(children)
    return parent.value


class Calls:
    """`opened` is called with the talk of a notification that was clicked; `wake` by another thread, before that."""

    def __init__(
        self, root: tkinter.Tk, client: Client, opened: Callable[[Talk], None], wake: Callable[[], None]
    ) -> None:
        self._root = root
        self._client = client
        self._open = opened
        self._wake = wake
        self._urgent = False
        self._clicked: list[int] = []  # notifications that were clicked, noted by another thread
        self.notifier = Notifier(self.clicked)

    def call(self, change: Called) -> None:
        line, talk, chosen = change.line, change.talk, self._client.settings
        if not self._client.attention.focused:
            self._urgent = True
            set_urgent(self._root, True)
        if chosen.notify:
            title = line.nick if line.private else f"{line.nick} in {talk.name}"
            self.notifier.notify(id(talk), title, line.text)
        if chosen.sound:
            play_sound(self._root)

    def calm(self) -> None:
        """The person looks, or nobody calls any more."""
        if self._urgent and (self._client.attention.focused or not self._client.calls):
            self._urgent = False
            set_urgent(self._root, False)

    def clicked(self, about: int) -> None:
        """A notification was. By any thread."""
        self._clicked.append(about)
        self._wake()

    def open_clicked(self) -> None:
        while self._clicked:
            about = self._clicked.pop(0)
            talk = next((talk for talk in self._client.talks() if id(talk) == about), None)
            if talk:
                self._open(talk)
                self._root.deiconify()
                self._root.lift()
                self._root.focus_force()
