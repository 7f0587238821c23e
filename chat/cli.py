"""The command `fanfare`: read the options, and run the server, the client, a check or an administrator's command."""

import argparse
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from chat import __version__
from chat.admin import add_parser as add_admin
from chat.arguments import USAGE_ERROR, OneLineParser, one_line
from chat.configuration import GONE, PASSWORD_FILE, load
from chat.errors import SetupError
from chat.settings import DEFAULT_ADDRESSES, Address, Settings, parse_address
from chat.wires.schemes import SCHEMES

FAILURE = 1
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # how a server that listens on all addresses is reached
CHECK_TIMEOUT = 5.0  # s for the server to answer a check


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 failed, 2 could not start."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["load"]:  # its words are its own, and many are Locust's
        return _load(words[1:])
    options = _parser().parse_args(words)
    try:
        status: int = options.run(options)
    except SetupError as error:
        print(f"fanfare: {one_line(str(error))}", file=sys.stderr)
        return USAGE_ERROR
    return status


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = OneLineParser(prog="fanfare", description="A chat room you can trust under load.")
    parser.add_argument("--version", action="version", version=f"fanfare {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        usage="fanfare serve [--config FILE.toml] [--listen SCHEME://HOST:PORT] [OPTION VALUE] ...",
        help="run the server",
        description="Run the server until SIGTERM or Ctrl-C.",
    )
    serve.set_defaults(run=_serve)
    serve.add_argument("--config", metavar="FILE.toml", help="settings by name; options and FANFARE_* go before it")
    listen = ", ".join(str(address) for address in DEFAULT_ADDRESSES)
    serve.add_argument("--listen", metavar="SCHEME://HOST:PORT", action="append", help=f"repeatable; default {listen}")
    serve.add_argument("--password-file", metavar="FILE", help="one line, the password; FANFARE_PASSWORD_FILE too")
    for setting in fields(Settings):
        if setting.name != "listen":
            unit, why, default = setting.metadata["unit"], setting.metadata["why"], setting.default
            repeatable: dict[str, Any] = {}
            if isinstance(default, tuple):
                repeatable, default = {"action": "append"}, ", ".join(default) or "none"
            serve.add_argument(
                f"--{setting.name.replace('_', '-')}",
                metavar=unit.upper().replace(" ", "-").replace("%", ""),
                help=f"{unit}: {why} (default {default})".replace("%", "%%"),
                **repeatable,
            )

    for name in GONE:
        serve.add_argument(f"--{name.replace('_', '-')}", help=argparse.SUPPRESS)

    add_admin(commands)

    client = commands.add_parser("client", help="open the desktop client")
    client.set_defaults(run=_client)
    client.add_argument(
        "address",
        nargs="?",
        metavar="irc[s]://HOST:PORT/ROOM",
        help="where to go; ircs:// is encrypted, as are ports 6697 and 6679 without a scheme (default: ask)",
    )
    client.add_argument("--nick", metavar="NAME", help="your name there; with an address, connect at once")

    check = commands.add_parser("check", help="ask a server for a sign of life; exit 0 when it answers")
    check.set_defaults(run=_check)
    check.add_argument("address", nargs="?", metavar="irc://HOST:PORT", help="default: the server's own first IRC port")
    check.add_argument(
        "--config", metavar="FILE.toml", help="the server's; FANFARE_LISTEN and FANFARE_CONFIG count too"
    )
    commands.add_parser("load", help="load a chat server, and look at the results: fanfare load --help")
    return parser


def _load(words: Sequence[str]) -> int:
    try:
        from loadtest.__main__ import main as load
    except ImportError as error:
        print(f"fanfare: the load test is not installed ({error}): pip install 'fanfare[load]'", file=sys.stderr)
        return USAGE_ERROR
    return load(words)


def _serve(options: argparse.Namespace) -> int:
    from chat.server.ops.process import run

    names = [*(setting.name for setting in fields(Settings)), PASSWORD_FILE, *GONE]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return run(lambda: load(given, options.config))


def _client(options: argparse.Namespace) -> int:
    from chat.client import run

    return run(options.address, options.nick)


def _check(options: argparse.Namespace) -> int:
    """Ask for the capabilities: every IRC server answers that before anyone has registered.

    A refusal is an answer too: a server that is full works, and must not be restarted for it.
    """
    address = parse_address(options.address) if options.address else _own_address(load({}, options.config))
    try:
        with _connect(address) as sock:
            sock.settimeout(CHECK_TIMEOUT)
            with suppress(ConnectionError):  # it refused, and closed before it had read
                sock.sendall(b"CAP LS 302\r\n")
            answer = sock.recv(4096)
            with suppress(ConnectionError):
                sock.sendall(b"QUIT\r\n")
    except (OSError, ValueError) as error:  # ValueError: the resolver's codec takes no such host
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        print(f"fanfare: {address} does not answer: {reason}", file=sys.stderr)
        return FAILURE
    if answer.startswith(b"ERROR :"):
        print(f"{address} refuses: {one_line(answer[7:].decode(errors='replace').strip())}")
    elif b" CAP " not in answer:
        print(f"fanfare: {address} answers, but not as an IRC server: {answer[:80]!r}", file=sys.stderr)
        return FAILURE
    return 0


def _connect(address: Address) -> socket.socket:
    """By TLS where the address says so. Whose certificate it is does not matter for a sign of life."""
    sock = socket.create_connection((address.host, address.port), CHECK_TIMEOUT)
    if not SCHEMES[address.scheme].tls:
        return sock
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(sock)


def _own_address(settings: Settings) -> Address:
    """Where a server with these settings is reached from this machine. Raises SetupError."""
    for address in sorted(settings.listen, key=lambda address: address.scheme):  # irc before ircs
        if address.scheme in ("irc", "ircs") and address.port:
            return replace(address, host=LOOPBACK.get(address.host, address.host))
    raise SetupError("the settings name no IRC listener with a port: which address is to be checked?")


if __name__ == "__main__":
    sys.exit(main())
