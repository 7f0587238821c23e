"""Why a connection came to nothing or ended: a kind that the program acts on, and words for the person. Pure."""

import errno
import re
import socket
import ssl
from enum import Enum

from chat.client.irc.address import Address
from chat.client.irc.tls import of_ssl_error


class Problem(Enum):
    """Kinds of ends."""

    CUT = "cut"  # the connection was open, and ended
    REFUSED = "refused"  # nothing listens there
    UNKNOWN_HOST = "unknown host"
    UNREACHABLE = "unreachable"  # no way there, or no answer
    FULL = "full"  # the server has no place for us now
    PASSWORD = "password"  # it wants one, or another
    BANNED = "banned"
    LOGIN = "login"  # the account or its password is not right
    CERTIFICATE = "certificate"  # the server's cannot be verified: somebody has to decide
    SETTINGS = "settings"  # what was asked for cannot be done from here
    FAULT = "fault"  # of this program

    @property
    def hopeless(self) -> bool:
        """Trying again mends nothing: the person has to do something."""
        return self in _HOPELESS


_HOPELESS = frozenset(
    {Problem.PASSWORD, Problem.BANNED, Problem.LOGIN, Problem.CERTIFICATE, Problem.SETTINGS, Problem.FAULT}
)

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
