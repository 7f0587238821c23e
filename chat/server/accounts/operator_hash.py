"""The hash of an operator's password in the configuration: `scrypt$LOG_N$R$P$SALT$KEY`.

scrypt, which takes memory too: only this server computes it, where a SCRAM verifier must leave that to clients.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

SCHEME = "scrypt"
LOG_N, R, P = 15, 8, 1  # 32 MiB, some 100 ms; OWASP's least for one thread is half of that work
MOST_LOG_N, MOST_R, MOST_P = 18, 16, 8
SALT_BYTES, KEY_BYTES = 16, 32
LEAST_LETTERS = 8  # an operator's password opens the whole server
MEMORY = 1 << 30  # bytes that a hash in the configuration may take


def make(password: str) -> str:
    """Slow. Raises ValueError for a password that is too short."""
    if len(password) < LEAST_LETTERS:
        raise ValueError(f"the password has {len(password)} characters, the least is {LEAST_LETTERS}")
    salt = secrets.token_bytes(SALT_BYTES)
    return _write(LOG_N, R, P, salt, _key(password, LOG_N, R, P, salt))


def proves(password: str, text: str) -> bool:
    """Whether it is the password of that hash. Slow, and as slow when it is not. Raises ValueError for no hash."""
    log_n, r, p, salt, key = parse(text)
    return hmac.compare_digest(_key(password, log_n, r, p, salt), key)


def parse(text: str) -> tuple[int, int, int, bytes, bytes]:
    """Raises ValueError for anything but a hash."""
    words = text.split("$")
    if len(words) != 6 or words[0] != SCHEME:
        raise ValueError(f"a hash begins with {SCHEME}$ and has six parts: `fanfare admin hash-password` makes one")
    log_n, r, p = (int(word) for word in words[1:4])
    if not (1 <= log_n <= MOST_LOG_N and 1 <= r <= MOST_R and 1 <= p <= MOST_P):
        raise ValueError("the numbers of the hash are out of range")
    try:
        salt, key = (base64.b64decode(word, validate=True) for word in words[4:])
    except binascii.Error:
        raise ValueError("the hash is not whole") from None
    if len(key) != KEY_BYTES:
        raise ValueError("the hash is not whole")
    return log_n, r, p, salt, key


# Compared with when there is no such operator, so that it takes as long.
def decoy() -> str:
    return _write(LOG_N, R, P, secrets.token_bytes(SALT_BYTES), secrets.token_bytes(KEY_BYTES))


def _key(password: str, log_n: int, r: int, p: int, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogateescape"), salt=salt, n=1 << log_n, r=r, p=p, maxmem=MEMORY, dklen=KEY_BYTES
    )


def _write(log_n: int, r: int, p: int, salt: bytes, key: bytes) -> str:
    texts = (base64.b64encode(part).decode() for part in (salt, key))
    return "$".join((SCHEME, str(log_n), str(r), str(p), *texts))
