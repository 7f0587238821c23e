"""What the desktop is asked for and told: whether it prefers dark windows, and the window's icon.

The system's own programs are asked; that never raises and holds nobody up.
Sources: https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.Settings.html (color-scheme),
AppleInterfaceStyle of macOS, AppsUseLightTheme of Windows.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
import tkinter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_ANSWER = 1.0  # s for each program that is asked; one that works takes 20 ms

_PORTAL = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings")
_SCHEME = ("org.freedesktop.appearance", "color-scheme")

Ask = Callable[[Sequence[str]], str]  # runs a command, gives what it says; empty where it fails


class Desktop:
    """Asks on a thread of its own as soon as it is made. `dark` may be read at any time, by any thread."""

    def __init__(self, asked: Callable[[], bool | None] | None = None) -> None:
        self.dark: bool | None = None  # None: not known yet, or not to be known
        self.known = threading.Event()  # it was asked, whatever came of it
        self._asked = asked or prefers_dark
        threading.Thread(target=self._find_out, name="desktop", daemon=True).start()

    def _find_out(self) -> None:
        try:
            self.dark = self._asked()
        finally:
            self.known.set()


def prefers_dark(platform: str = sys.platform, ask: Ask | None = None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether it does; False where that cannot be known. Takes up to a few seconds: see Desktop."""
    ask = ask or _ask
    if platform == "darwin":
        return ask(("defaults", "read", "-g", "AppleInterfaceStyle")).strip() == "Dark"
    if platform == "win32":
        return _windows_is_dark()
    return _linux_is_dark(ask, environ)


def _linux_is_dark(ask: Ask, environ: Mapping[str, str]) -> bool:
    theme = environ.get("GTK_THEME")
    if theme:
        return _names_a_dark_theme(theme)
    name, path, interface = _PORTAL
    seconds = f"{_ANSWER:.0f}"
    call = ("--dest", name, "--object-path", path, "--method", f"{interface}.Read", *_SCHEME)
    for command in (
        ("gdbus", "call", "--session", "--timeout", seconds, *call),
        ("busctl", "--user", f"--timeout={seconds}", "call", name, path, interface, "Read", "ss", *_SCHEME),
    ):
        answer = re.search(r"\bu(?:int32)? ([0-2])\b", ask(command))
        if answer and answer[1] != "0":  # 0: no preference, or a portal that does not know the desktop's
            return answer[1] == "1"
    gnome = ("gsettings", "get", "org.gnome.desktop.interface")
    return "prefer-dark" in ask((*gnome, "color-scheme")) or _names_a_dark_theme(ask((*gnome, "gtk-theme")))


def _names_a_dark_theme(theme: str) -> bool:
    return theme.strip().strip("'").lower().endswith((":dark", "-dark"))


def _windows_is_dark() -> bool:
    if sys.platform != "win32":
        return False
    import winreg

    key = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as themes:
            return bool(winreg.QueryValueEx(themes, "AppsUseLightTheme")[0] == 0)
    except OSError:  # a Windows older than the setting
        return False


def _ask(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * _ANSWER, check=False, text=True
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


_SIZES = (64, 32, 16)  # pixels


def set_icon(root: tkinter.Tk) -> None:
    """Where it cannot be read, the desktop's own stays."""
    with contextlib.suppress(OSError, tkinter.TclError):
        data = [Path(__file__).with_name(f"icon-{size}.png").read_bytes() for size in _SIZES]
        root.iconphoto(True, *(tkinter.PhotoImage(master=root, data=one) for one in data))
