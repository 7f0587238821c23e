"""What the tests of the client share: a display of their own, a person at the window, a server that a test writes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.scripted import ScriptedServer, scripted_server

try:
    import tkinter

    from tests.client.hands import Hands
except ImportError:  # this Python has no Tk: the tests that need it skip themselves
    if os.environ.get("REQUIRE_DISPLAY"):
        raise

# Tk aborts when an interpreter is freed by another thread than its own, as any thread's garbage collection may do it.
_roots: list["tkinter.Tk"] = []


@pytest.fixture(scope="session")
def display() -> Iterator[None]:
    """Tests that run beside each other have a display each: on one, they would take the keyboard from each other."""
    if os.environ.get("PYTEST_XDIST_WORKER") is None or shutil.which("Xvfb") is None:
        yield
        return
    command = ("Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp", "-noreset")
    before = os.environ.get("DISPLAY")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as xvfb:
        assert xvfb.stdout
        os.environ["DISPLAY"] = f":{xvfb.stdout.readline().strip()}"
        yield
        os.environ.pop("DISPLAY") if before is None else os.environ.update(DISPLAY=before)
        xvfb.terminate()


@pytest.fixture
def hands(display: None) -> Iterator["Hands"]:
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        (pytest.fail if os.environ.get("REQUIRE_DISPLAY") else pytest.skip)("no display: run it with xvfb-run -a")
    root = tkinter.Tk()
    _roots.append(root)
    scaling = root.tk.call("tk", "scaling")
    failures: list[BaseException] = []
    root.report_callback_exception = lambda kind, error, trace: failures.append(error)
    person = Hands(root)
    yield person
    if not person.window.closed:
        root.tk.call("tk", "scaling", scaling)  # of the display: the next test's window would have it too
    person.window.close()
    assert not failures, failures


@pytest.fixture
def another_root(hands: "Hands") -> "tkinter.Tk":
    """A second program on the same display; it is never freed."""
    root = tkinter.Tk()
    _roots.append(root)
    return root


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server
