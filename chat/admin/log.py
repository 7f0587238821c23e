"""`fanfare admin log`: work on the log's file, also while the server runs."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from chat.admin.request import ask
from chat.admin.show import as_table, print_lines, safe
from chat.admin.verbs import ask_server
from chat.configuration import load as load_settings
from chat.errors import FanfareError, SetupError
from chat.paths import admin_path, history_path, log_path
from chat.settings import Settings

LINES = 20  # that `tail` shows unless told otherwise


def add_parser(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    log = kinds.add_parser("log", help="what was said: statistics, tail, export, import, backup, purge")
    actions = log.add_subparsers(required=True, metavar="ACTION")
    _action(actions, "stats", _stats, "how much is there, and since when")
    tail = _action(actions, "tail", _tail, "the newest entries")
    tail.add_argument("room", nargs="?", default="", metavar="#ROOM")
    tail.add_argument("-n", "--lines", type=int, default=LINES, metavar="N", help=f"default {LINES}")
    tail.add_argument("-f", "--follow", action="store_true", help="and those that come, until Ctrl-C")
    export = _action(actions, "export", _export, "all entries as JSON lines, on standard output")
    _selection(export)
    add = _action(actions, "import", _import, "add entries that were exported; those that are there already stay")
    add.add_argument("file", metavar="FILE", help="JSON lines; - is standard input")
    backup = _action(actions, "backup", _backup, "a whole copy, of one moment")
    backup.add_argument("file", metavar="FILE", help="must not exist")
    purge = _action(actions, "purge", _purge, "take entries out of the file: of a room, of a person, older than a day")
    _selection(purge)
    purge.add_argument("--before", metavar="DATE", help="only what is older: 2026-01-31, or with a time, in UTC")
    purge.add_argument("--all", action="store_true", help="everything that the other options leave open")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: object, text: str
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text, description=text)
    action.set_defaults(run=run)
    action.add_argument("--log", metavar="sqlite:PATH", help="default: the server's, by FANFARE_LOG or --config")
    action.add_argument("--config", metavar="FILE.toml")
    return action


def _selection(action: argparse.ArgumentParser) -> None:
    action.add_argument("--room", default="", metavar="#ROOM", help="only this room's")
    action.add_argument("--nick", default="", metavar="NAME", help="only what somebody of this name said and did")


def _settings(options: argparse.Namespace) -> Settings:
    return load_settings({"log": options.log} if options.log else {}, options.config)


def _path(settings: Settings) -> Path:
    """The log's file. Raises SetupError."""
    if settings.log == "memory:":
        raise SetupError("the log is memory:, which leaves nothing; name a file with --log sqlite:PATH")
    if not settings.shares_log:
        return log_path(settings.log)
    path = history_path(settings.history)
    if path is None:
        raise SetupError(f"the history is {settings.history}, which is no file; name one with --log sqlite:PATH")
    return path


def _settling(settings: Settings, path: Path) -> Callable[[], int]:
    """A function that has the server of the file write what waits, and gives the id up to which all is there."""
    from chat.server.disk.file import NEWEST, is_served
    from chat.server.ops.unix_socket import NoServer, connect

    complained = False

    def settle() -> int:
        nonlocal complained
        socket = admin_path(settings)
        if socket is None or complained or not is_served(path):
            return NEWEST
        try:
            with connect(socket) as sock:
                (answer,) = ask(sock, "log-settle", {})
            return int(answer["newest"], 16)
        except NoServer:
            return NEWEST
        except FanfareError as error:
            print(f"fanfare: the newest entries may be missing: {error}", file=sys.stderr)
            complained = True
            return NEWEST

    return settle


def _settled(options: argparse.Namespace) -> Path:
    """The log's file, once it has all that was said before. Raises SetupError."""
    settings = _settings(options)
    path = _path(settings)
    _settling(settings, path)()
    return path


def _stats(options: argparse.Namespace) -> int:
    from chat.server.disk import admin

    return print_lines(f"{name:<28}{value}" for name, value in admin.statistics(_settled(options)))


def _tail(options: argparse.Namespace) -> int:
    from chat.server.disk import admin

    if options.lines < 0:
        raise SetupError(f"-n is {options.lines}, the least is 0")
    settings = _settings(options)
    path = _path(settings)
    lines = admin.tail(path, options.lines, options.room, _settling(settings, path), options.follow)
    return print_lines(map(safe, lines), flush=True)


def _export(options: argparse.Namespace) -> int:
    from chat.server.disk import admin

    return print_lines(admin.export(_settled(options), options.room, options.nick))


def _import(options: argparse.Namespace) -> int:
    from chat.server.disk import admin

    try:
        with open(0 if options.file == "-" else options.file, encoding="utf-8") as file:
            count = admin.load(_path(_settings(options)), file)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SetupError(f"{options.file}: {reason}") from None
    print(f"{count:,} entries read")
    return 0


def _backup(options: argparse.Namespace) -> int:
    from chat.server.disk import admin

    admin.backup(_settled(options), Path(options.file))
    return 0


def _purge(options: argparse.Namespace) -> int:
    from chat.server.disk import admin

    if not (options.room or options.nick or options.before or options.all):
        raise SetupError("purge what? --room, --nick and --before choose; --all is everything")
    settings, before = _settings(options), _read_date(options.before)
    if settings.shares_log:
        wanted = {"room": options.room, "nick": options.nick, **({"before": before} if before is not None else {})}
        status = ask_server(settings, "log-purge", wanted, as_table)
        if not status:
            print("all servers purge their histories now")
        return status
    count = admin.purge(_settled(options), options.room, options.nick, before)
    print(f"{count:,} entries purged")
    return 0


def _read_date(text: str | None) -> float | None:
    """Seconds since the epoch. Raises SetupError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SetupError(f"{text!r} is no date like 2026-01-31") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
