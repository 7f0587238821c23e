"""Users come from as many addresses as they need; what the machine has run out of is never the server's fault."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chat.errors import SetupError
from loadtest.net import addresses
from loadtest.net.addresses import Sources, choose, parse
from tests.loadtest.runs import PATIENCE, QUICK, ROOT, UNHURRIED, command, run, summary
from tests.netns import Namespace, network_namespace

HERE = (socket.AF_INET, ("127.0.0.1", 6667))
FEW_PORTS = 'echo "40000 40019" > /proc/sys/net/ipv4/ip_local_port_range; exec "$@"'  # 20 of them


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        ("127.0.0.2", ["127.0.0.2"]),
        ("127.0.0.254-127.0.1.1", ["127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1"]),
        ("10.0.0.1, 10.0.0.3-10.0.0.4", ["10.0.0.1", "10.0.0.3", "10.0.0.4"]),
        ("::1-::2", ["::1", "::2"]),
    ],
)
def test_addresses_are_a_list_of_addresses_and_ranges(words: str, addresses: list[str]) -> None:
    assert parse(words) == addresses


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("here", "'here' does not appear to be an IPv4 or IPv6 address"),
        ("127.0.0.2,", "'' does not appear"),
        ("127.0.0.3-127.0.0.2", "must be from 1 to 4,096 addresses, the lowest first"),
        ("127.0.0.3-::1", "must be from 1 to 4,096 addresses"),
        ("127.0.0.0-127.0.16.0", "must be from 1 to 4,096 addresses"),
    ],
)
def test_what_is_no_list_of_addresses_is_refused(words: str, reason: str) -> None:
    with pytest.raises(SetupError, match=f"--source-addresses {re.escape(words)}: {reason}"):
        parse(words)


@pytest.mark.parametrize(
    ("words", "reason"),
    [("192.0.2.1", "Cannot assign requested address"), ("::1", "the server's address is of the other family")],
)
def test_an_address_that_is_not_this_machines_is_refused_before_anybody_connects(words: str, reason: str) -> None:
    with pytest.raises(SetupError, match=f"--source-addresses {words}: {reason}"):
        choose(words, HERE, 1)


def test_a_loopback_servers_users_get_addresses_when_they_exceed_four_fifths_of_the_ports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "range").write_text("1000\t1099\n")
    monkeypatch.setattr(addresses, "_PORT_RANGE", tmp_path / "range")
    assert choose("", HERE, 80).addresses == ()
    assert choose("", HERE, 81).addresses == ("127.0.0.2", "127.0.0.3")
    assert choose("", (socket.AF_INET, ("192.0.2.1", 6667)), 1_000).addresses == ()
    assert choose("127.0.0.9", HERE, 1_000).addresses == ("127.0.0.9",)
    monkeypatch.setattr(addresses, "_PORT_RANGE", tmp_path / "none")
    assert choose("", HERE, 1_000).addresses == ()


def test_connections_take_the_addresses_in_turn_and_no_port_before_they_connect() -> None:
    two = Sources(["127.0.0.2", "127.0.0.3"])
    names = []
    for _ in range(3):
        with socket.socket() as sock:
            two.bind(sock)
            names.append(sock.getsockname())
    assert names == [("127.0.0.2", 0), ("127.0.0.3", 0), ("127.0.0.2", 0)]


@contextmanager
def few_ports() -> Iterator[tuple[Namespace, str]]:
    """A network of its own with 20 ephemeral ports, and a server in it; gives its URL."""
    with network_namespace() as network:
        words = [sys.executable, "-m", "chat.cli", "serve", "--listen", "irc://127.0.0.1:6667", "--rate-limit", "off"]
        with subprocess.Popen(
            [*network.prefix, "sh", "-c", FEW_PORTS, "sh", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout
                assert "6667" in server.stdout.readline()
                yield network, "irc://127.0.0.1:6667"
            finally:
                server.kill()


def run_in(network: Namespace, host: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = [*network.prefix, *command("--headless", "--host", host, *QUICK, *UNHURRIED, *options)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_more_users_than_ports_get_in_whoever_connects_them(tmp_path: Path) -> None:
    crash = ("--scenario", "crash", "--victims", "30", "--ways", "fin", "--before", "1", "--after", "0")
    churn = ("--scenario", "churn", "--residents", "2", "--arrivals", "60", "--stay", "1", "--duration", "2")
    with few_ports() as (network, host):
        for options in (("--users", "40"), ("--users", "40", *crash), ("--users", "120", *churn)):
            done = run_in(network, host, *options, "--report", str(tmp_path))
            assert done.returncode == 0, done.stdout + done.stderr
            assert summary(tmp_path)["verdict"] == "pass"


def test_running_out_of_ports_is_one_reason_and_invalid(tmp_path: Path) -> None:
    crash = ("--scenario", "crash", "--victims", "30", "--ways", "fin", "--before", "1", "--after", "0")
    churn = ("--scenario", "churn", "--residents", "2", "--arrivals", "60", "--stay", "1", "--duration", "2")
    one = ("--source-addresses", "127.0.0.1", "--report", str(tmp_path))
    with few_ports() as (network, host):
        for options, begins in (
            (("--users", "40"), r"only \d+ of 40 users were in: connect: "),
            (("--users", "40", *crash), "the victims did not get in: "),
            (("--users", "120", *churn), "the generator could not connect: "),
        ):
            done = run_in(network, host, *options, *one)
            assert done.returncode == 3, done.stdout + done.stderr
            (reason,) = summary(tmp_path)["reasons"]
            assert re.match(
                begins + r"\[Errno 99\] Cannot assign requested address; no port is left: use more --", reason
            )


def test_a_bad_source_address_is_one_line_and_exit_status_2() -> None:
    for word in ("here", "192.0.2.1"):
        done = run(1, *QUICK, "--source-addresses", word)
        assert done.returncode == 2, done.stdout + done.stderr
        assert [line for line in done.stderr.splitlines() if "--source-addresses" in line]
        assert "Traceback" not in done.stderr
