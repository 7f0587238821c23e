"""The images and compose.yaml, run as their users run them: through docker/compose.sh.

Under a project name, host ports and a report directory of its own, so that it disturbs nothing that is running, and
takes down only what it made. Skipped where no engine answers; with REQUIRE_DOCKER=1 that is a failure.
"""

import json
import os
import re
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest

from chat.client.irc.address import Address
from chat.client.irc.session import Session
from chat.client.model.network import Network
from chat.settings import Settings
from tests.composed import BRIEF, PROFILES, QUICK, ROOT, SETTINGS, UNHURRIED, USERS, Compose, checked, run
from tests.support import PATIENCE

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]  # the first test also builds the images

PEERS = ("ngircd", "inspircd", "ergo")
NO_ENGINE = 2  # compose.sh's exit status for it, after one line that says what is missing


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """With the images built and the server healthy."""
    compose = Compose(tmp_path_factory.mktemp("report"))
    answer = compose("version")
    if answer.returncode == NO_ENGINE:
        missing: Callable[[str], None] = pytest.fail if os.environ.get("REQUIRE_DOCKER") == "1" else pytest.skip
        missing(answer.stderr.strip())
    try:
        checked(compose("build", "server", "users"))
        checked(compose("up", "--detach", "report"))  # returns once the server, on whose health it waits, is healthy
        yield compose
    finally:
        every = (word for name in PROFILES for word in ("--profile", name))
        checked(compose(*every, "down", "--timeout", "5", "--rmi", "local", "--volumes", "--remove-orphans"))
        run("docker", "image", "rm", compose.image, compose.peers_image)  # Compose v2 has done so


def test_what_the_server_and_the_load_are_told_alike_is_by_default_what_the_server_does_anyway() -> None:
    names: dict[str, Any] = {f"FANFARE_{setting.name.upper()}": setting.default for setting in fields(Settings)}
    given = set(re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "compose.yaml").read_text()))
    assert {(name, float(value)) for name, value in given if name in SETTINGS} == {
        (name, float(names[name])) for name in SETTINGS
    }


def test_compose_accepts_the_file_without_a_word(compose: Compose) -> None:
    config = compose("config", "--quiet")
    assert (config.returncode, config.stdout, config.stderr) == (0, "", "")


def test_a_scenario_exits_0_and_loses_nothing_and_starts_no_other_users(compose: Compose) -> None:
    summary = compose.passed("broadcast", "--duration=2", "--rate=20", "--require=lost=0", *QUICK)
    assert (summary["verdict"], summary["messages"]["lost"]) == ("pass", 0), summary["reasons"]
    assert summary["messages"]["delivered"] == summary["messages"]["expected_deliveries"] > 0
    assert compose.container("users") == ""


def test_a_missed_threshold_exits_1(compose: Compose) -> None:
    missed = compose.scenario("broadcast", *USERS, *UNHURRIED, *QUICK, "--duration=1", "--require=p50<1us")
    summary = compose.summary()
    assert (missed.returncode, summary["verdict"]) == (1, "fail"), summary["reasons"]


def test_every_way_of_dying_is_noticed_in_containers_too(compose: Compose) -> None:
    summary = compose.passed("crash", "--ways=quit,fin,rst,kill,stop,silence", *BRIEF)
    deaths = {death["how"]: death for death in summary["disconnects"]}
    assert list(deaths) == ["quit", "fin", "rst", "kill", "stop", "silence"]
    assert {(death["victims"], death["informed"], death["ghosts"]) for death in deaths.values()} == {(2, 18, 0)}
    assert [deaths[how]["deadline_us"] for how in ("stop", "silence")] == [6_000_000, 3_000_000]  # as SETTINGS say
    for name in ("summary.json", "report.html"):
        assert (compose.report / name).stat().st_mode & 0o444 == 0o444  # of root, and for everybody


def test_slow_readers_cost_the_server_what_its_settings_allow(compose: Compose) -> None:
    loud = ("--rate=200", "--message-size=350")
    slow = compose.passed("slow", *BRIEF, "--stalled=6", *loud)["slow"]  # in the place of root's report
    assert (slow["slow"], slow["dropped"]) == (2, 2)
    assert slow["memory_bound_bytes"] == 2 * 32_768 + 16 * 1_048_576
    assert {f"{name}={value}" for name, value in SETTINGS.items()} <= set(compose.inspect("server")["Config"]["Env"])
    assert 0 < slow["memory_before_bytes"] <= slow["memory_peak_bytes"]


def test_churn_sees_what_the_server_holds_from_its_own_container(compose: Compose) -> None:
    churn = compose.passed("churn", "--duration=4", "--stay=1", *QUICK)["churn"]
    before, after = churn["server"]["before"], churn["server"]["after"]
    assert churn["departures"] > 0
    assert churn["residents"] < before["descriptors"] == after["descriptors"]
    assert before["threads"] == after["threads"] == int(compose.server_status()["Threads"]) > 1
    assert after["memory_bytes"] > 0


def test_a_stampede_restarts_a_server_of_its_own(compose: Compose) -> None:
    started = compose.inspect("server")["State"]["StartedAt"]
    stampede = compose.passed("stampede", *BRIEF, "--after=1")["stampede"]
    assert (stampede["users"], stampede["returned"], stampede["kept"]) == (20, 20, 0)
    assert stampede["server"]["cpu_s"] > 0
    assert compose.inspect("server")["State"]["StartedAt"] == started


def test_capacity_is_searched_for_in_a_range(compose: Compose) -> None:
    steps = ("--step=1", "--warm-up=0", "--repeats=1", "--start=10", "--most=20", "--require=lost=0")
    capacity = compose.passed("capacity", *QUICK, *steps)["capacity"]
    assert [step["load"] for step in capacity["steps"]] == [10, 20, 20]
    assert (capacity["knee"]["load"], capacity["limited_by"]) == (20, "range")


def test_the_health_check_speaks_the_protocol(compose: Compose) -> None:
    server = compose.inspect("server")
    assert server["State"]["Health"]["Status"] == "healthy"
    assert server["Config"]["Healthcheck"]["Test"] == ["CMD", "fanfare", "check"]
    nobody_there = run("docker", "exec", server["Id"], "fanfare", "check", "irc://127.0.0.1:1")
    assert nobody_there.returncode != 0


def test_the_server_has_no_rights_and_can_write_nothing(compose: Compose) -> None:
    server = compose.container("server")
    fields = compose.server_status()
    assert "0" not in fields["Uid"].split()
    assert int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    for directory in ("/", "/tmp", "/opt/fanfare", "/var/tmp"):
        written = run("docker", "exec", "--user", "0", server, "touch", f"{directory}/probe")
        assert "Read-only file system" in written.stderr


def test_what_a_container_may_take_of_the_machine_is_limited(compose: Compose) -> None:
    host = compose.inspect("server")["HostConfig"]
    assert (host["Memory"], host["PidsLimit"]) == (2 << 30, 512)
    assert (host["CapDrop"], host["SecurityOpt"][0]) == (["ALL"], "no-new-privileges:true")


def test_nothing_in_the_server_image_makes_anybody_root(compose: Compose) -> None:
    setuid = ("find", "/", "-xdev", "-type", "f", "-perm", "/6000")
    assert checked(run("docker", "exec", "--user", "0", compose.container("server"), *setuid)) == ""


def test_ports_published_for_all_without_a_rate_limit_are_refused(compose: Compose) -> None:
    image = compose.inspect("server")["Image"]
    open_to_all = ("--env", "FANFARE_BIND=0.0.0.0", "--env", "FANFARE_RATE_LIMIT=off", "--env", "FANFARE_LOG=memory:")
    refused = run("docker", "run", "--rm", "--network", "none", *open_to_all, image)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("fanfare: rate_limit is off and the ports are published on 0.0.0.0")


def test_the_server_image_holds_no_compiler_and_no_installer(compose: Compose) -> None:
    server = compose.container("server")
    tools = "for tool in cc gcc g++ clang c++ ld make pip pip3 uv; do command -v $tool; done; true"
    assert checked(run("docker", "exec", server, "sh", "-c", tools)) == ""
    found = "import importlib.util as u; print([n for n in ('pip', 'ensurepip', 'setuptools') if u.find_spec(n)])"
    for python in ("/opt/fanfare/bin/python3", "python3"):
        assert checked(run("docker", "exec", server, python, "-c", found)) == "[]"
    wheels = checked(run("docker", "exec", "--user", "0", server, "find", "/", "-xdev", "-name", "*.whl"))
    assert wheels == ""


def test_the_desktop_client_on_this_machine_talks_with_a_tutorial_client_in_the_lobby(compose: Compose) -> None:
    """Without its window: the client's network thread and its model."""
    session = Session(Address(*compose.address("server", 6667)), "ana")
    model = Network("ana", "#lobby", "the container")

    def until(seen: Callable[[], object]) -> None:
        while not seen():
            model.take(session.news.get(timeout=PATIENCE))

    session.start()
    until(lambda: "ana" in model.current.members)
    with socket.create_connection(compose.address("server", 55555), timeout=PATIENCE) as relay:
        relay.sendall(b"bo: hello from a tutorial")
        until(lambda: [line.text for line in model.current.lines if line.nick == "bo"] == ["hello from a tutorial"])
        assert "bo" in model.current.members
        model.say("hello from a desktop")
        assert session.send(b"".join(model.take_output()))
        heard = b""
        while b"hello from a desktop" not in heard:
            data = relay.recv(4096)
            assert data, f"the relay's connection ended after {heard!r}"
            heard += data
    until(lambda: "bo" not in model.current.members)
    session.close()
    assert session.join(PATIENCE)
    assert b"ana: hello from a desktop" in heard


def test_the_page_comes_up_with_the_users_already_at_work(compose: Compose) -> None:
    checked(compose("up", "--detach", "users"))
    users = compose.container("users")
    with subprocess.Popen(
        ["docker", "logs", "--follow", users], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as log:
        assert log.stdout is not None
        assert any("All users spawned" in line for line in log.stdout), "the users' container ended before its start"
        log.terminate()
    host, port = compose.address("users", 8089)
    with urllib.request.urlopen(f"http://{host}:{port}/stats/requests", timeout=PATIENCE) as page:
        stats = json.load(page)
    assert (stats["state"], stats["user_count"]) == ("running", 20)


def test_workers_share_one_run_and_one_account(compose: Compose) -> None:
    """What the workers of four containers count adds up to exactly what is due."""
    rooms = ("--scenario=room", "--room-size=5", "--rate=4", "--duration=2")
    together = ("--profile", "distributed", "run", "--rm", "-T", "--use-aliases", "load-master", "--headless")
    merged = compose(*together, *USERS, *UNHURRIED, *QUICK, *rooms)
    assert merged.returncode == 0, merged.stderr[-4000:] + merged.stdout[-4000:]
    summary = compose.summary()
    assert (summary["users"], summary["generator"]["workers"]) == (20, 4)
    assert summary["messages"]["sent"] == 20 * 4 * 2
    assert summary["messages"]["delivered"] == summary["messages"]["expected_deliveries"] == 160 * (5 - 1)
    assert (summary["fanout_us"]["count"], summary["complete_us"]["count"]) == (640, 160)


def test_each_peer_has_its_turn_and_is_read_from_outside_its_container(compose: Compose) -> None:
    checked(compose("build", "ngircd"))
    checked(compose("--profile", "peers", "up", "--detach", *PEERS))
    in_turn = ("--profile", "compare", "run", "--rm", "-T", "compare")
    compared = compose(*in_turn, *USERS, *UNHURRIED, *QUICK, "--duration=1")
    assert compared.returncode == 0, compared.stderr[-4000:] + compared.stdout[-4000:]
    answer = json.loads((compose.report / "compare.json").read_text())
    rows = {row["server"]: row for row in answer["servers"]}
    assert list(rows) == ["fanfare", *PEERS]
    assert {(row["verdict"], row["users"], row["messages"], row["lost"]) for row in rows.values()} == {
        ("pass", 20, 60, 0)  # of three rounds
    }
    assert all(row["server_memory_bytes"] > 0 for row in rows.values())
    for name in rows:
        assert (compose.report / "compare" / name / "round-1" / "report.html").stat().st_size > 0


def test_the_peers_are_confined_and_their_health_checks_speak_the_protocol(compose: Compose) -> None:
    for name in PEERS:  # started by the test before
        peer = compose.inspect(name)
        host = peer["HostConfig"]
        assert peer["State"]["Health"]["Status"] == "healthy"
        assert peer["Config"]["Healthcheck"]["Test"][:4] == ["CMD", "python3", "-m", "chat.cli"]
        assert (peer["Config"]["User"], host["CapDrop"], host["ReadonlyRootfs"]) == ("10001:10001", ["ALL"], True)
        assert host["SecurityOpt"] == ["no-new-privileges:true"]


def test_a_stopped_server_drains_and_exits_0(compose: Compose) -> None:  # the last: the others need it running
    server = compose.container("server")
    checked(run("docker", "stop", server))
    state = json.loads(checked(run("docker", "inspect", "--format", "{{json .State}}", server)))
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
