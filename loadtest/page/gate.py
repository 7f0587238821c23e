"""Who may talk to Locust's page: not another site's script in somebody's browser.

A browser sends `Origin` with what a page of another site posts, and the page's own name in `Host`. So a request whose
origin is another, or whose host is a name that this page does not have (a name that was rebound to this address), is
refused. Numbers, `localhost` and `--web-host` are the page's own names.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import abort, request

_READING = ("GET", "HEAD", "OPTIONS")


def refusal(method: str, host: str, origin: str | None, own_names: frozenset[str]) -> str:
    """Why such a request is refused; empty where it is not."""
    name = urlsplit(f"//{host}").hostname or ""
    if name not in own_names and not _is_number(name):
        return f"this page is not called {name!r}: open it by its address, or name it with --web-host"
    if origin is not None and origin != "null" and urlsplit(origin).netloc.lower() == host.lower():
        return ""
    return "" if origin is None or method in _READING else f"a page of {origin} may not ask for this"


def keep(app: Any, web_host: str, log: Callable[[str], None]) -> None:
    """Have the page's server refuse what is not its own page's."""
    own_names = frozenset(("localhost", web_host.lower()))

    @app.before_request  # type: ignore[untyped-decorator]
    def check() -> None:
        if why := refusal(request.method, request.host, request.headers.get("Origin"), own_names):
            log(f"Refused {request.method} {request.path}: {why}")
            abort(403, why)


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
