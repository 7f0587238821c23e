"""What the desktop says about light and dark, as each of its programs says it."""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from chat.client.ui.desktop import Desktop, prefers_dark
from tests.support import PATIENCE

ANSWERS: list[tuple[str, Mapping[str, str], Mapping[str, str], bool]] = [
    ("linux", {}, {"gdbus": "(<<uint32 1>>,)\n"}, True),
    ("linux", {}, {"gdbus": "(<<uint32 2>>,)\n", "gsettings": "'prefer-dark'\n"}, False),
    ("linux", {}, {"gdbus": "(<<uint32 0>>,)\n", "gsettings": "'prefer-dark'\n"}, True),
    ("linux", {}, {"busctl": "v v u 1\n"}, True),
    ("linux", {}, {"gsettings": "'Adwaita-dark'\n"}, True),
    ("linux", {}, {"gsettings": "'Adwaita'\n"}, False),
    ("linux", {"GTK_THEME": "Adwaita:dark"}, {}, True),
    ("linux", {"GTK_THEME": "Adwaita"}, {"gdbus": "(<<uint32 1>>,)\n"}, False),
    ("linux", {}, {}, False),
    ("darwin", {}, {"defaults": "Dark\n"}, True),
    ("darwin", {}, {"defaults": ""}, False),
    ("win32", {}, {}, False),  # here, where there is no registry
]


@pytest.mark.parametrize(("platform", "environ", "answers", "dark"), ANSWERS)
def test_the_desktops_answer_is_understood(
    platform: str, environ: Mapping[str, str], answers: Mapping[str, str], dark: bool
) -> None:
    def ask(command: Sequence[str]) -> str:
        return answers.get(command[0], "")

    assert prefers_dark(platform, ask, environ) is dark


def test_programs_that_are_missing_or_fail_are_no_preference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gdbus = tmp_path / "gdbus"
    gdbus.write_text(f"#!{sys.executable}\nprint('(<<uint32 1>>,)')\nraise SystemExit(1)\n")
    gdbus.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prefers_dark("linux", environ={}) is False
    gdbus.write_text(f"#!{sys.executable}\nprint('(<<uint32 1>>,)')\n")
    assert prefers_dark("linux", environ={}) is True
    assert os.environ["PATH"] == str(tmp_path)


def test_a_desktop_that_does_not_answer_holds_nobody_up() -> None:
    answer = threading.Event()

    def ask() -> bool:
        answer.wait(PATIENCE)
        return True

    desktop = Desktop(ask)
    assert (desktop.dark, desktop.known.is_set()) == (None, False)
    answer.set()
    assert desktop.known.wait(PATIENCE)
    assert desktop.dark is True
