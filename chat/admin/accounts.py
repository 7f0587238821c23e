"""`fanfare admin account`: add, list and remove accounts, and change their passwords.

The password is hashed here, so that neither the server's loop nor its log ever has it.
"""

import argparse
import getpass
import sys
from typing import Any

from chat.admin.verbs import Parsers, add_verb
from chat.configuration import load as load_settings
from chat.errors import SetupError

MOST = 4096  # characters of standard input that are read for a password


def add_parser(kinds: Parsers) -> None:
    account = kinds.add_parser("account", help="the accounts: add, list, remove, password")
    actions = account.add_subparsers(required=True, metavar="ACTION")
    add_verb(actions, "list", "all accounts, and who is logged in", verb="account-list")
    for name, text in (
        ("add", "make an account; its password is asked for, or read from standard input"),
        ("password", "give an account another password"),
    ):
        parser = add_verb(actions, name, text, verb=f"account-{name}", prepare=_with_password)
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--password-stdin", action="store_true", help="read it from standard input, and ask nobody")
    remove = add_verb(
        actions, "remove", "remove an account; who is logged in stays", verb="account-remove", fields=("name",)
    )
    remove.add_argument("name", metavar="NAME")


def _with_password(options: argparse.Namespace) -> dict[str, Any]:
    """Raises SetupError for a password that cannot or should not be one."""
    from chat.server.accounts import verifier

    password = read_password(options.password_stdin)
    iterations = load_settings({}, options.config).password_iterations
    try:
        verifier.check_new(password, options.name)
        return {"name": options.name, "verifier": str(verifier.make(password, iterations))}
    except ValueError as error:
        raise SetupError(str(error)) from None


def read_password(from_stdin: bool) -> str:
    """One line of standard input, or what is typed twice. Raises SetupError."""
    if from_stdin or not sys.stdin.isatty():
        return sys.stdin.readline(MOST).rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise SetupError("the two passwords differ")
    return password
