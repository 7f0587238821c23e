"""TLS to a server: whose certificate is trusted, and what is wrong with one, in words."""

import hashlib
import re
import socket
import ssl

from chat.client.irc.address import Address
from chat.client.irc.login import Login
from chat.errors import SetupError


class CertificateProblem(Exception):
    """The certificate cannot be verified: `reason` in words, and its `fingerprint` for who decides to trust it."""

    def __init__(self, reason: str, fingerprint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fingerprint = fingerprint


def context(login: Login, verified: bool = True) -> ssl.SSLContext:
    """The context of a connection. Raises SetupError when our own certificate cannot be used."""
    made = ssl.create_default_context()
    if not verified:  # the fingerprint is compared instead
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if login.certificate:
        try:
            made.load_cert_chain(login.certificate)
        except (OSError, ssl.SSLError) as error:
            reason = "it holds no certificate with its key" if isinstance(error, ssl.SSLError) else error.strerror
            raise SetupError(f"your certificate {login.certificate} cannot be used: {reason}") from error
    return made


def fingerprint(connection: ssl.SSLSocket) -> str:
    """SHA-256 of the peer's certificate, as other programs write it: AB:CD:…"""
    digest = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def connect(address: Address, login: Login, timeout: float) -> socket.socket:
    """A connection, encrypted where the address says so. Raises OSError, CertificateProblem and SetupError."""
    if not address.tls:
        return _open(address, timeout)
    if login.trusted:
        connection = _wrap(_open(address, timeout), address, context(login, verified=False))
        if fingerprint(connection) == login.trusted:
            return connection
        connection.close()
    try:
        return _wrap(_open(address, timeout), address, context(login))
    except ssl.SSLCertVerificationError as error:
        with _wrap(_open(address, timeout), address, context(Login(), verified=False)) as unverified:
            seen = fingerprint(unverified)
        changed = " It is another one than you trusted before." if login.trusted else ""
        raise CertificateProblem(f"{in_words(error, address)}.{changed}", seen) from error


def _open(address: Address, timeout: float) -> socket.socket:
    connection = socket.create_connection((address.host, address.port), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _wrap(connection: socket.socket, address: Address, how: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        return how.wrap_socket(connection, server_hostname=address.host)
    except BaseException:
        connection.close()
        raise


_CODES = {  # of OpenSSL's X509_V_ERR
    10: "has expired",
    9: "is not valid yet: is this machine's clock right?",
    18: "is signed by itself: nobody else says that it is this server's",
    19: "is signed by nobody whom this machine trusts",
    20: "is signed by nobody whom this machine trusts",
    21: "is signed by nobody whom this machine trusts",
    23: "was revoked",
}


def in_words(error: ssl.SSLCertVerificationError, address: Address) -> str:
    """The certificate's problem in words."""
    if error.verify_code in (62, 64):  # of another host, of another address
        return f"The certificate of {address.server} is another server's"
    known = _CODES.get(error.verify_code)
    return f"The certificate of {address.server} {known or f'cannot be verified ({error.verify_message})'}"


def of_ssl_error(error: ssl.SSLError, address: Address) -> str:
    """Why no encrypted connection came to be."""
    reason = str(error.reason or error)
    if re.search("WRONG_VERSION_NUMBER|UNEXPECTED_EOF|HTTP_REQUEST|RECORD_LAYER", reason):
        return f"{address.server} does not speak TLS there: irc:// instead of ircs:// connects without it"
    return f"no encrypted connection to {address.server} came to be ({reason.replace('_', ' ').lower()})"
