"""AUTHENTICATE: SASL PLAIN, SCRAM-SHA-256 and EXTERNAL, before registration and after it.

PLAIN is taken on every listener, as Ergo takes it: the password crosses the network as a server password or NickServ's
does. Clients that must not send it in the clear use SCRAM-SHA-256, or a listener with TLS.

Sources: https://ircv3.net/specs/extensions/sasl-3.1, https://ircv3.net/specs/extensions/sasl-3.2, RFC 4616, RFC 4422
"""

import base64
import binascii
import secrets
from collections.abc import Callable
from functools import partial

from chat.server.accounts import verifier
from chat.server.accounts.scram import Scram, ScramError
from chat.server.commands.logins import WRONG, check_password, log_in, too_many
from chat.server.commands.table import early_command
from chat.server.core.accounts import Account
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.wires.message import Message
from chat.wires.names import fold
from chat.wires.numerics import (
    ERR_SASLABORTED,
    ERR_SASLALREADY,
    ERR_SASLFAIL,
    ERR_SASLTOOLONG,
    RPL_SASLMECHS,
    RPL_SASLSUCCESS,
)

CHUNK = 400  # bytes of base64 in one AUTHENTICATE; a shorter one ends a message
LONGEST = 4 * CHUNK  # of one message; the longest name and password take two chunks
NONCE_BYTES = 18

Step = Callable[[Node, Client, bytes], None]


class Exchange:
    """One exchange of one client: the chunks of the message that arrives, and what to do with it."""

    __slots__ = ("message", "step")

    def __init__(self, step: Step) -> None:
        self.message = ""
        self.step = step


def mechanisms(client: Client) -> list[str]:
    return ["PLAIN", "SCRAM-SHA-256", *(["EXTERNAL"] if client.fingerprint else [])]


@early_command("AUTHENTICATE", 1)
def authenticate(node: Node, client: Client, message: Message) -> None:
    text = message.params[0]
    if text == "*":
        abort(client)
    elif client.exchange is None:
        _begin(node, client, text.upper())
    elif len(text) > CHUNK or len(client.exchange.message) + len(text) > LONGEST:
        client.exchange = None
        client.numeric(ERR_SASLTOOLONG)
    else:
        _receive(node, client, client.exchange, text)


def _begin(node: Node, client: Client, mechanism: str) -> None:
    if client.user is None and client.account and not client.knows_302:
        client.numeric(ERR_SASLALREADY)  # version 3.1 has no second login
    elif mechanism not in mechanisms(client):
        client.numeric(RPL_SASLMECHS, ",".join(mechanisms(client)))
        fail(client)
    else:
        client.exchange = Exchange(_STEPS[mechanism])
        client.send(b"AUTHENTICATE +\r\n")


def _receive(node: Node, client: Client, exchange: Exchange, text: str) -> None:
    exchange.message += "" if text == "+" else text
    if len(text) == CHUNK:
        return  # more comes
    try:
        data = base64.b64decode(exchange.message, validate=True)
    except (binascii.Error, ValueError):
        fail(client)
        return
    exchange.message = ""
    exchange.step(node, client, data)


def abort(client: Client) -> None:
    """The client has ended the exchange, or its registration before that."""
    client.exchange = None
    client.numeric(ERR_SASLABORTED)


def fail(client: Client, reason: str | None = None) -> None:
    """With a reason, where that is another than a wrong name or password."""
    client.exchange = None
    client.numeric(ERR_SASLFAIL, text=None if reason == WRONG else reason)


def _succeed(client: Client) -> None:
    client.exchange = None
    client.numeric(RPL_SASLSUCCESS)


def _proved(node: Node, client: Client, account: Account | None) -> None:
    log_in(node, client, account, partial(_succeed, client), partial(fail, client))


def _plain(node: Node, client: Client, data: bytes) -> None:
    """`authorized NUL name NUL password` (RFC 4616)"""
    try:
        authorized, name, password = data.decode().split("\0")
    except ValueError:
        fail(client)
        return
    if not name or (authorized and fold(authorized) != fold(name)):
        fail(client)
        return
    check_password(node, client, name, password, partial(_proved, node, client), partial(fail, client))


def _external(node: Node, client: Client, data: bytes) -> None:
    """The account of the client's certificate; the message may name it."""
    account = node.state.accounts.by_fingerprint.get(client.fingerprint)
    name = data.decode(errors="replace")
    if account is None or (name and fold(name) != account.key):
        fail(client)
    else:
        _proved(node, client, account)


def _scram_first(node: Node, client: Client, data: bytes) -> None:
    scram = Scram(partial(_verifier_of, node), secrets.token_urlsafe(NONCE_BYTES))
    try:
        answer = scram.first(data)
    except ScramError:
        fail(client)
        return
    if reason := too_many(node, client, scram.name):
        fail(client, reason)
        return
    client.exchange.step = partial(_scram_final, scram, node.state.accounts.find(scram.name))
    _send(client, answer)


def _verifier_of(node: Node, name: str) -> verifier.Verifier:
    account = node.state.accounts.find(name)
    return verifier.parse(account.verifier) if account is not None else node.logins.decoy(fold(name))


def _scram_final(scram: Scram, account: Account | None, node: Node, client: Client, data: bytes) -> None:
    key, now, limits = fold(scram.name), node.clock(), node.logins.limits
    limits.spend(key, client.host, now)
    try:
        answer = scram.final(data)
    except ScramError:
        node.logins.outcomes["failed"] += 1
        fail(client)
        return
    limits.succeeded(key, client.host)
    client.exchange.step = partial(_scram_end, account)
    _send(client, answer)


def _scram_end(account: Account | None, node: Node, client: Client, data: bytes) -> None:
    """The client has checked the server's proof too: it answers with nothing."""
    if data:
        fail(client)
    else:
        _proved(node, client, account)


def _send(client: Client, data: bytes) -> None:
    text = base64.b64encode(data).decode()
    chunks = [text[start : start + CHUNK] for start in range(0, len(text) + 1, CHUNK)]
    client.send(*(f"AUTHENTICATE {chunk or '+'}\r\n".encode() for chunk in chunks))


_STEPS: dict[str, Step] = {"PLAIN": _plain, "SCRAM-SHA-256": _scram_first, "EXTERNAL": _external}
