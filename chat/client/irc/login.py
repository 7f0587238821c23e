"""From the first byte to the welcome: password, capabilities, the account's login by SASL. Sans-IO."""

import base64
import binascii
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from chat.errors import SetupError, WireError
from chat.wires.message import Message, build

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


WANTED = frozenset(
    {
        *("server-time", "echo-message", "message-tags", "away-notify", "multi-prefix", "batch", "labeled-response"),
        *("draft/account-registration", "draft/chathistory", "znc.in/playback", "invite-notify"),
    }
)
_LOGGED_IN, _ALREADY = "903", "907"
_MECHANISMS = "908"


class Registration:
    """`failure` says why the account's login came to nothing; the connection ends then."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._offered: dict[str, str] = {}
        self._mechanism: Mechanism | None = None
        self._challenge = ""
        self._output: list[bytes] = []
        self.granted: frozenset[str] = frozenset()
        self.failure = ""

    def begin(self, nick: str) -> list[bytes]:
        password = [build("PASS", self._login.password)] if self._login.password else []
        return [*password, build("CAP", "LS", "302"), build("NICK", nick), build("USER", nick, "0", "*", nick)]

    def take_output(self) -> list[bytes]:
        output, self._output = self._output, []
        return output

    def read(self, message: Message, welcomed: bool) -> str:
        """The words of this line that the person should see."""
        if message.verb == "CAP":
            return self._capabilities(message, welcomed)
        if self._mechanism is None:
            return ""
        if message.verb == "AUTHENTICATE":
            self._authenticate(message.params[0])
        elif message.verb in (_LOGGED_IN, _ALREADY):
            self._mechanism = None
            self._send("CAP", "END")
        elif message.verb != _MECHANISMS:
            account = self._login.account or "your certificate"
            self._fail(f"the server does not accept the login of {account}: {message.params[-1]}")
        return ""

    def _capabilities(self, message: Message, welcomed: bool) -> str:
        verb = message.params[1].upper()
        words = message.params[-1].split()
        if verb == "LS":
            self._offered |= {name: value for name, _, value in (word.partition("=") for word in words)}
            if message.params[2] == "*":
                return ""  # more of the list follows
            wanted = sorted(name for name in WANTED if name in self._offered)
            if self._login.wanted:
                self._mechanism = self._choose()
                wanted += ["sasl"] if self._mechanism else []
            self._send(*(("CAP", "REQ", " ".join(wanted)) if wanted else ("CAP", "END")))
            if self._login.wanted and not self._mechanism:
                return "This server has no way to log in that you could use (SASL): you are not logged in."
        elif verb in ("ACK", "NAK") and not welcomed:
            if verb == "ACK":
                self.granted |= WANTED & set(words)
            if verb == "ACK" and self._mechanism and "sasl" in words:
                self._send("AUTHENTICATE", self._mechanism.name)
            else:
                self._mechanism = None
                self._send("CAP", "END")
        return ""

    def _choose(self) -> Mechanism | None:
        if "sasl" not in self._offered:
            return None
        return mechanism(self._login, self._offered["sasl"].upper().split(",") if self._offered["sasl"] else ())

    def _authenticate(self, part: str) -> None:
        """A part of the server's challenge; one shorter than 400 characters is the last."""
        assert self._mechanism
        self._challenge += "" if part == "+" else part
        if len(part) == 400:
            return
        challenge, self._challenge = self._challenge, ""
        try:
            answer = self._mechanism.answer(base64.b64decode(challenge, validate=True))
        except (WireError, binascii.Error) as error:
            self._send("AUTHENTICATE", "*")
            self._fail(str(error))
            return
        for piece in chunks(answer):
            self._send("AUTHENTICATE", piece)

    def _fail(self, why: str) -> None:
        self._mechanism = None
        self.failure = why
        self._send("QUIT")

    def _send(self, *words: str) -> None:
        self._output.append(build(*words))
