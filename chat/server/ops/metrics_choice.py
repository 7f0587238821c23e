"""Serve metrics where the package for it is installed, and say so where it is not."""

from typing import Protocol

from chat.errors import SetupError
from chat.server.ops.metrics import Sources


class Serving(Protocol):
    """Serves them by HTTP, once started."""

    url: str

    def start(self) -> None: ...

    def stop(self) -> None: ...


def open_metrics(place: str, sources: Sources) -> Serving:
    """Serve metrics on `HOST:PORT`. Raises SetupError, also when the package for it is missing."""
    try:
        from chat.server.ops.metrics_server import MetricsServer
    except ImportError:
        raise SetupError("metrics takes the package prometheus-client: pip install 'fanfare[metrics]'") from None
    return MetricsServer(place, sources)
