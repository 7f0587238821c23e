"""The command `fanfare`: read the options, and run the server, the client or a check."""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import fields

from chat import __version__
from chat.errors import SetupError
from chat.settings import DEFAULT_ADDRESSES, Settings, load, parse_address

USAGE_ERROR = 2
FAILURE = 1
CHECK_TIMEOUT = 5.0  # s for the server to answer a check


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 failed, 2 could not begin."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["load"]:  # its words are its own, and many are Locust's
        return _load(words[1:])
    options = _parser().parse_args(words)
    try:
        status: int = options.run(options)
    except SetupError as error:
        print(f"fanfare: {error}", file=sys.stderr)
        return USAGE_ERROR
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fanfare", description="A chat room you can trust under load.")
    parser.add_argument("--version", action="version", version=f"fanfare {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the server", description="Run the server until SIGTERM or Ctrl-C.")
    serve.set_defaults(run=_serve)
    serve.add_argument("--config", metavar="FILE.toml", help="settings by name; options and FANFARE_* go before it")
    listen = ", ".join(str(address) for address in DEFAULT_ADDRESSES)
    serve.add_argument("--listen", metavar="SCHEME://HOST:PORT", action="append", help=f"repeatable; default {listen}")
    for setting in fields(Settings):
        if setting.name != "listen":
            unit, why, default = setting.metadata["unit"], setting.metadata["why"], setting.default
            serve.add_argument(
                f"--{setting.name.replace('_', '-')}",
                metavar=unit.upper().replace(" ", "-").replace("%", ""),
                help=f"{unit}: {why} (default {default})".replace("%", "%%"),
            )

    client = commands.add_parser("client", help="open the desktop client")
    client.set_defaults(run=_client)
    client.add_argument("address", nargs="?", metavar="irc://HOST:PORT/ROOM")
    client.add_argument("--nick", metavar="NAME")

    check = commands.add_parser("check", help="ask a server for a sign of life; exit 0 when it answers")
    check.set_defaults(run=_check)
    check.add_argument(
        "address",
        nargs="?",
        default=_own_address(os.environ.get("FANFARE_LISTEN", "")),
        metavar="irc://HOST:PORT",
        help="default: the IRC address of FANFARE_LISTEN, or irc://127.0.0.1:6667",
    )
    commands.add_parser("load", help="load a chat server, and look at the results: fanfare load --help")
    return parser


def _own_address(listen: str) -> str:
    """Where a server that listens there is reached from its own machine."""
    for word in listen.split(","):
        scheme, _, place = word.strip().partition("://")
        host, _, port = place.rpartition(":")
        if scheme == "irc" and port:
            return f"irc://{'127.0.0.1' if host in ('0.0.0.0', '[::]', '') else host}:{port}"
    return "irc://127.0.0.1:6667"


def _load(words: Sequence[str]) -> int:
    try:
        from loadtest.__main__ import main as load
    except ImportError as error:
        print(f"fanfare: the load test is not installed ({error}): pip install 'fanfare[load]'", file=sys.stderr)
        return USAGE_ERROR
    return load(words)


def _serve(options: argparse.Namespace) -> int:
    from chat.server.server import Server

    given = {
        setting.name: getattr(options, setting.name)
        for setting in fields(Settings)
        if getattr(options, setting.name) is not None
    }
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    server = Server(load(given, options.config))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.end())
    for address in server.start():
        print(f"listening on {address}", flush=True)
    sound = server.wait()
    server.stop()
    return 0 if sound else FAILURE


def _client(options: argparse.Namespace) -> int:
    from chat.client import run

    return run(options.address, options.nick)


def _check(options: argparse.Namespace) -> int:
    """Ask for the capabilities: every IRC server answers that before anyone has registered."""
    address = parse_address(options.address)
    try:
        with socket.create_connection((address.host, address.port), CHECK_TIMEOUT) as sock:
            sock.settimeout(CHECK_TIMEOUT)
            sock.sendall(b"CAP LS 302\r\n")
            answer = sock.recv(4096)
            sock.sendall(b"QUIT\r\n")
    except OSError as error:
        print(f"fanfare: {address} does not answer: {error.strerror or error}", file=sys.stderr)
        return FAILURE
    if b" CAP " not in answer:
        print(f"fanfare: {address} answers, but not as an IRC server: {answer[:80]!r}", file=sys.stderr)
        return FAILURE
    return 0


if __name__ == "__main__":
    sys.exit(main())
