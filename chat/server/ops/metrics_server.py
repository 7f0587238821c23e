"""Metrics and health by HTTP, with threads of its own: `/metrics` for Prometheus, `/healthz` and `/livez` for probes.

Takes the package prometheus-client, so it is imported only where it is asked for.
"""

import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from chat.errors import SetupError
from chat.server.ops.metrics import METRICS, Metric, Sources, health

MOST_REQUESTS = 8  # at once; further connections are closed
TIMEOUT = 10.0  # s for a request to come and an answer to be taken

log = logging.getLogger(__name__)


class MetricsServer:
    """Any thread may call any method."""

    def __init__(self, place: str, sources: Sources) -> None:
        """Binds `HOST:PORT`. Raises SetupError."""
        host, _, port = place.rpartition(":")
        registry = CollectorRegistry()
        registry.register(_Collector(sources))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        try:
            self._server = _HttpServer((host.strip("[]"), int(port)), sources, registry)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise SetupError(f"cannot serve metrics on {place}: {reason}") from None
        self.url = f"http://{host}:{self._server.server_address[1]}/metrics"
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], sources: Sources, registry: CollectorRegistry) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sources = sources
        self.registry = registry
        self._free = threading.BoundedSemaphore(MOST_REQUESTS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a request for metrics failed", exc_info=True)  # the peer has gone, or speaks no HTTP


class _Handler(BaseHTTPRequestHandler):
    timeout = TIMEOUT
    server_version, sys_version = "Fanfare", ""
    server: _HttpServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, encode(self.server.registry), content_type)
        elif path == "/healthz":
            self._answer_health(health(self.server.sources))
        elif path == "/livez":
            silence = self.server.sources.heartbeat
            self._answer_health("the loop does not answer" if silence.is_stuck else "")
        else:
            self._answer(404, b"/metrics, /healthz and /livez are here\n")

    do_HEAD = do_GET  # noqa: N815 - the base class calls it so

    def _answer_health(self, reason: str) -> None:
        self._answer(503 if reason else 200, f"{reason or 'ok'}\n".encode())

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Scrapes are not logged."""


class _Collector(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            yield _family(metric, metric.read(self._sources))


def _family(metric: Metric, value: Any) -> Family:
    name, text = metric.name, metric.help
    if metric.kind == "histogram":
        buckets = list(_cumulated(value.bounds, value.counts))
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=value.sum)
    if metric.kind == "summary":
        return SummaryMetricFamily(name, text, count_value=value[0], sum_value=value[1])
    family: Any = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}[metric.kind](
        name, text, labels=metric.labels
    )
    for labels, number in (value if metric.labels else {(): value}).items():
        family.add_metric(labels, number)
    return cast(Family, family)


def _cumulated(bounds: Any, counts: Any) -> Iterator[tuple[str, int]]:
    total = 0
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        yield bound, total
