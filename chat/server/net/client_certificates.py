"""Take every certificate of a client, whoever has signed it: its fingerprint is what logs in.

A user's certificate is most often signed by itself. `ssl` ends the handshake where it cannot verify one, and has no
word for "ask, and do not verify". OpenSSL has: it leaves the verdict to a callback, which is set here by ctypes. It
goes on to check that the client has the certificate's key.
"""

import _ssl
import ctypes
import ssl

_VERDICT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_taken = _VERDICT(lambda store, argument: 1)  # OpenSSL keeps its address: it must live as long as any context
_SSL_CTX_OFFSET = object.__basicsize__  # of the pointer to OpenSSL's context in an ssl.SSLContext


class Unavailable(Exception):
    """This interpreter's TLS library is out of reach. The text says why."""


def take_any(context: ssl.SSLContext) -> None:
    """Ask clients for a certificate, and take whichever they have, or none. Raises Unavailable."""
    try:
        library = ctypes.CDLL(_ssl.__file__)  # symbols are found in what it is linked with
        options, set_callback = library.SSL_CTX_get_options, library.SSL_CTX_set_cert_verify_callback
    except (AttributeError, OSError):
        raise Unavailable("this Python has its TLS library built in") from None
    options.restype, options.argtypes = ctypes.c_uint64, [ctypes.c_void_p]
    set_callback.restype, set_callback.argtypes = None, [ctypes.c_void_p, _VERDICT, ctypes.c_void_p]
    inner = ctypes.c_void_p.from_address(id(context) + _SSL_CTX_OFFSET)
    if not inner or options(inner) != context.options:
        raise Unavailable("this Python keeps its TLS contexts in another place")
    set_callback(inner, _taken, None)
    context.verify_mode = ssl.CERT_OPTIONAL
