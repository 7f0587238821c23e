"""Logins on one node: its hashing thread and its limits of attempts. The accounts are in the state."""

import hmac
import secrets

from chat.server.accounts.attempts import Attempts, LoginLimits
from chat.server.accounts.hashing import Hasher
from chat.server.accounts.verifier import SALT_BYTES, Verifier
from chat.server.networks import shares
from chat.settings import Settings

OUTCOMES = ("succeeded", "failed", "limited")


class Logins:
    """The loop's thread only."""

    def __init__(self, settings: Settings, hasher: Hasher) -> None:
        self.hasher = hasher
        self.outcomes = dict.fromkeys(OUTCOMES, 0)  # of logins, since the start
        self.limits = LoginLimits(settings.login_attempts, settings.login_pause)
        self.iterations = settings.password_iterations
        self._registrations = Attempts(settings.registrations_per_address, settings.registration_pause)
        self._secret = secrets.token_bytes(32)

    def decoy(self, key: str) -> Verifier:
        """A verifier for an account that does not exist: the same each time, and no password proves it."""
        seed = hmac.digest(self._secret, key.encode(), "sha512")
        return Verifier(self.iterations, seed[:SALT_BYTES], seed[-32:], seed[-48:-16])

    def registration_wait(self, address: str, now: float) -> float:
        """Seconds until the address may register an account; 0 when it may now."""
        return self._registrations.wait(shares(address)[0], now)

    def count_registration(self, address: str, now: float) -> None:
        self._registrations.spend(shares(address)[0], now)
