"""Passwords in the desktop's keyring, where there is one: by the package `keyring`, an extra.

A keyring may ask the person to unlock it, and so keep one waiting: call from another thread than the window's.
"""

import contextlib

try:
    import keyring
    from keyring.errors import KeyringError
except ImportError:  # the extra `client` is not installed
    keyring = None  # type: ignore[assignment]

_SERVICE = "fanfare"


def available() -> bool:
    """Whether there is a keyring that keeps what it is given."""
    if keyring is None:
        return False
    with contextlib.suppress(Exception):  # whatever is wrong with one, there is none
        backend = keyring.get_keyring()
        return bool(backend.priority > 0)
    return False


def stored(what: str, server: str) -> str:
    """The password of this kind (`password` or `account NAME`) for this server; empty where there is none."""
    if not available():
        return ""
    with contextlib.suppress(KeyringError, RuntimeError):  # locked, and the person does not unlock it
        return keyring.get_password(_SERVICE, f"{what} at {server}") or ""
    return ""


def store(what: str, server: str, password: str) -> bool:
    """Keep it, or forget it if it is empty; whether the keyring did."""
    if not available():
        return False
    try:
        if password:
            keyring.set_password(_SERVICE, f"{what} at {server}", password)
        elif stored(what, server):
            keyring.delete_password(_SERVICE, f"{what} at {server}")
    except (KeyringError, RuntimeError):
        return False
    return True
