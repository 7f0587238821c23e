"""What operators of the server do too: `fanfare admin ban`, `kill`, `wallops`, `whowas`, `rehash`; and `hash-password`,
which makes them."""

import argparse

from chat.admin.accounts import read_password
from chat.admin.show import as_values
from chat.admin.verbs import Parsers, add_verb
from chat.errors import SetupError

MASK = "an address, a range, user@host, ~a:account, or the nickname of somebody here for their address"


def add_parsers(kinds: Parsers) -> None:
    ban = kinds.add_parser("ban", help="server bans: add, list, remove")
    actions = ban.add_subparsers(required=True, metavar="ACTION")
    add_verb(actions, "list", "all bans that hold", verb="ban-list")
    add = add_verb(
        actions,
        "add",
        "ban from the server, whoever is connected too",
        verb="ban-add",
        fields=("mask", "for", "reason"),
    )
    add.add_argument("mask", metavar="MASK", help=MASK)
    add.add_argument("--for", metavar="DURATION", help="30m, 12h, 7d, 1y; without it for good")
    add.add_argument("--reason", metavar="TEXT", help="the banned, their rooms and the operators see it")
    remove = add_verb(actions, "remove", "take a ban back", verb="ban-remove", fields=("mask",))
    remove.add_argument("mask", metavar="MASK")
    kill = add_verb(kinds, "kill", "end somebody's connection", fields=("nick", "reason"))
    kill.add_argument("nick", metavar="NICK")
    kill.add_argument("--reason", metavar="TEXT", help="their rooms see it")
    wallops = add_verb(kinds, "wallops", "tell everybody who wants it (mode w)", fields=("text",))
    wallops.add_argument("text", metavar="TEXT")
    whowas = add_verb(kinds, "whowas", "who had a nickname before, the newest first", fields=("nick",))
    whowas.add_argument("nick", metavar="NICK")
    add_verb(kinds, "rehash", "read the configuration and the certificates again, as SIGHUP does", show=as_values)
    hash_ = kinds.add_parser("hash-password", help="the hash of an operator's password, for the setting `operators`")
    hash_.add_argument("--password-stdin", action="store_true", help="read it from standard input, and ask nobody")
    hash_.set_defaults(run=_hash_password)


def _hash_password(options: argparse.Namespace) -> int:
    from chat.server.accounts import operator_hash

    try:
        print(operator_hash.make(read_password(options.password_stdin)))
    except ValueError as error:
        raise SetupError(str(error)) from None
    return 0
