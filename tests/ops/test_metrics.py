"""Metrics: each is right, all follow the conventions, scraping holds nobody, and nothing of it is needed to serve."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import Signals
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import chat
from bench.still import StillServer, still_server
from chat.errors import SetupError
from chat.server.net.ends import KINDS, kind_of_end
from chat.server.net.gate import Gate
from chat.server.ops.heartbeat import STUCK_AFTER, Heartbeat
from chat.server.ops.metrics import METRICS, Histogram, Sources, health
from chat.server.ops.metrics_server import MOST_REQUESTS, MetricsServer
from chat.server.server import Server
from chat.settings import Settings
from chat.wires.relay import RelayWire
from tests.ops.serving import serving
from tests.support import PATIENCE, RunningServer, running_server
from tests.tls import Authority, secure_irc


def sources_of(server: StillServer) -> Sources:
    return Sources(Gate(10, 10, 10), server.loop, Heartbeat(server.loop.mailbox.post), lambda: False)


def read(sources: Sources, name: str) -> Any:
    (metric,) = [metric for metric in METRICS if metric.name == name]
    return metric.read(sources)


def dropped(sources: Sources) -> dict[str, int]:
    """Those that there are; the others are there with 0, so that an alert sees the first."""
    counts = read(sources, "fanfare_connections_dropped")
    assert len(counts) > 5
    return {kind: count for (kind,), count in counts.items() if count}


def test_messages_and_deliveries_are_counted_once_each() -> None:
    with still_server() as server:
        sources = sources_of(server)
        ana, bea, _ = (server.connect(nick, "#a") for nick in ("ana", "bea", "carl"))
        server.connect("dora")
        server.say(ana, "PRIVMSG #a :one", "PRIVMSG #a :two")
        assert (read(sources, "fanfare_messages"), read(sources, "fanfare_deliveries")) == (2, 4)
        server.say(bea, "CAP REQ echo-message", "PRIVMSG #a :three")  # she hears herself
        assert (read(sources, "fanfare_messages"), read(sources, "fanfare_deliveries")) == (3, 7)
        server.say(bea, "PRIVMSG dora :four", "PRIVMSG nobody :five", "TOPIC #a :no message")
        assert (read(sources, "fanfare_messages"), read(sources, "fanfare_deliveries")) == (4, 8)
        assert (read(sources, "fanfare_users"), read(sources, "fanfare_rooms")) == (4, 1)


def test_connections_are_counted_by_wire_and_transport_and_ends_by_their_reason() -> None:
    with still_server() as server:
        sources = sources_of(server)
        ana, _ = server.connect("ana"), server.connect("bea")
        server.adopt(RelayWire())
        assert read(sources, "fanfare_connections") == {("irc", "stillsocket"): 2, ("relay", "stillsocket"): 1}
        ana.ended = True
        server.settle()
        assert read(sources, "fanfare_connections")["irc", "stillsocket"] == 1
        assert dropped(sources) == {"closed": 1}
        assert read(sources, "fanfare_connections_accepted") == 3
        server.advance(1000.0)
        server.advance(1000.0)
        assert dropped(sources) == {"closed": 1, "ping_timeout": 1}


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Slow reader: 1,048,577 bytes unread for 10 s, the limit is 1,048,576", "slow_reader"),
        ("9,000,000 bytes wait for it while the server is short of memory", "memory"),
        ("Excess flood: more than 32 lines before registration", "flood"),
        ("anything that a peer wrote", "other"),
    ],
)
def test_a_reason_is_of_one_of_a_few_kinds(reason: str, kind: str) -> None:
    assert kind_of_end(reason) == kind


def test_the_kinds_begin_as_the_reasons_in_the_code_do() -> None:
    """A reason that is worded anew would be counted as another."""
    package = Path(chat.__file__).parent / "server"
    text = "".join(path.read_text() for path in package.rglob("*.py") if path.name != "ends.py")
    for beginning in KINDS:
        assert f'"{beginning}' in text, beginning


def test_bytes_and_sends_and_what_waits() -> None:
    with still_server() as server:
        sources = sources_of(server)
        ana, bea = server.connect("ana", "#a"), server.connect("bea", "#a")
        before = {
            name: read(sources, f"fanfare_{name}") for name in ("received_bytes", "sent_bytes", "sends", "commands")
        }
        bea.heard.clear()
        server.say(ana, "PRIVMSG #a :good morning")
        after = {name: read(sources, f"fanfare_{name}") - value for name, value in before.items()}
        size = len(b"".join(bea.heard))
        assert after == {"received_bytes": 26, "sent_bytes": size, "sends": 1, "commands": 1}
        bea.room = 10
        server.say(ana, "PRIVMSG #a :good morning")
        assert (read(sources, "fanfare_send_queue_bytes"), read(sources, "fanfare_send_queues")) == (size - 10, 1)


def test_passes_are_counted_by_their_length() -> None:
    with still_server() as server:
        sources = sources_of(server)
        before = read(sources, "fanfare_loop_pass_seconds")
        server.step()
        after: Histogram = read(sources, "fanfare_loop_pass_seconds")
        assert sum(after.counts) == sum(before.counts) + 1
        assert len(after.counts) == len(after.bounds) + 1


def test_the_log_says_what_is_not_safe(tmp_path: Path) -> None:
    with running_server(log=f"sqlite:{tmp_path / 'log'}", metrics="127.0.0.1:0") as server:
        ana = server.irc("ana", "#a")
        ana.say("#a", "hello")
        ana.sync()
        while scraped(server)["fanfare_log_commit_seconds_count"] < 1:
            pass
        while scraped(server)["fanfare_log_waiting_entries"]:
            pass
        samples = scraped(server)
        assert samples["fanfare_log_lag_seconds"] == 0.0
        assert samples["fanfare_log_commit_seconds_sum"] > 0.0


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def scraped(server: RunningServer) -> dict[str, float]:
    """The samples by name, with labels as Prometheus writes them."""
    status, text = get(server.server.metrics_url)
    assert status == 200
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_of_a_server_has_everything(tmp_path: Path) -> None:
    with running_server(("irc", "relay"), metrics="127.0.0.1:0") as server:
        ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
        relay = server.plain("relay")
        ana.say("#a", "hello")
        bea.expect("PRIVMSG")
        samples = scraped(server)
        assert samples["fanfare_connections{transport=tcp}{wire=irc}"] == 2
        assert samples["fanfare_connections{transport=tcp}{wire=relay}"] == 1
        assert samples["fanfare_messages_total"] == 1
        relay.sock.close()
        assert samples["process_open_fds"] > 0
        _, text = get(server.server.metrics_url)
        for metric in METRICS:
            assert f"# TYPE {metric.name}" in text
        if promtool := shutil.which("promtool"):
            checked = subprocess.run(
                [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
            )
            assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_refused_connection_is_counted_with_its_reason() -> None:
    with running_server(metrics="127.0.0.1:0", max_connections=1) as server:
        server.irc("ana").sync()
        assert server.raw().rest() != []
        assert scraped(server)["fanfare_connections_refused_total{reason=full}"] == 1


def test_handshakes_are_counted_with_their_outcome_and_the_certificate_has_an_end(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with running_server(("irc", "ircs"), metrics="127.0.0.1:0", **authority.settings) as server:
        secure_irc(server, authority.client(), "ana", "#a").sync()
        plain = server.connect("ircs")
        plain.sendall(b"NICK bea\r\n")
        while plain.recv(4096):
            pass
        samples = scraped(server)
        assert samples["fanfare_tls_handshakes_total{outcome=made}"] == 1
        assert samples["fanfare_tls_handshakes_total{outcome=not_tls}"] == 1
        assert samples["fanfare_connections{transport=tls}{wire=irc}"] == 1
        assert samples["fanfare_certificate_expiry_timestamp_seconds"] > time.time()


def test_health_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with still_server() as server:
        now = [0.0]
        stopping: list[int] = []
        heartbeat = Heartbeat(server.loop.mailbox.post, clock=lambda: now[0])
        sources = Sources(Gate(1, 1, 1), server.loop, heartbeat, lambda: bool(stopping))
        heartbeat.beat()
        assert health(sources) == ""
        now[0] += STUCK_AFTER + 1
        assert health(sources) == "the loop has not answered for 6 s"
        server.settle()
        assert health(sources) == ""
        figures = server.loop.node.log.figures()
        object.__setattr__(figures, "error", "disk full")
        monkeypatch.setattr(server.loop.node.log, "figures", lambda: figures)
        assert health(sources) == "the log takes nothing: disk full"
        stopping.append(1)
        assert health(sources) == "the server stops"


def test_healthz_and_livez_are_answered_beside_the_metrics() -> None:
    with running_server(metrics="127.0.0.1:0", drain=PATIENCE) as server:
        base = server.server.metrics_url.removesuffix("/metrics")
        assert get(f"{base}/healthz") == (200, "ok\n")
        assert get(f"{base}/livez?x=y") == (200, "ok\n")
        assert get(f"{base}/")[0] == 404
        server.server._stopping = "set by the test"
        assert get(f"{base}/healthz") == (503, "the server stops\n")
        assert get(f"{base}/livez") == (200, "ok\n")  # to be started again would help nobody


def test_a_stuck_loop_is_found_by_probes() -> None:
    with running_server(metrics="127.0.0.1:0") as server, stuck(server):
        base = server.server.metrics_url.removesuffix("/metrics")
        while get(f"{base}/livez") == (200, "ok\n"):
            pass
        assert get(f"{base}/livez") == (503, "the loop does not answer\n")
        assert get(f"{base}/healthz")[0] == 503
        assert get(f"{base}/metrics")[0] == 200


@contextmanager
def stuck(server: RunningServer) -> Iterator[None]:
    """The loop waits until the end of the block."""
    import threading

    go_on = threading.Event()
    server.server.loop.mailbox.post(lambda: [None, None][go_on.wait()])
    try:
        yield
    finally:
        go_on.set()


def test_more_requests_than_there_is_room_for_are_closed() -> None:
    with running_server(metrics="127.0.0.1:0") as server:
        host, port = server.server.metrics_url.split("/")[2].split(":")
        held = [socket.create_connection((host, int(port)), PATIENCE) for _ in range(MOST_REQUESTS)]
        late = socket.create_connection((host, int(port)), PATIENCE)
        assert late.recv(1) == b""
        for sock in (*held, late):
            sock.close()


def test_a_busy_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, still_server() as server:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SetupError, match=f"cannot serve metrics on {place}: Address already in use"):
            MetricsServer(place, sources_of(server))


@pytest.mark.parametrize("place", ["9090", "a b:1", ":1", "localhost:", "localhost:70000", "::1:80"])
def test_what_is_no_address_is_refused(place: str) -> None:
    with pytest.raises(SetupError, match=r"metrics is .*, not HOST:PORT"):
        Settings(metrics=place)


def test_without_the_package_the_server_says_which_one_and_serves_without_metrics() -> None:
    root = Path(chat.__file__).parent.parent
    script = f"import sys; sys.path.insert(0, {str(root)!r}); from chat.cli import main; sys.exit(main())"
    bare = (sys.executable, "-S", "-I", "-c", script, "serve", "--listen", "irc://127.0.0.1:0")
    with serving("--metrics", "127.0.0.1:0", command=bare) as process:
        missing = "fanfare: metrics takes the package prometheus-client: pip install 'fanfare[metrics]'\n"
        assert process.end() == (2, missing)
    with serving(command=bare) as process:
        assert process.port()
        process.signal(Signals.SIGTERM)
        assert process.end()[0] == 0


def test_the_address_is_said_behind_the_listeners() -> None:
    with serving("--listen", "irc://127.0.0.1:0", "--metrics", "127.0.0.1:0") as process:
        assert process.port()
        assert process.process.stdout is not None
        line = next(line for line in process.process.stdout if line.startswith("metrics on "))
        assert line.startswith("metrics on http://127.0.0.1:")
        assert get(line.split()[-1])[0] == 200


def test_a_server_that_cannot_have_its_metrics_address_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        path = tmp_path / "server.sock"
        with pytest.raises(SetupError):
            Server(Settings(log="memory:", admin=str(path), metrics=place)).start()
        assert not path.exists()
