"""Root is given up, once the ports are bound."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chat.errors import SetupError
from chat.server.ops.privileges import drop_root
from tests.ops.serving import IRC, serving

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
PROBE = """
import os, sys
from chat.server.ops.privileges import drop_root
drop_root(sys.argv[1])
try:
    os.setuid(0)
    print("root again")
except PermissionError:
    print(*os.getresuid(), *os.getresgid(), os.getgroups() != [0] and 0 not in os.getgroups(), os.environ["HOME"])
"""


@needs_root
@pytest.mark.parametrize("name", ["nobody", "65534"])
def test_what_was_root_is_that_user_in_every_way_and_cannot_go_back(name: str) -> None:
    text = subprocess.check_output([sys.executable, "-c", PROBE, name], text=True)
    assert text.split()[:7] == ["65534"] * 6 + ["True"]


@needs_root
def test_the_server_is_that_user_once_it_listens(tmp_path: Path) -> None:
    """On a port that only root may bind."""
    with serving("--user", "nobody", "--listen", "irc://127.0.0.1:996", "--log", "memory:") as server:
        assert server.port() == 996
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert "\nUid:\t65534\t65534\t65534\t65534\n" in status
        assert "\nCapEff:\t0000000000000000\n" in status


@needs_root
def test_root_that_stays_is_a_warning_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FANFARE_USER")
    with serving(*IRC) as server:
        assert server.log_line("runs as root").rstrip().endswith("or with --user NAME")


@pytest.mark.parametrize("name", ["nobody-of-that-name", "4294967296000"])
def test_a_user_that_cannot_be_had_is_one_clear_line(name: str) -> None:
    wanted = "there is no user" if os.geteuid() == 0 else "only root can become"
    with pytest.raises(SetupError, match=wanted):
        drop_root(name)
