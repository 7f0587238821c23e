"""The stored form of a password: a SCRAM-SHA-256 verifier, which proves a password and reveals none.

One form serves PLAIN and SCRAM-SHA-256: `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER`, as RFC 5803 and PostgreSQL write
it. SCRAM needs PBKDF2, since clients compute it; a stronger function would need a second secret for each account, and
the weaker one of two decides. Its iterations make it slow, and are part of the value: they may be raised later.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from dataclasses import dataclass

SCHEME = "SCRAM-SHA-256"
SALT_BYTES = 16
PASSWORD_BYTES = 300  # so that it fits in a line of NickServ's, as account-registration advises
LEAST_LETTERS = 6  # a guess takes an attempt, and attempts are limited

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


@dataclass(frozen=True, slots=True)
class Verifier:
    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    def __str__(self) -> str:
        salt, stored, server = (
            base64.b64encode(part).decode() for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"{SCHEME}${self.iterations}:{salt}${stored}:{server}"


def parse(text: str) -> Verifier:
    """Raises ValueError for anything but a verifier."""
    scheme, first, second = text.split("$")
    iterations, salt = first.split(":")
    stored, server = second.split(":")
    if scheme != SCHEME:
        raise ValueError(f"{scheme} is not {SCHEME}")
    try:
        return Verifier(int(iterations), *(base64.b64decode(part, validate=True) for part in (salt, stored, server)))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def make(password: str, iterations: int, salt: bytes | None = None) -> Verifier:
    """Slow. Raises ValueError for a password that cannot be one."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", prepare(password).encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return Verifier(iterations, salt, hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256"))


def proves(password: str, verifier: Verifier) -> bool:
    """Whether it is the verifier's password. Slow, and as slow when it is not."""
    try:
        made = make(password, verifier.iterations, verifier.salt)
    except ValueError:
        made = make("no password", verifier.iterations, verifier.salt)
        return False
    return hmac.compare_digest(made.stored_key, verifier.stored_key)


def check_new(password: str, name: str) -> None:
    """Raise ValueError, with the reason, for a password that nobody should choose for this account."""
    if len(password) < LEAST_LETTERS:
        raise ValueError(f"The password has {len(password)} characters, the least is {LEAST_LETTERS}")
    if password.lower() == name.lower():
        raise ValueError("The password is the account's name")


def prepare(password: str) -> str:
    """SASLprep (RFC 4013): what looks the same is the same. Raises ValueError for what cannot be a password."""
    if len(password.encode()) > PASSWORD_BYTES:
        raise ValueError(f"The password has more than {PASSWORD_BYTES} bytes")
    if not password:
        raise ValueError("The password is empty")
    if password.isascii():
        if not password.isprintable():
            raise ValueError("The password holds a control character")
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter for letter in password if not stringprep.in_table_b1(letter)
    )
    text = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not text or any(prohibited(letter) for letter in text for prohibited in _PROHIBITED):
        raise ValueError("The password holds a character that passwords may not hold")
    if any(map(stringprep.in_table_d1, text)) and (
        any(map(stringprep.in_table_d2, text))
        or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1]))
    ):
        raise ValueError("The password mixes writing from the left and from the right")
    return text
