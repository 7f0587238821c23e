"""What `make demo` runs: a server of its own, simulated users for half a minute, the fan-out table."""

import subprocess
import sys
from pathlib import Path

USERS = 300
RATE = 20  # messages a second
DURATION = 20  # s; with joining, settling and leaving about half a minute in all
REPORT = "report"

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
SERVE = [
    sys.executable,
    "-m",
    "chat.cli",
    "serve",
    "--listen",
    "irc://127.0.0.1:0",
    "--rate-limit",
    "off",
    "--log",
    "memory:",
]


def main() -> int:
    """Locust's exit status: 0 pass, 1 a threshold missed, 3 an invalid run; 1 when the server does not start."""
    with subprocess.Popen(SERVE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline().strip()
            if not line:
                return 1  # it has said why
            address = line.rpartition(" ")[2]
            print(f"a server at {address}, {USERS} users, {RATE} messages a second for {DURATION} s ...", flush=True)
            return subprocess.run(load(address, server.pid), check=False).returncode
        except KeyboardInterrupt:
            return 130
        finally:
            server.terminate()


def load(address: str, server_pid: int) -> list[str]:
    """The command that loads the server there, which is this process."""
    return [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", address),
        *("--headless", "--loglevel", "WARNING", "--only-summary", "--scenario", "broadcast"),
        *("--users", str(USERS), "--spawn-rate", "100", "--rate", str(RATE), "--duration", str(DURATION)),
        *("--server-pid", str(server_pid), "--report", REPORT),
    ]


if __name__ == "__main__":
    sys.exit(main())
