"""Recognise HTTP, TLS and a proxy's header by the first bytes of a connection. Knows no wire and no sockets.

A web page can make a browser send a request to any port, with a body of the page's choice. Read as chat, its headers
would be spoken and the lines of its body run as commands. So a connection that begins like a request is refused.
"""

import re

from chat.errors import WireError

TLS_RECORD = b"\x16\x03"  # a handshake record (RFC 8446, section 5.1): how every TLS client begins
# RFC 9110, section 9.1; PATCH; and PRI, which opens HTTP/2. Browsers ask with OPTIONS before they use any other.
_METHOD = "(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI)"
_VERB = re.compile(rf"{_METHOD}[ \r\n]".encode(), re.IGNORECASE)
# A known method and a path suffice: the first read may end inside a long path. Any other method needs ` HTTP/`.
_REQUEST = re.compile(
    rf"{_METHOD} (?:/|https?://)|[A-Z-]+ (?:[/*]|https?://|[^ \r\n]+:[0-9])[^ \r\n]* HTTP/[0-9]".encode()
)
_PROXY = re.compile(rb"PROXY (?:TCP4 |TCP6 |UNKNOWN[ \r])|(?:\r\n\r\n)?\0\r\nQUIT\n")
_WEB = "this is not a web server"


def refuse_foreign(start: bytes) -> None:
    """Raise WireError when a connection begins with these bytes of TLS or HTTP, or of a PROXY header."""
    if start.startswith(TLS_RECORD):
        raise WireError("this port does not speak TLS")
    if _PROXY.match(start):
        raise WireError("no proxy may say here where a connection comes from")
    if _REQUEST.match(start):
        raise WireError(_WEB)


def refuse_foreign_verb(start: bytes) -> None:
    """As `refuse_foreign`, for a wire on which no first line begins with the name of an HTTP method."""
    if _VERB.match(start):
        raise WireError(_WEB)
    refuse_foreign(start)
