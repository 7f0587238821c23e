"""compose.yaml for the tests: docker/compose.sh with project, images, ports and report directory of its own."""

import fcntl
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOST_PORTS = ("IRC", "RELAY", "JOINED", "TILDE", "NICK", "NGIRCD", "INSPIRCD", "ERGO", "CLUSTER")
PROFILES = (
    "peers",
    "compare",
    "distributed",
    "observe",
    "cluster",
    "cluster-faults",
)  # what may be left when a test has failed
USERS = ("--users=20", "--spawn-rate=20")
QUICK = ("--settle=0.1", "--grace=20")  # what is there in time is not waited for
BRIEF = (*QUICK, "--before=1", "--after=0")
UNHURRIED = (
    *("--max-send-lateness-ms=60000", "--max-loop-lag-ms=60000", "--max-receive-backlog-ms=60000"),
    "--max-cpu-percent=1000",
)
# What the server and those who measure it are told alike.
SETTINGS = {
    "FANFARE_PING_INTERVAL": "3",
    "FANFARE_PING_TIMEOUT": "2",
    "FANFARE_USER_TIMEOUT": "2",
    "FANFARE_LAG_LIMIT": "32768",
}

Completed = subprocess.CompletedProcess[str]


def run(*command: str, environment: dict[str, str] | None = None) -> Completed:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def checked(completed: Completed) -> str:
    assert completed.returncode == 0, f"{completed.args} exited {completed.returncode}: {completed.stderr[-4000:]}"
    return completed.stdout.strip()


@contextmanager
def _in_turn() -> Iterator[None]:
    """One build at a time, whichever process of the tests wants it: what one has built is in the next one's cache."""
    with (Path(tempfile.gettempdir()) / "fanfare-test-builds").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Compose:
    """docker/compose.sh for one project."""

    def __init__(self, report: Path, **environment: str) -> None:
        self.report = report
        self.image = f"fanfare-test-{secrets.token_hex(4)}"
        self.peers_image = f"{self.image}-peers"
        self.cluster_image, self.node_image = f"{self.image}-cluster", f"{self.image}-node"
        self._environment = os.environ | {
            "COMPOSE_PROJECT_NAME": self.image,
            "FANFARE_LOAD_IMAGE": self.image,
            "FANFARE_PEERS_IMAGE": self.peers_image,
            "FANFARE_OBSERVE_IMAGE": f"{self.image}-observe",
            "PROMETHEUS_PORT": "0",
            "FANFARE_CLUSTER_IMAGE": self.cluster_image,
            "FANFARE_NODE_IMAGE": self.node_image,
            "FANFARE_BIND": "127.0.0.1",
            "FANFARE_REPORT": str(report),
            "LOCUST_USERS": "20",
            "LOCUST_WEB_PORT": "0",  # the engine chooses
            "LOCUST_MASTER_PORT": "0",
            "LOCUST_CLUSTER_PORT": "0",
            **SETTINGS,
            **{f"FANFARE_{wire}_PORT": "0" for wire in HOST_PORTS},
            **environment,
        }

    def __call__(self, *arguments: str) -> Completed:
        with _in_turn() if "build" in arguments else nullcontext():
            return run(str(ROOT / "docker" / "compose.sh"), *arguments, environment=self._environment)

    def set(self, **environment: str) -> None:
        """For what is started from here on."""
        self._environment |= environment

    def container(self, service: str) -> str:
        return checked(self("ps", "--quiet", service))

    def inspect(self, service: str) -> dict[str, Any]:
        described: dict[str, Any] = json.loads(checked(run("docker", "inspect", self.container(service))))[0]
        return described

    def server_status(self) -> dict[str, str]:
        """What the kernel says of the server's process, asked in its own container."""
        status = checked(run("docker", "exec", self.container("server"), "cat", "/proc/1/status"))
        return dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    def address(self, service: str, port: int) -> tuple[str, int]:
        """Where this machine finds a service's port."""
        host, _, published = checked(self("port", service, str(port))).rpartition(":")
        return host, int(published)

    def summary(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.report / "summary.json").read_text())
        return read

    def scenario(self, name: str, *options: str) -> Completed:
        return self("run", "--rm", "-T", name, *options)

    def passed(self, name: str, *options: str) -> dict[str, Any]:
        """The summary of a run in which the generator's own timing is out of the way."""
        run = self.scenario(name, *USERS, *UNHURRIED, *options)
        assert run.returncode == 0, run.stderr[-4000:] + run.stdout[-4000:]
        summary = self.summary()
        assert summary["scenario"] == name
        return summary
