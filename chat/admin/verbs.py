"""The verbs of `fanfare admin` that a running server answers, and the log's file while none runs.

Each is a parser made by `add_verb`; its handler in the server is `chat/server/ops/verbs.py`'s.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from chat.admin.request import ask
from chat.admin.show import Row, as_json, as_table, as_values, print_lines
from chat.configuration import load as load_settings
from chat.errors import FanfareError, SetupError
from chat.paths import admin_path, log_path
from chat.settings import Settings

FAILURE = 1

Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Show = Callable[[Iterable[Row]], Iterator[str]]
Prepare = Callable[[argparse.Namespace], dict[str, Any]]


def add_parsers(kinds: Parsers) -> None:
    add_verb(kinds, "status", "what the server is and how it does", show=as_values)
    users = add_verb(kinds, "users", "who is connected", fields=("room",))
    users.add_argument("--room", metavar="#ROOM", help="only its members")
    add_verb(kinds, "rooms", "the rooms, and those that are remembered though nobody is in them")


def add_verb(
    kinds: Parsers,
    name: str,
    text: str,
    *,
    verb: str = "",
    fields: Sequence[str] = (),
    prepare: Prepare | None = None,
    show: Show = as_table,
) -> argparse.ArgumentParser:
    """A parser for a verb, by default one of the same name. Its request has the options in `fields` that are given,
    or what `prepare` makes of them."""
    parser = kinds.add_parser(name, help=text, description=text)
    parser.set_defaults(run=_run, verb=verb or name, prepare=prepare or _fields(fields), show=show)
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument(
        "--admin", metavar="PATH", help="the server's socket, by default as FANFARE_ADMIN or --config say"
    )
    parser.add_argument(
        "--log", metavar="sqlite:PATH", help="the server's log, by default as FANFARE_LOG or --config say"
    )
    parser.add_argument("--config", metavar="FILE.toml", help="the server's")
    return parser


def _fields(names: Sequence[str]) -> Prepare:
    return lambda options: {name: value for name in names if (value := getattr(options, name)) is not None}


def _run(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ("admin", "log") if getattr(options, name) is not None}
    settings = load_settings(given, options.config)
    show: Show = as_json if options.json else options.show
    return ask_server(settings, options.verb, options.prepare(options), show, options.json)


def ask_server(settings: Settings, verb: str, arguments: dict[str, Any], show: Show, flush: bool = False) -> int:
    """Print the rows of the answer; the exit status. Raises SetupError."""
    try:
        return print_lines(show(_answer(settings, verb, arguments)), flush=flush)
    except SetupError:
        raise
    except FanfareError as error:
        print(f"fanfare: {error}", file=sys.stderr)
        return FAILURE


def _answer(settings: Settings, verb: str, arguments: dict[str, Any]) -> Iterator[Row]:
    """The rows, from the running server or from its log. Raises SetupError, or AdminError for a refusal."""
    from chat.server.ops.unix_socket import NoServer, connect

    path = admin_path(settings)
    try:
        if path is None:
            raise NoServer("the admin socket is off")
        sock = connect(path)
    except NoServer as none:
        if settings.log == "memory:":
            raise SetupError(f"{none}; and the log memory: leaves nothing") from None
        if not settings.log.startswith("sqlite:"):
            raise SetupError(f"{none}; a shared log is worked on by a server's own socket") from None
        yield from _answer_offline(settings, verb, arguments, none)
        return
    with sock:
        yield from ask(sock, verb, arguments)


def _answer_offline(settings: Settings, verb: str, arguments: dict[str, Any], none: SetupError) -> Iterator[Row]:
    from chat.server.ops.offline import offline
    from chat.server.ops.operation import AdminError
    from chat.server.ops.verbs import find

    path: Path = log_path(settings.log)
    if not path.exists() and not find(verb).changes:
        raise SetupError(f"{none}; and there is no log {path}")
    with offline(settings) as place:
        for portion in place.answer(verb, arguments):
            yield from portion.rows
            if portion.error:
                raise AdminError(portion.error)
