"""What the quickstart tells a newcomer to type works as it is printed."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loadtest.runs import PATIENCE, ROOT, UNHURRIED

GUIDE = (ROOT / "docs" / "quickstart.md").read_text()
BLOCKS = [block.splitlines() for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.S)]
BIN = Path(sys.executable).parent


def words(line: str) -> list[str]:
    """A command as it is printed, by the programs of this environment: making another takes the network."""
    program, *others = shlex.split(line)
    return [str(BIN / Path(program).name), *others]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The guide's server, on a free port, and a folder to be in."""
    serve = words(BLOCKS[0][2].replace(":6667", ":0"))
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        try:
            yield tmp_path_factory.mktemp("newcomer"), server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def typed(folder: Path, line: str, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*words(line), *more], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_it_is_short() -> None:
    assert len(GUIDE.splitlines()) <= 65


def test_each_command_works_as_printed(place: tuple[Path, str]) -> None:
    folder, url = place
    (load,), later = BLOCKS[1], BLOCKS[2]
    slow_machine = ("--skip-log", *UNHURRIED, "--require", "late_share<100%,p99<60s")  # later ones do not count: the
    line = load.replace("irc://127.0.0.1:6667", url).replace(" --require 'p99<100ms'", "")
    done = typed(folder, line, *slow_machine)  # requirement itself is a busy machine's to miss
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    assert " 119,600 " in done.stdout
    assert "Traceback" not in done.stderr
    for command in later:
        done = typed(folder, command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "junit.xml").read_text().startswith("<?xml")
    assert {"report.html", "result.json"} <= {path.name for path in (folder / "report" / "latest").iterdir()}
