"""The scenario nodes end to end: a node of a real cluster, and its store, are stopped and killed. Exact counts."""

import re
import shlex
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.loadtest.cluster import needs_store, running_cluster
from tests.loadtest.fronts import running_fronts
from tests.loadtest.runs import LOSING, PATIENCE, ROOT, UNHURRIED, command, master_port, run, summary
from tests.loadtest.runs import started as started_run
from tests.ops.serving import SERVE, serving
from tests.shared.network import network
from tests.shared.store_process import RedisProcess, started
from tests.support import running_server

USERS = 8
STORE_PORT = 6379  # of the store's own network
NODES = ("--scenario", "nodes", "--users", str(USERS), "--spawn-rate", "100", "--settle", "0.1", "--grace", "20")
BRIEF = ("--before", "1", "--after", "0", "--rate", "20", "--outage", "1", *UNHURRIED)
# How soon it is depends on the machine: the nodes' lease is 4 s, and only a fault takes 8.
LEASE = ("--server-lease", "8")
NO_FAULT = {"lost": 0, "duplicated": 0, "reordered": 0, "stray": 0, "corrupt": 0, "diverged": 0}


@needs_store
@pytest.mark.parametrize(("processes", "faults"), [(1, "stop,kill"), (2, "kill,store-stop")])
def test_users_of_other_nodes_are_told_of_a_dead_nodes_users_and_lose_nothing(
    tmp_path: Path, processes: int, faults: str
) -> None:
    several = ("--processes", "2", *master_port()) if processes > 1 else ()
    with running_cluster(tmp_path, 2) as cluster:
        options = (
            "--faults",
            faults,
            "--control",
            str(cluster.control),
            "--report",
            str(tmp_path / "report"),
            *several,
        )
        done = run(0, *cluster.hosts, *NODES, *BRIEF, *LEASE, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path / "report")
    assert {name: report["messages"][name] for name in NO_FAULT} == NO_FAULT
    assert report["members"] == {"joined": 0, "left": USERS // 2, "dropped": 0}, "whose node was killed"
    for each in report["disconnects"]:
        victims = 0 if each["how"].startswith("store") else USERS // 2
        told = {name: each[name] for name in ("victims", "informed", "ghosts", "false_deaths")}
        assert told == {"victims": victims, "informed": victims, "ghosts": 0, "false_deaths": 0}
        assert each["observers"] == USERS - victims
        assert each["reasons"] == ({"The server n2 is gone": victims} if victims else {})
        assert each["fanout_us"]["before"]["count"] > 0
    back = {each["fault"]: each["back"] for each in report["nodes"]["faults"]}
    assert back == dict(zip(faults.split(","), (USERS // 2, None), strict=True))


# Of the store's machine: the second node is cut off there, and the store is killed and started again.
_CONTROL = """\
#!/bin/sh
case "$1 $2" in
"cut 2") nft add rule inet link arriving iifname node1 tcp dport {port} drop ;;
"mend 2") nft flush chain inet link arriving ;;
"kill store") kill -KILL "$(cat {folder}/store.pid)" ;;
"start store") {store} > {folder}/store.log 2>&1 & echo $! > {folder}/store.pid ;;
*) echo "cannot $1 $2"; exit 3 ;;
esac
"""


@needs_store
def test_a_node_whose_packets_are_dropped_and_a_store_that_is_killed_lose_nothing(tmp_path: Path) -> None:
    with network(2) as net, ExitStack() as stack:
        store = stack.enter_context(started(RedisProcess(tmp_path, STORE_PORT, "0.0.0.0", net.store.prefix)))
        (tmp_path / "store.pid").write_text(str(store.process.pid))
        control = tmp_path / "control"
        control.write_text(_CONTROL.format(port=STORE_PORT, folder=tmp_path, store=shlex.join(store.command)))
        control.chmod(0o755)
        for number, link in enumerate(net.links):
            log = ("--log", f"redis://{link.host}:{STORE_PORT}", "--node", f"n{number}", "--lease", "4")
            listen = ("--listen", "irc://0.0.0.0:6667", "--rate-limit", "off")
            node = stack.enter_context(serving(*log, *listen, command=(*link.node.prefix, *SERVE)))
            node.port()
        hosts = ",".join(f"irc://10.0.{number}.2:6667" for number in range(2))
        options = ("--control", str(control), "--faults", "cut,store-kill", "--report", str(tmp_path / "report"))
        load = command("--host", hosts, "--headless", *NODES, *BRIEF, *LEASE, *options)
        done = subprocess.run([*net.store.prefix, *load], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path / "report")
    assert {name: report["messages"][name] for name in NO_FAULT} == NO_FAULT
    told = {each["how"]: (each["victims"], each["informed"], each["false_deaths"]) for each in report["disconnects"]}
    assert told == {"cut": (4, 4, 0), "store-kill": (0, 0, 0)}
    assert report["nodes"]["faults"][0] == {"fault": "cut", "users": 4, "back": 4}


@pytest.mark.parametrize("fault", ["stop", "cut"])
def test_a_network_that_tells_nobody_of_a_dead_nodes_users_fails_and_what_waited_is_not_lost(
    tmp_path: Path, fault: str
) -> None:
    with running_server() as server, running_fronts(tmp_path, server.ports["irc"]) as fronts:
        options = ("--faults", fault, "--control", fronts.control, "--report", str(tmp_path / "report"))
        done = run(0, *fronts.hosts, *NODES, *BRIEF, "--server-lease", "0.1", *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert fronts.done == [f"{fault} 2", "cont 2" if fault == "stop" else "mend 2"]
    report = summary(tmp_path / "report")
    assert report["reasons"] == [f"{fault}: 0 of {USERS // 2} observers were told of all {USERS // 2} victims"]
    assert {name: report["messages"][name] for name in NO_FAULT} == NO_FAULT
    assert report["nodes"]["faults"] == [{"fault": fault, "users": USERS // 2, "back": USERS // 2}]


def test_what_the_users_of_another_node_do_not_get_is_lost_and_counted(tmp_path: Path) -> None:
    """The first message, to those of the second of three nodes, while the third one is killed."""
    word = re.compile(rb" PRIVMSG #load :\{[0-9a-f]{8}\.1\.0\.0\.")
    with running_server() as server, running_fronts(tmp_path, server.ports["irc"], count=3) as fronts:
        fronts.fronts[1].swallows = lambda line: bool(word.search(line))
        options = (
            "--faults",
            "kill",
            "--control",
            fronts.control,
            *LOSING,
            "--report",
            str(tmp_path / "report"),
        )
        done = run(0, *fronts.hosts, *NODES, *BRIEF, *LEASE, *options)
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path / "report")
    assert report["reasons"] == ["2 deliveries lost; the requirement is lost=0"]
    [killed] = report["disconnects"]
    assert (killed["victims"], killed["observers"], killed["informed"]) == (3, 5, 5)


def test_a_run_that_is_stopped_starts_the_node_that_it_has_killed(tmp_path: Path) -> None:
    with running_server() as server, running_fronts(tmp_path, server.ports["irc"]) as fronts:
        options = ("--headless", "--faults", "kill", "--control", fronts.control, "--server-lease", "60")
        with started_run(*fronts.hosts, *NODES, *BRIEF, *options) as process:
            while fronts.done != ["kill 2"]:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
        assert fronts.done == ["kill 2", "start 2"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--faults", "stop,fire"), "argument --faults: there is no fault 'fire', choose from stop, cut, store-stop"),
        (("--faults", "kill,stop", "--node-pids", "1,2"), "--faults: kill takes --control, or comes last"),
        (("--faults", "store-stop", "--node-pids", "1,2"), "--faults: store-stop takes --control, or --store-pid"),
        (("--faults", "cut", "--node-pids", "1,2"), "--faults: cut takes --control"),
        (("--announcers", "5"), "--announcers 5 is more than the 4 observers that there are at least"),
    ],
)
def test_options_that_do_not_fit_are_one_line(options: tuple[str, ...], reason: str) -> None:
    done = run(0, "--host", "irc://127.0.0.1:1,irc://127.0.0.1:2", *NODES, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr.splitlines()[-1]
