"""Choose what lies between a socket and a wire: nothing, TLS, WebSocket, or WebSocket on TLS."""

from chat.errors import SetupError
from loadtest.net.addresses import host_of
from loadtest.net.tls import Layer, Tls, context_of
from loadtest.wires.wire import Wire


def layer_of(url: str, wire: type[Wire], ca_file: str) -> Layer | None:
    """What a connection to there needs; None where the wire's bytes are the socket's. Raises SetupError."""
    tls = Tls(context_of(ca_file), host_of(url)) if wire.tls else None
    if not wire.web:
        return tls
    try:
        from loadtest.net.web_socket import WebSocket
    except ImportError:
        raise SetupError("ws:// and wss:// take the package websockets: pip install 'fanfare[load]'") from None
    return WebSocket(url, wire.port, tls)
