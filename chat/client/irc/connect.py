"""Open a connection, plain or by TLS; and in words, why none came to be or why it ended."""

import errno
import hashlib
import re
import socket
import ssl

from chat.client.irc.address import Address
from chat.client.irc.login import Login
from chat.client.irc.server_news import Problem
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


# The text of ERROR before a server closes. None of it is standardised: these are the words of Fanfare, ngIRCd,
# InspIRCd, UnrealIRCd, Solanum and Ergo.
_SAID = (
    (re.compile(r"password|\bPASS\b", re.IGNORECASE), Problem.PASSWORD),
    (re.compile(r"\b(?:banned|[KGZDQE][:-]?lined|[kgz]-?line)\b", re.IGNORECASE), Problem.BANNED),
    (re.compile(r"not (?:authori[sz]ed|allowed) to connect|access denied|no access", re.IGNORECASE), Problem.BANNED),
    (re.compile(r"\bfull\b|too many|no more connections|throttl|too fast", re.IGNORECASE), Problem.FULL),
)
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL)


def of_error(error: Exception, address: Address) -> tuple[Problem, str]:
    """The kind and the words for an exception of the connection."""
    if isinstance(error, UnicodeError | socket.gaierror):  # UnicodeError: a name that no look-up would take
        if getattr(error, "errno", None) == socket.EAI_AGAIN:
            return Problem.UNREACHABLE, f"the name {address.host} cannot be looked up now: is this machine online?"
        return Problem.UNKNOWN_HOST, f"no server of the name {address.host} was found"
    if isinstance(error, ssl.SSLError):
        return Problem.CUT, of_ssl_error(error, address)
    if isinstance(error, ConnectionRefusedError):
        return Problem.REFUSED, f"nothing listens at {address.server}"
    if isinstance(error, TimeoutError):
        return Problem.UNREACHABLE, f"{address.server} does not answer"
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return Problem.CUT, "the server cut the connection"
    if isinstance(error, OSError) and error.errno in _NO_WAY:
        return Problem.UNREACHABLE, f"there is no way from this machine to {address.server}: is it online?"
    return Problem.CUT, (error.strerror if isinstance(error, OSError) else "") or str(error)


def of_farewell(said: str, address: Address, with_password: bool) -> tuple[Problem, str]:
    """The kind and the words for the server's ERROR before its welcome."""
    problem = next((problem for words, problem in _SAID if words.search(said)), Problem.CUT)
    if problem is Problem.PASSWORD:
        return problem, wants_password(address, with_password)
    meanings = {
        Problem.BANNED: f"{address.server} does not let you in: {said}",
        Problem.FULL: f"{address.server} has no place for you now: {said}",
    }
    return problem, meanings.get(problem, said)


def wants_password(address: Address, given: bool) -> str:
    return f"{address.server} {'does not take this password' if given else 'wants a password'}"
