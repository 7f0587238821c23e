"""`broadcast` against Fanfare and the peers that are installed here, without containers: `python -m bench.installed`.

Starts each on a free port of the loopback, names the missing ones and how to install them, and runs `loadtest.compare`,
whose options and exit status these are. All servers end with it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.command import need_package, started
from bench.process import StartError, free_port, serving
from bench.servers import Server, choose

NAMES = ("fanfare", "ngircd", "inspircd", "ergo")
_END_S = 30.0  # s for the comparison to end its Locust


def main(options: Sequence[str]) -> int:
    return started("compare", lambda: _compare(choose(NAMES, Path()), options))


def _compare(servers: Sequence[Server], options: Sequence[str]) -> int:
    """Raises StartError."""
    need_package("locust", "load")
    with ExitStack() as stack:
        places = []
        for server in servers:
            if why := server.missing():
                print(f"compare: {server.name} is left out: {why}", file=sys.stderr)
                continue
            print(f"compare: {server.name} is here: {server.version()}", file=sys.stderr)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            port = free_port()
            log = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "log"
            try:
                stack.enter_context(serving(server.command(port, folder), port, log))
            except StartError as error:
                raise StartError(f"{server.name}: {error}") from None
            places.append(f"{server.name}=irc://127.0.0.1:{port}")
        command = [sys.executable, "-m", "loadtest.compare", *places, "--", *options]
        with subprocess.Popen(command, start_new_session=True) as comparison:
            try:
                return comparison.wait()
            finally:
                if comparison.poll() is None:
                    comparison.terminate()
                    comparison.wait(_END_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
