"""NickServ: accounts for programs that know nothing but words. `PRIVMSG NickServ :IDENTIFY password`, or `/NS`.

It is no user. What it is told goes to no log, no history and no other client; it answers with notices to its asker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chat.server.commands.logins import change_password, check_password, log_in, log_out, register
from chat.server.commands.table import command
from chat.server.core.account_rules import owner_of
from chat.server.core.accounts import Account
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.server.core.state import Refusal
from chat.wires.irc import fit
from chat.wires.message import Message
from chat.wires.numerics import ERR_NOTEXTTOSEND

NAME = "NickServ"
KEY = "nickserv"

Answer = Callable[[Node, Client, User, list[str]], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What it understands: at least `least` words follow; `usage` is shown where they do not."""

    answer: Answer
    least: int
    usage: str
    text: str


@command("NS", 1)
@command("NICKSERV", 1)
def nickserv(node: Node, client: Client, user: User, message: Message) -> None:
    """`/NS IDENTIFY ana password`: the parameters are the words, or hold them."""
    ask_nickserv(node, client, user, " ".join(message.params))


def ask_nickserv(node: Node, client: Client, user: User, text: str) -> None:
    words = text.split()
    if not words:
        raise Refusal(ERR_NOTEXTTOSEND)
    verb, *rest = words
    order = ORDERS.get(verb.upper())
    if order is None:
        tell(node, client, f"I do not know {verb[:30].upper()}. Say HELP for what I know")
    elif len(rest) < order.least:
        tell(node, client, f"Usage: {order.usage}")
    else:
        order.answer(node, client, user, rest)


def tell(node: Node, client: Client, *texts: str) -> None:
    source = f"{NAME}!{NAME}@{node.name}"
    client.send(*(fit(f":{source} NOTICE {client.nick} :{text}\r\n".encode()) for text in texts))


def _refused(node: Node, client: Client, refusal: Refusal) -> None:
    tell(node, client, refusal.text or refusal.numeric.text)


def _register(node: Node, client: Client, user: User, words: list[str]) -> None:
    """A second word, a mail address elsewhere, is not looked at."""
    name = user.nick
    done = partial(_registered, node, client, name)
    register(node, client, name, words[0], done, partial(_refused, node, client))


def _registered(node: Node, client: Client, name: str) -> None:
    tell(node, client, f"{name} is registered: the nickname is yours from now on")
    log_in(node, client, node.state.accounts.find(name), lambda: None, partial(tell, node, client))


def _identify(node: Node, client: Client, user: User, words: list[str]) -> None:
    name, password = words[:2] if len(words) > 1 else (user.nick, words[0])
    failed = partial(tell, node, client)
    check_password(node, client, name, password, partial(_identified, node, client), failed)


def _identified(node: Node, client: Client, account: Account) -> None:
    done = partial(tell, node, client, f"You are logged in as {account.name}")
    log_in(node, client, account, done, partial(tell, node, client))


def _logout(node: Node, client: Client, user: User, words: list[str]) -> None:
    if _account(node, client, user) is not None:
        log_out(node, client, partial(tell, node, client, "You are logged out"))


def _account(node: Node, client: Client, user: User) -> Account | None:
    """The user's; None, and it is told so, when it is not logged in."""
    account = node.state.accounts.find(user.account) if user.account else None
    if account is None:
        tell(node, client, "You are not logged in: IDENTIFY [account] password")
    return account


def _set(node: Node, client: Client, user: User, words: list[str]) -> None:
    account = _account(node, client, user)
    if account is None:
        return
    if words[0].upper() != "PASSWORD":
        tell(node, client, f"Usage: {ORDERS['SET'].usage}")
        return
    done = partial(tell, node, client, f"{account.name} has another password now")
    change_password(node, client, account, words[1], done, partial(_refused, node, client))


def _ghost(node: Node, client: Client, user: User, words: list[str]) -> None:
    """`GHOST nick [password]`: with a password also for those who are not logged in."""
    nick = words[0]
    whom = node.state.find_user(nick)
    if whom is None:
        tell(node, client, f"Nobody is called {nick[:30]}")
    elif len(words) > 1:
        owner = owner_of(node.state, whom)
        name = owner.name if owner is not None else nick
        done = partial(_send_away, node, client, user, nick)
        check_password(node, client, name, words[1], done, partial(tell, node, client))
    elif (account := _account(node, client, user)) is not None:
        _send_away(node, client, user, nick, account)


def _send_away(node: Node, client: Client, user: User, nick: str, account: Account) -> None:
    whom = node.state.find_user(nick)
    if whom is None:
        tell(node, client, f"Nobody is called {nick[:30]} any longer")
        return
    request = Message("GHOST", [whom.mask, account.proof], user.mask)
    done = partial(tell, node, client, f"{nick} is gone: the nickname is free")
    node.ask(client, request, done, partial(_refused, node, client))


def _certificate(node: Node, client: Client, user: User, words: list[str]) -> None:
    """`CERT ADD|DEL [fingerprint]`, `CERT LIST`: for SASL EXTERNAL. Without a fingerprint the client's own."""
    account = _account(node, client, user)
    if account is None:
        return
    verb = words[0].upper()
    fingerprint = "".join(words[1].split(":")).lower() if len(words) > 1 else client.fingerprint
    if verb == "LIST":
        tell(node, client, *(account.fingerprints or [f"{account.name} has no certificates"]))
    elif verb not in ("ADD", "DEL"):
        tell(node, client, f"Usage: {ORDERS['CERT'].usage}")
    elif len(fingerprint) != 64 or set(fingerprint) - set("0123456789abcdef"):
        tell(node, client, "A fingerprint is 64 hexadecimal digits: the SHA-256 of your certificate")
    else:
        sign, end = ("+", "added") if verb == "ADD" else ("-", "removed")
        request = Message("CERT", [account.name, sign, fingerprint], user.mask)
        done = partial(tell, node, client, f"The certificate is {end}")
        node.ask(client, request, done, partial(_refused, node, client))


def _help(node: Node, client: Client, user: User, words: list[str]) -> None:
    wanted = ORDERS.get(words[0].upper()) if words else None
    if wanted is not None:
        tell(node, client, f"{wanted.usage}: {wanted.text}")
    else:
        tell(node, client, *(f"{order.usage}: {order.text}" for order in ORDERS.values()))


ORDERS = {
    "REGISTER": Order(_register, 1, "REGISTER password", "make an account of your nickname's name"),
    "IDENTIFY": Order(_identify, 1, "IDENTIFY [account] password", "log in"),
    "LOGOUT": Order(_logout, 0, "LOGOUT", "log out"),
    "SET": Order(_set, 2, "SET PASSWORD password", "change your account's password"),
    "GHOST": Order(_ghost, 1, "GHOST nickname [password]", "take your nickname back from who bears it"),
    "CERT": Order(_certificate, 1, "CERT ADD|DEL [fingerprint], CERT LIST", "certificates that log you in"),
    "HELP": Order(_help, 0, "HELP [command]", "what I know"),
}
