"""Who we are to a server: its password, an account (SASL), a certificate of our own. Pure: no sockets.

Sources: RFC 4616 (PLAIN), RFC 5802 and 7677 (SCRAM-SHA-256), https://ircv3.net/specs/extensions/sasl-3.2
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from chat.errors import SetupError, WireError

CHUNK = 400  # characters of an AUTHENTICATE line; a shorter one is the last
_MOST_ROUNDS = 1_000_000  # of hashing that a server may ask for; 1 s of work


@dataclass(frozen=True, slots=True)
class Login:
    """Neither password is ever shown, compared or remembered in a file."""

    password: str = field(default="", repr=False, compare=False)  # the server's own (PASS)
    account: str = ""
    secret: str = field(default="", repr=False, compare=False)  # the account's password
    certificate: str = ""  # file of a client certificate with its key, PEM
    trusted: str = ""  # fingerprint of the server's certificate that the person has decided to trust

    @property
    def wanted(self) -> bool:
        """Whether there is an account to log in to."""
        return bool(self.account or self.certificate)


class Mechanism(Protocol):
    """One way to prove who we are. `answer` raises WireError where the server's part is not right."""

    name: str

    def answer(self, challenge: bytes) -> bytes: ...


def mechanism(login: Login, offered: Collection[str]) -> Mechanism | None:
    """The strongest that both sides have; None for none. A server that names none may have any."""
    if login.certificate and not login.secret and (not offered or "EXTERNAL" in offered):
        return External(login)
    if login.account and login.secret:
        if "SCRAM-SHA-256" in offered:
            return ScramSha256(login)
        if not offered or "PLAIN" in offered:
            return Plain(login)
    return None


def chunks(answer: bytes) -> Iterator[str]:
    """An answer as the parameters of AUTHENTICATE lines."""
    text = base64.b64encode(answer).decode()
    for start in range(0, len(text), CHUNK):
        yield text[start : start + CHUNK]
    if len(text) % CHUNK == 0:
        yield "+"


class External:
    """The certificate of the TLS connection says who we are."""

    name = "EXTERNAL"

    def __init__(self, login: Login) -> None:
        self._login = login

    def answer(self, challenge: bytes) -> bytes:
        return self._login.account.encode()


class Plain:
    name = "PLAIN"

    def __init__(self, login: Login) -> None:
        self._login = login

    def answer(self, challenge: bytes) -> bytes:
        account = self._login.account.encode()
        return b"\0".join((account, account, self._login.secret.encode()))


class ScramSha256:
    """Proves that we know the password without sending it, and that the server knows it too."""

    name = "SCRAM-SHA-256"

    def __init__(self, login: Login, nonce: str = "") -> None:
        self._password = unicodedata.normalize("NFKC", login.secret).encode()
        self._nonce = nonce or secrets.token_urlsafe(24)
        name = unicodedata.normalize("NFKC", login.account).replace("=", "=3D").replace(",", "=2C")
        self._first = f"n={name},r={self._nonce}"
        self._signature = b""
        self._steps = iter((self._begin, self._prove, self._check))

    def answer(self, challenge: bytes) -> bytes:
        step = next(self._steps, None)
        if step is None:
            raise WireError("the server asks on after the end of SCRAM")
        return step(challenge.decode("utf-8", "replace"))

    def _begin(self, challenge: str) -> bytes:
        return f"n,,{self._first}".encode()

    def _prove(self, challenge: str) -> bytes:
        given = _attributes(challenge)
        try:
            nonce, salt, rounds = given["r"], base64.b64decode(given["s"], validate=True), int(given["i"])
        except (KeyError, ValueError) as error:
            raise WireError(f"the server's part of SCRAM cannot be read: {challenge!r}") from error
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise WireError("the server's part of SCRAM belongs to somebody else's login")
        if not 1 <= rounds <= _MOST_ROUNDS:
            raise WireError(f"the server asks for {rounds:,} rounds of hashing, the limit is {_MOST_ROUNDS:,}")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        client, server = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
        last = f"c=biws,r={nonce}"
        signed = f"{self._first},{challenge},{last}".encode()
        signature = hmac.digest(hashlib.sha256(client).digest(), signed, "sha256")
        self._signature = hmac.digest(server, signed, "sha256")
        proof = bytes(one ^ other for one, other in zip(client, signature, strict=True))
        return f"{last},p={base64.b64encode(proof).decode()}".encode()

    def _check(self, challenge: str) -> bytes:
        given = _attributes(challenge)
        if "e" in given:
            raise WireError(f"the server does not accept the login: {given['e']}")
        if not hmac.compare_digest(given.get("v", ""), base64.b64encode(self._signature).decode()):
            raise WireError("the server does not know the password itself: it may be somebody else's")
        return b""


def _attributes(text: str) -> dict[str, str]:
    return {part[:1]: part[2:] for part in text.split(",") if part[1:2] == "="}


class MissingPassword(SetupError):
    """There is an account to log in to, and nobody knows its password."""
