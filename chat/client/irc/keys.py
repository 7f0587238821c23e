"""Passwords in the desktop's keyring, where there is one: by the package `keyring`, an extra.

A keyring may ask the person to unlock it, and so keep one waiting: call from another thread than the window's.
"""

import contextlib
import functools
from typing import Protocol

_SERVICE = "fanfare"


class Ring(Protocol):
    """The part of the package `keyring` that is used."""

    def get_password(self, service: str, name: str) -> str | None: ...
    def set_password(self, service: str, name: str, password: str) -> None: ...
    def delete_password(self, service: str, name: str) -> None: ...


@functools.cache
def ring() -> Ring | None:
    """The desktop's, or None where there is none that keeps what it is given. To find out takes up to 0.2 s."""
    with contextlib.suppress(Exception):  # the extra `client` is not installed, or whatever is wrong with a keyring
        import keyring

        found: Ring = keyring.get_keyring()
        return found if keyring.get_keyring().priority > 0 else None
    return None


def available() -> bool:
    return ring() is not None


def stored(what: str, server: str) -> str:
    """The password of this kind (`password` or `account NAME`) for this server; empty where there is none."""
    keeper = ring()
    if keeper:
        with contextlib.suppress(Exception):  # locked, and the person does not unlock it
            return keeper.get_password(_SERVICE, f"{what} at {server}") or ""
    return ""


def store(what: str, server: str, password: str) -> bool:
    """Keep it, or forget it if it is empty; whether the keyring did."""
    keeper = ring()
    if keeper:
        with contextlib.suppress(Exception):  # of any of the many kinds that keyrings raise
            if password:
                keeper.set_password(_SERVICE, f"{what} at {server}", password)
            else:
                keeper.delete_password(_SERVICE, f"{what} at {server}")
            return True
    return False
