"""What an IRC client believes of accounts and of the presence of those that it watches."""

from collections.abc import Callable, Iterator

from chat.server.core.state import State
from chat.wires.message import Message
from chat.wires.names import fold

Complain = Callable[[str], None]


class AccountBelief:
    """Accounts are believed while `account-notify` is on, of people who share a room. `*` is none."""

    def __init__(self, complain: Complain) -> None:
        self.accounts: dict[str, str] = {}  # by folded nickname
        self.present: dict[str, bool] = {}  # of the watched, by folded nickname; nobody is ever taken off the list
        self._complain = complain

    def joined(self, message: Message, caps: set[str]) -> None:
        if len(message.params) != (3 if "extended-join" in caps else 1):
            self._complain(f"a JOIN of {len(message.params)} parameters")
        elif "extended-join" in caps:
            self._believe(message.nick, message.params[1], caps, "JOIN")

    def logged_in(self, message: Message, caps: set[str], shares: bool, is_self: bool) -> None:
        """An ACCOUNT."""
        key, account = fold(message.nick), message.params[0]
        if "account-notify" not in caps:
            self._complain("an ACCOUNT without account-notify")
        elif not shares and not is_self and not ("extended-monitor" in caps and key in self.present):
            self._complain(f"{message.nick} logs in, and shares no room")
        elif self.accounts.get(key) == account:
            self._complain(f"{message.nick} logs in to {account}, and was")
        if shares:
            self.accounts[key] = account

    def tagged(self, nick: str, account: str | None, caps: set[str]) -> None:
        """A line of somebody, with or without the tag."""
        believed = self.accounts.get(fold(nick))
        if "account-tag" in caps and believed is not None and believed != (account or "*"):
            self._complain(f"{nick} has the account {account}, believed {believed}")

    def _believe(self, nick: str, account: str, caps: set[str], why: str) -> None:
        known = self.accounts.get(fold(nick))
        if known is not None and known != account:
            self._complain(f"{why}: {nick} has the account {account}, believed {known}")
        if "account-notify" in caps:
            self.accounts[fold(nick)] = account

    def renamed(self, before: str, after: str) -> None:
        if before in self.accounts:
            self.accounts[after] = self.accounts.pop(before)

    def forget(self, shares: Callable[[str], bool]) -> None:
        """Of those who share no room nothing is told any longer."""
        self.accounts = {nick: account for nick, account in self.accounts.items() if shares(nick)}

    def seen(self, message: Message) -> None:
        """730 or 731: the one who asks is told again what they know; whoever comes or goes was not so before."""
        online = message.verb == "730"
        for target in message.params[1].split(","):
            key = fold(target.partition("!")[0])
            if message.params[0] == "*" and self.present.get(key) is online:
                self._complain(f"{target} {'comes, and was there' if online else 'goes, and was not there'}")
            if message.params[0] != "*" and self.present.get(key, online) is not online:
                self._complain(f"{target} is {online}, believed {self.present[key]}")
            self.present[key] = online

    def differences(self, state: State) -> Iterator[str]:
        for nick, account in self.accounts.items():
            user = state.find_user(nick)
            if user is None or (user.account or "*") != account:
                yield f"{nick} is believed to have the account {account}"
        for nick, online in self.present.items():
            if (state.find_user(nick) is not None) is not online:
                yield f"{nick} is believed to be {'there' if online else 'away'}"
