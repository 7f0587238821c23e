"""The rules of requests about accounts. Pure, like all of `apply`.

A request has the source of who asked for it: a user's mask, or the server's name for what its operator did.
"""

from chat.events import Login, Marked
from chat.server.core.accounts import FINGERPRINTS, MARKERS, Account
from chat.server.core.change import Change, FreeRule, Outcome, Rule
from chat.server.core.leaving import quit_user
from chat.server.core.room import User
from chat.server.core.room_rules import restore_ranks
from chat.server.core.state import BannedRefusal, Failure, State
from chat.server.log.entry import BY_NAME, Entry
from chat.wires.irc import timestamp
from chat.wires.names import fold, is_nickname


def check_account_name(state: State, name: str, user: User | None, mask: str) -> None:
    """Raise Refusal when the user may not register this name. None: a newcomer, or an operator (no `!` in the mask)."""
    if not is_nickname(name) or state.reserves(name):
        raise Failure("REGISTER", "BAD_ACCOUNT_NAME", name, text="An account's name is one that a nickname may have")
    if fold(name) in state.accounts.by_name:
        raise Failure("REGISTER", "ACCOUNT_EXISTS", name, text="There is an account of that name")
    if len(state.accounts.by_name) >= state.limits.accounts_total:
        raise Failure("REGISTER", "TEMPORARILY_UNAVAILABLE", name, text="The server takes no more accounts")
    holder = state.users.get(fold(name))
    if holder is not None and "!" in mask and holder is not user:
        raise Failure("REGISTER", "BAD_ACCOUNT_NAME", name, text="Somebody else has that nickname now")


def _get(state: State, name: str) -> Account:
    account = state.accounts.find(name)
    if account is None:
        raise _unknown(name)
    return account


def _unknown(name: str) -> Failure:
    return Failure("ACCOUNT", "ACCOUNT_UNKNOWN", name, text="There is no account of that name")


def _get_own(state: State, user: User | None, name: str, entry: Entry) -> Account:
    """The account, which a user must be logged in to still: another may have been registered under its name."""
    account = _get(state, name)
    if user is not None and entry.user != BY_NAME and state.accounts.find(user.account) is not account:
        raise Failure("ACCOUNT", "ACCOUNT_UNKNOWN", name, text="You are no longer logged in to it")
    return account


def _register(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`REGISTER name verifier`"""
    name, verifier = entry.request.params
    check_account_name(state, name, user, entry.request.source)
    state.accounts.add(Account(name, verifier, entry.at))
    return []


def _set_password(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`SETPASS name verifier`"""
    name, verifier = entry.request.params
    _get_own(state, user, name, entry).verifier = verifier
    return []


def _drop(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`DROP name`: the account is gone; whoever is logged in to it no longer is."""
    account = _get(state, entry.request.params[0])
    outcomes: list[Outcome] = []
    for each in sorted(account.users, key=lambda each: fold(each.nick)):
        outcomes += _log_out(state, each, entry)
    state.accounts.remove(account)
    return outcomes


def _certificate(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`CERT name +|- fingerprint`"""
    name, sign, fingerprint = entry.request.params
    accounts, account = state.accounts, _get_own(state, user, name, entry)
    if sign == "-":
        accounts.remove_fingerprint(account, fingerprint)
    elif accounts.by_fingerprint.get(fingerprint, account) is not account:
        raise Failure("CERT", "CERT_IN_USE", text="The certificate belongs to another account")
    elif fingerprint not in account.fingerprints and len(account.fingerprints) >= FINGERPRINTS:
        raise Failure("CERT", "TOO_MANY_CERTS", text=f"An account has {FINGERPRINTS} certificates at most")
    else:
        accounts.add_fingerprint(account, fingerprint)
    return []


def _log_in(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`ACCOUNT proof`, or `ACCOUNT *`: the user has proved to be that account's, or logs out."""
    proof = entry.request.params[0]
    if proof == "*":
        return _log_out(state, user, entry)
    account = state.accounts.find_proved(proof)
    if account is None:
        raise _unknown(proof.partition("@")[0])
    if user in account.users:
        return []
    if (ban := state.bans.find_account(account.name, entry.at)) is not None:
        raise BannedRefusal(ban)
    state.accounts.log_in(account, user)
    login = Change(Login(user.person, entry.at, entry.id), user, list(user.rooms))
    return [login, *restore_ranks(state, user, entry)]


def _log_out(state: State, user: User, entry: Entry) -> list[Outcome]:
    if not user.account:
        return []
    state.accounts.log_out(user)
    return [Change(Login(user.person, entry.at, entry.id), user, list(user.rooms))]


def owner_of(state: State, user: User) -> Account | None:
    """The account that the user's nickname belongs to, or else the one that it is logged in to."""
    return state.accounts.find(user.nick) or state.accounts.find(user.account)


def ghosted_by(nick: str) -> str:
    """The reason that rooms are told."""
    return f"Ghosted by {nick}"


def _ghost(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`GHOST mask proof`: the user has proved to be that account's, and makes who bears its nickname quit."""
    mask, proof = entry.request.params
    nick = mask.partition("!")[0]
    whom = state.get_user(nick)
    account = state.accounts.find_proved(proof)
    if account is None or owner_of(state, whom) is not account:
        raise Failure("GHOST", "NOT_YOURS", nick, text=f"{nick} is not a nickname of your account")
    if whom is user:
        raise Failure("GHOST", "YOURSELF", nick, text="That is you")
    return quit_user(state, whom, entry, ghosted_by(user.nick))


def _mark_read(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`MARKREAD target timestamp=…`: a marker goes on, never back, and not beyond now."""
    target, marker = entry.request.params
    account = _get(state, user.account)
    key = fold(target)
    marker = min(marker, f"timestamp={timestamp(entry.at)}")
    if marker <= account.read.get(key, ""):
        return []
    account.read.pop(key, None)
    account.read[key] = marker
    if len(account.read) > MARKERS:
        del account.read[next(iter(account.read))]
    return [Change(Marked(user.person, target, marker, entry.at, entry.id), user)]


RULES: dict[str, Rule] = {"ACCOUNT": _log_in, "GHOST": _ghost, "MARKREAD": _mark_read}
FREE_RULES: dict[str, FreeRule] = {
    "REGISTER": _register,
    "SETPASS": _set_password,
    "DROP": _drop,
    "CERT": _certificate,
}
