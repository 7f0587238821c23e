"""The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. Bytes in, bytes out.

The password is not sent, and the slow function runs at the client. An unknown account gets as good an answer as a known
one, and fails where a wrong password does.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

from chat.server.accounts.verifier import Verifier


class ScramError(Exception):
    """The exchange has failed."""


class Scram:
    """One exchange: `first`, then `final`. `name` is the account's as the client wrote it."""

    __slots__ = ("_bare", "_find", "_first", "_header", "_nonce", "_verifier", "name")

    def __init__(self, find: Callable[[str], Verifier], nonce: str) -> None:
        """`find` gives an account's verifier, or for an unknown name one that nothing proves."""
        self.name = ""
        self._find = find
        self._nonce = nonce

    def first(self, data: bytes) -> bytes:
        """client-first-message to server-first-message. Raises ScramError."""
        try:
            flag, authorized, bare = data.decode().split(",", 2)
        except ValueError:
            raise ScramError("not a client-first-message") from None
        if flag not in ("n", "y"):
            raise ScramError("channel binding is not supported")
        fields = _fields(bare)
        if [key for key, _ in fields[:2]] != ["n", "r"] or not fields[1][1]:
            raise ScramError("a client-first-message holds n= and r=")
        self.name = _name(fields[0][1])
        if authorized and _name(authorized.removeprefix("a=")) != self.name:
            raise ScramError("nobody may act for another account")
        self._header = f"{flag},{authorized},".encode()
        self._bare = bare
        self._nonce = fields[1][1] + self._nonce
        self._verifier = self._find(self.name)
        salt = base64.b64encode(self._verifier.salt).decode()
        self._first = f"r={self._nonce},s={salt},i={self._verifier.iterations}"
        return self._first.encode()

    def final(self, data: bytes) -> bytes:
        """client-final-message to server-final-message. Raises ScramError, for a wrong proof too."""
        try:
            text = data.decode()
            without_proof, _, proof64 = text.rpartition(",p=")
            fields = dict(_fields(without_proof))
            proof = base64.b64decode(proof64, validate=True)
            binding = base64.b64decode(fields.get("c", ""), validate=True)
        except (ValueError, binascii.Error):
            raise ScramError("not a client-final-message") from None
        if binding != self._header or fields.get("r") != self._nonce:
            raise ScramError("the client-final-message belongs to another exchange")
        signed = f"{self._bare},{self._first},{without_proof}".encode()
        signature = hmac.digest(self._verifier.stored_key, signed, "sha256")
        if len(proof) != len(signature):
            raise ScramError("the proof has a wrong length")
        client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
        if not hmac.compare_digest(hashlib.sha256(client_key).digest(), self._verifier.stored_key):
            raise ScramError("the proof is wrong")
        return b"v=" + base64.b64encode(hmac.digest(self._verifier.server_key, signed, "sha256"))


def _fields(text: str) -> list[tuple[str, str]]:
    pairs = []
    for item in text.split(","):
        key, equals, value = item.partition("=")
        if not equals or len(key) != 1 or key == "m":  # m= is an extension that must be understood
            raise ScramError(f"{item[:20]!r} is no field")
        pairs.append((key, value))
    return pairs


def _name(text: str) -> str:
    """A name with `,` and `=` as RFC 5802 writes them."""
    return text.replace("=2C", ",").replace("=3D", "=")
