"""Settings kept from one start to the next: a small JSON file in the person's configuration folder.

Never a password. A file that cannot be read keeps nobody from talking: it is put
aside, and everything is as at the first start.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

THEMES = ("system", "light", "dark")
FONT_SIZES = range(6, 41)  # points

_FILE = "client.json"
_LONGEST = 500  # characters of a text; the longest name of a host has 253
_MOST_ITEMS = 200  # of a list
_MOST_BYTES = 65_536  # no file that this program writes has a tenth of it


@dataclass(frozen=True, slots=True)
class Server:
    """One server as the person has set it up."""

    address: str  # HOST:PORT, with the scheme where the port does not tell that
    name: str = ""
    rooms: tuple[str, ...] = ()  # each with its key after a space, if it has one
    account: str = ""
    certificate: str = ""  # file of a client certificate
    trusted: str = ""  # fingerprint of the server's certificate that the person decided to trust
    ignored: tuple[str, ...] = ()  # masks of people
    opened: bool = True  # connect at the start
    keyring: bool = False  # its passwords are in the desktop's keyring


@dataclass(frozen=True, slots=True)
class Settings:
    """Change it with dataclasses.replace, and `save` it."""

    servers: tuple[Server, ...] = ()  # the one used last is the first
    highlights: tuple[str, ...] = ()  # words that call the person, beside the nickname
    notify: bool = True  # a notification of the desktop when somebody calls
    sound: bool = False  # and a sound
    typing: bool = True  # tell others when one is typing, where the server passes it on
    log: bool = True  # keep what is said in text files
    geometry: str = ""  # of the window, as Tk writes it: 900x600+10+20
    sashes: tuple[int, ...] = ()  # positions in pixels, from left to right
    theme: str = "system"
    font_size: int = 11  # points


def folder(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Where this system keeps what a program remembers. FANFARE_CONFIG_HOME names another place."""
    own = environ.get("FANFARE_CONFIG_HOME")
    if own:
        return Path(own)
    if platform == "win32":
        return Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "fanfare"
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "fanfare"
    home = environ.get("XDG_CONFIG_HOME", "")
    # https://specifications.freedesktop.org/basedir-spec: a path that is not absolute is ignored
    return (Path(home) if home.startswith("/") else Path.home() / ".config") / "fanfare"


def load(place: Path | None = None) -> Settings:
    """What was remembered; whatever is missing or makes no sense, as at the first start. Never raises OSError."""
    file = (place or folder()) / _FILE
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ValueError(f"{file} has over {_MOST_BYTES:,} bytes")
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError(f"{file} holds no JSON object")
    except OSError:
        return Settings()
    except (ValueError, RecursionError):  # RecursionError: brackets in brackets in brackets
        with contextlib.suppress(OSError):
            file.replace(file.with_name(f"{_FILE}.broken"))
        return Settings()
    return _understood(found)


def save(settings: Settings, place: Path | None = None) -> bool:
    """Replace what was kept; whether that was possible."""
    data = json.dumps(asdict(settings), indent=1, ensure_ascii=True) + "\n"
    return write_file((place or folder()) / _FILE, data)


def write_file(file: Path, data: str) -> bool:
    """Replace a file as a whole, readable by its owner alone; whether that was possible. Never raises OSError."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
        try:
            with open(descriptor, "w", encoding="ascii") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())  # or a power cut may leave an empty file under the name
            os.replace(name, file)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            return False
    except OSError:
        return False
    return True


def _understood(found: Mapping[str, Any]) -> Settings:
    """Each field on its own: one that makes no sense does not cost the others."""
    return Settings(**_good(found, Settings, _MAKES_SENSE))


def _good(found: Mapping[str, Any], kind: type, checks: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The fields that make sense. A check gives the value to keep, or raises ValueError."""
    good: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in found:
            with contextlib.suppress(ValueError):
                good[field.name] = checks[field.name](found[field.name])
    return good


def _text(value: object) -> str:
    if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable():
        return value
    raise ValueError(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(value)


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100_000:
        return value
    raise ValueError(value)


def _list_of(check: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def checked(value: object) -> tuple[Any, ...]:
        if isinstance(value, list) and len(value) <= _MOST_ITEMS:
            return tuple(check(item) for item in value)
        raise ValueError(value)

    return checked


def _one_of(values: Container[Any], check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(value: object) -> Any:
        if check(value) in values:
            return value
        raise ValueError(value)

    return checked


def _server(value: object) -> Server:
    if not isinstance(value, dict):
        raise ValueError(value)
    good = _good(value, Server, _OF_A_SERVER)
    if not good.get("address"):
        raise ValueError(value)
    return Server(**good)


_OF_A_SERVER: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("address", "name", "account", "certificate", "trusted"), _text),
    **dict.fromkeys(("rooms", "ignored"), _list_of(_text)),
    **dict.fromkeys(("opened", "keyring"), _flag),
}
_MAKES_SENSE: dict[str, Callable[[Any], Any]] = {
    "servers": _list_of(_server),
    "highlights": _list_of(_text),
    **dict.fromkeys(("notify", "sound", "typing", "log"), _flag),
    "geometry": _text,
    "sashes": _list_of(_number),
    "theme": _one_of(THEMES, _text),
    "font_size": _one_of(FONT_SIZES, _number),
}
