"""How many logins may fail, and how many accounts one address may register. Reads no clock."""

from chat.server.networks import shares

MOST_KEYS = 10_000  # before those that may try as often as anybody are forgotten; 1 MB


class Attempts:
    """Each key has `burst` attempts, and earns one every `pause` seconds. `now` is in seconds, on any clock."""

    def __init__(self, burst: int, pause: float) -> None:
        self._burst = burst
        self._pause = pause
        self._free_at: dict[str, float] = {}  # when the key will have all its attempts again
        self._look_at = MOST_KEYS

    def __len__(self) -> int:
        return len(self._free_at)

    def wait(self, key: str, now: float) -> float:
        """Seconds until the next attempt; 0 when it may be made."""
        free_at = self._free_at.get(key, now)
        return max(0.0, free_at - now - (self._burst - 1) * self._pause)

    def spend(self, key: str, now: float) -> None:
        """One attempt is made."""
        if len(self._free_at) >= self._look_at:
            self._free_at = {key: at for key, at in self._free_at.items() if at > now}
            self._look_at = max(MOST_KEYS, 2 * len(self._free_at))
        self._free_at[key] = max(self._free_at.get(key, now), now) + self._pause

    def give_back(self, key: str) -> None:
        """The attempt did not count after all."""
        if key in self._free_at:
            self._free_at[key] -= self._pause


class LoginLimits:
    """Failed logins of one address, and into one account from all addresses but those that have got in before.

    So nobody can lock the owner out, and a password is not guessed from a thousand addresses.
    """

    def __init__(self, burst: int, pause: float) -> None:
        self._by_address = Attempts(burst, pause)
        self._by_account = Attempts(burst, pause)
        self._known: dict[tuple[str, str], None] = {}  # account and address of successful logins; oldest first

    def wait(self, account: str, address: str, now: float) -> float:
        place = shares(address)[0]
        wait = self._by_address.wait(place, now)
        return wait if (account, place) in self._known else max(wait, self._by_account.wait(account, now))

    def spend(self, account: str, address: str, now: float) -> None:
        place = shares(address)[0]
        self._by_address.spend(place, now)
        if (account, place) not in self._known:
            self._by_account.spend(account, now)

    def succeeded(self, account: str, address: str) -> None:
        """The attempt that was spent was right."""
        place = shares(address)[0]
        self._by_address.give_back(place)
        if (account, place) in self._known:
            del self._known[account, place]
        else:
            self._by_account.give_back(account)
        self._known[account, place] = None
        if len(self._known) > MOST_KEYS:
            del self._known[next(iter(self._known))]
