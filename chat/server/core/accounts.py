"""Accounts: who may log in, with what, and what they keep. A function of the log, as all of the state.

A password enters the log only as its verifier (`chat/server/accounts/verifier.py`). Names compare like nicknames.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chat.wires.names import fold

if TYPE_CHECKING:
    from chat.server.core.room import User

MARKERS = 1_000  # rooms and talks in which an account's place is kept, the newest; 100 KB
FINGERPRINTS = 16  # certificates of one account: one a device, and some to change


class Account:
    """Changed by `apply` alone."""

    __slots__ = ("fingerprints", "key", "name", "read", "registered", "users", "verifier")

    def __init__(self, name: str, verifier: str, registered: float) -> None:
        self.name = name  # as it was registered
        self.key = fold(name)
        self.verifier = verifier
        self.registered = registered  # seconds since the epoch
        self.fingerprints: dict[str, None] = {}  # of client certificates: SHA-256 in lower-case hexadecimal
        self.read: dict[str, str] = {}  # `timestamp=…` up to which it has read a room or a talk, by the folded name
        self.users: dict[User, None] = {}  # logged in now

    @property
    def proof(self) -> str:
        """What a request has for somebody who has proved to be this account's: another of its name is not meant."""
        return f"{self.name}@{self.registered!r}"

    def values(self) -> dict[str, Any]:
        """Its form in a snapshot. `read_account` is the inverse."""
        return {
            "account": self.name,
            "registered": self.registered,
            "verifier": self.verifier,
            "fingerprints": list(self.fingerprints),
            "read": self.read,
        }


def read_account(values: Mapping[str, Any]) -> Account:
    account = Account(values["account"], values["verifier"], values["registered"])
    account.fingerprints = dict.fromkeys(values["fingerprints"])
    account.read = dict(values["read"])
    return account


def talk_keys(account: str, other: str) -> tuple[str, ...]:
    """Where the history shows what two accounts say to each other, for each of them: no room is called so."""
    one, two = fold(account), fold(other)
    return (f"{one} {two}", f"{two} {one}") if one != two else (f"{one} {two}",)


class Accounts:
    """All accounts, by name and by certificate."""

    __slots__ = ("by_fingerprint", "by_name")

    def __init__(self) -> None:
        self.by_name: dict[str, Account] = {}  # folded; in the order of their registrations
        self.by_fingerprint: dict[str, Account] = {}

    def find(self, name: str) -> Account | None:
        return self.by_name.get(fold(name))

    def find_proved(self, proof: str) -> Account | None:
        """The account of an `Account.proof`; a name alone is what entries before version 3 have."""
        name, _, registered = proof.partition("@")
        account = self.find(name)
        return account if account is None or registered in ("", repr(account.registered)) else None

    def has(self, account: Account) -> bool:
        """Whether it is there still: it may have been removed, and another registered under its name."""
        return self.by_name.get(account.key) is account

    def marker(self, name: str, target: str) -> str:
        """Up to where the account has read: `timestamp=…`, or `*` where that is not known."""
        account = self.by_name.get(fold(name))
        return "*" if account is None else account.read.get(fold(target), "*")

    def add(self, account: Account) -> None:
        self.by_name[account.key] = account
        for fingerprint in account.fingerprints:
            self.by_fingerprint[fingerprint] = account

    def remove(self, account: Account) -> None:
        """Nobody is logged in to it."""
        del self.by_name[account.key]
        for fingerprint in account.fingerprints:
            del self.by_fingerprint[fingerprint]

    def add_fingerprint(self, account: Account, fingerprint: str) -> None:
        account.fingerprints[fingerprint] = None
        self.by_fingerprint[fingerprint] = account

    def remove_fingerprint(self, account: Account, fingerprint: str) -> None:
        if account.fingerprints.pop(fingerprint, account) is None:
            del self.by_fingerprint[fingerprint]

    def log_in(self, account: Account, user: "User") -> None:
        """The user leaves the account that it was logged in to before."""
        self.log_out(user)
        account.users[user] = None
        user.set_person(replace(user.person, account=account.name))

    def log_out(self, user: "User") -> None:
        account = self.find(user.account) if user.account else None
        if account is not None:
            del account.users[user]
        user.set_person(replace(user.person, account=""))
