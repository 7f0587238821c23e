"""Passwords in the desktop's keyring."""

import sys

import pytest

from chat.client.store import archive


class Keyring:
    """A keyring in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        self.kept[service, name] = password

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


def test_passwords_are_kept_in_the_keyring_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Keyring()
    monkeypatch.setattr(archive, "keyring", lambda: ring)
    assert archive.has_keyring()
    assert archive.stored_password("password", "h:1") == ""
    assert archive.store_password("password", "h:1", "geheim")
    assert archive.stored_password("password", "h:1") == "geheim"
    assert archive.store_password("password", "h:1", "")
    assert ring.kept == {}


def test_without_a_keyring_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    archive.keyring.cache_clear()
    assert not archive.has_keyring()
    assert not archive.store_password("password", "h:1", "geheim")
    assert archive.stored_password("password", "h:1") == ""
