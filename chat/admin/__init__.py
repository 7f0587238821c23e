"""The command `fanfare admin`: operate a server and its log."""

import argparse

from chat.admin import accounts, log, operators, verbs


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    admin = commands.add_parser("admin", help="operate a server and its log")
    kinds = admin.add_subparsers(required=True, metavar="WHAT")
    verbs.add_parsers(kinds)
    accounts.add_parser(kinds)
    operators.add_parsers(kinds)
    log.add_parser(kinds)
