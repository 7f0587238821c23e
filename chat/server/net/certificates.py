"""The server's certificate, read from its files at the start and again on request. Knows no connections."""

import logging
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress

from chat.errors import SetupError
from chat.server.net.client_certificates import Unavailable, take_any
from chat.settings import Settings

IRC_PROTOCOLS = ("irc",)  # ALPN; a client that offers none is served too
WEB_PROTOCOLS = ("http/1.1",)
SOON = 14 * 86_400.0  # s before its end at which a certificate is worth a warning

log = logging.getLogger(__name__)


class Certificates:
    """Any thread may call any method: a reload replaces both contexts, and a handshake keeps the one it began with."""

    def __init__(self, settings: Settings) -> None:
        """Read the files. Raises SetupError that names the file and what is wrong."""
        self._settings = settings
        self.expires = 0.0  # s since the epoch; 0 when that is unknown
        self._irc, self._web = self._read()

    def context(self, web: bool) -> ssl.SSLContext:
        """The context of new handshakes."""
        return self._web if web else self._irc

    def reload(self) -> None:
        """Read the files again. When they are broken, log why, and keep what there is."""
        try:
            self._irc, self._web = self._read()
        except SetupError as error:
            log.error("the certificate is not reloaded, and the old one stays: %s", error)
        else:
            log.info("the certificate is reloaded%s", f", valid until {_date(self.expires)}" if self.expires else "")

    def _read(self) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        certificate, key = self._settings.tls_cert, self._settings.tls_key
        for path in filter(None, (certificate, key)):
            try:
                with open(path, "rb"):
                    pass
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not a file's name"
                raise SetupError(f"{path}: {reason}") from None
        irc, web = (_context(certificate, key, protocols) for protocols in (IRC_PROTOCOLS, WEB_PROTOCOLS))
        if self._settings.tls_client_certificates == "on":
            try:
                take_any(irc)
            except Unavailable as reason:
                raise SetupError(f"tls_client_certificates is on, and cannot be: {reason}") from None
        self.expires = _expiry(irc, certificate)
        return irc, web


def _context(certificate: str, key: str, protocols: Sequence[str]) -> ssl.SSLContext:
    """TLS 1.2 and later, without renegotiation."""

    def refuse() -> str:
        raise SetupError(
            f"{key or certificate}: the key is encrypted: give one that is not, readable by the server only"
        )

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(protocols)
    try:
        context.load_cert_chain(certificate, key or None, refuse)
    except ssl.SSLError as error:
        raise SetupError(_complaint(error, certificate, key)) from None
    return context


def _complaint(error: ssl.SSLError, certificate: str, key: str) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{certificate}: the certificate and the key in {key or 'it'} do not belong together"
    if not _holds(certificate, b"CERTIFICATE-----"):
        return f"{certificate}: it holds no certificate in PEM"
    if not _holds(key or certificate, b"PRIVATE KEY-----"):
        return f"{key or certificate}: it holds no private key in PEM"
    return f"{certificate}: the certificate cannot be used: {error.reason or 'unreadable'}"


def _holds(path: str, mark: bytes) -> bool:
    with suppress(OSError), open(path, "rb") as file:
        return mark in file.read(1_048_576)
    return False


def _expiry(server: ssl.SSLContext, certificate: str) -> float:
    """When the certificate ends, from a handshake with ourselves: the library reads no file for us. Logs a warning."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        client.load_verify_locations(certificate)
        peer = _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == 10:  # X509_V_ERR_CERT_HAS_EXPIRED
            log.warning("the certificate in %s has expired: clients will refuse it", certificate)
        elif error.verify_code == 9:  # X509_V_ERR_CERT_NOT_YET_VALID
            log.warning("the certificate in %s is not valid yet: clients will refuse it", certificate)
        return 0.0
    except ssl.SSLError:
        return 0.0  # one for another purpose, which its clients may know
    ends = float(ssl.cert_time_to_seconds(str(peer["notAfter"]))) if "notAfter" in peer else 0.0
    if ends and ends - time.time() < SOON:
        log.warning("the certificate in %s ends soon: on %s", certificate, _date(ends))
    return ends


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, object]:
    """The server's certificate, as the client sees it."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)
    for end in (*ends, *ends):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return dict(ends[0].getpeercert() or {})


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
