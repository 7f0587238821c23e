"""io_uring in the server's container: forbidden by Docker's default profile, allowed by compose.uring.yaml."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.composed import ROOT, Compose, checked, run
from tests.net.kernel import WHY_NOT

PROFILE = ROOT / "docker" / "seccomp-uring.json"
CALLS = ["io_uring_enter", "io_uring_register", "io_uring_setup"]
NO_ENGINE = 2  # compose.sh's exit status for it


def profile() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(PROFILE.read_text())
    return read


def test_the_profile_is_dockers_default_and_three_calls() -> None:
    *default, added = profile()["syscalls"]
    assert (added["names"], added["action"]) == (CALLS, "SCMP_ACT_ALLOW")
    assert not [name for rule in default for name in rule["names"] if "uring" in name]
    assert profile()["defaultAction"] == "SCMP_ACT_ERRNO"


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    compose = Compose(tmp_path_factory.mktemp("report"), COMPOSE_FILE="compose.yaml:compose.uring.yaml")
    answer = compose("version")
    if answer.returncode == NO_ENGINE:
        missing: Callable[[str], None] = pytest.fail if os.environ.get("REQUIRE_DOCKER") == "1" else pytest.skip
        missing(answer.stderr.strip())
    try:
        checked(compose("build", "server"))
        yield compose
    finally:
        checked(compose("down", "--timeout", "5", "--rmi", "local", "--volumes", "--remove-orphans"))


def serve(image: str, seccomp: Path, sender: str) -> tuple[int, str]:
    """Try out a sender in a container, as `fanfare serve` chooses it; exit status and output."""
    code = (
        "from chat.errors import SetupError\n"
        "from chat.server.net import sender_choice\n"
        "from chat.settings import Settings\n"
        "sender_choice.CORES_FROM = 1\n"
        "try:\n"
        f"    print(sender_choice.choose_sender(Settings(sender={sender!r}))[1])\n"
        "except SetupError as error:\n"
        "    print(error)\n"
    )
    limits = ("--rm", "--read-only", "--cap-drop=ALL", f"--security-opt=seccomp={seccomp}")
    python = ("--entrypoint=/opt/fanfare/bin/python", image, "-c", code)
    done = run("docker", "run", *limits, "--security-opt=no-new-privileges:true", *python)
    return done.returncode, done.stdout.strip() or done.stderr


@pytest.mark.docker
@pytest.mark.timeout(600)  # the image may have to be built
@pytest.mark.skipif(WHY_NOT != "", reason=f"no io_uring here: {WHY_NOT}")
def test_without_the_three_calls_a_container_falls_back_and_with_them_it_takes_io_uring(
    compose: Compose, tmp_path: Path
) -> None:
    image = f"{compose.image}_server"
    if run("docker", "image", "inspect", image).returncode:
        image = f"{compose.image}-server"  # Compose v2
    default = tmp_path / "default.json"  # an engine before 25 has the three calls in its own
    default.write_text(json.dumps({**profile(), "syscalls": profile()["syscalls"][:-1]}))
    reason = "there is no io_uring here: a seccomp filter forbids it, as Docker's default profile does"
    assert serve(image, default, "auto") == (0, f"sends by send: {reason}")
    assert serve(image, default, "uring") == (0, f"sender is uring, but {reason}")
    for sender in ("auto", "uring"):
        status, line = serve(image, PROFILE, sender)
        assert status == 0
        assert line.startswith("sends by io_uring")


@pytest.mark.docker
@pytest.mark.timeout(600)
@pytest.mark.skipif(WHY_NOT != "", reason=f"no io_uring here: {WHY_NOT}")
def test_the_override_starts_a_server_that_sends_by_io_uring(compose: Compose) -> None:
    compose.set(FANFARE_SENDER="uring")
    checked(compose("up", "--detach", "server"))
    output = checked(run("docker", "logs", compose.container("server")))
    while "sends by" not in output:
        output = checked(run("docker", "logs", compose.container("server")))
    assert "sends by io_uring" in output
    options = compose.inspect("server")["HostConfig"]["SecurityOpt"]
    assert any(option.startswith(("seccomp=", "seccomp:")) for option in options)
    assert any(option.startswith("no-new-privileges") for option in options)
