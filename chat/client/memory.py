"""What the client remembers from one start to the next: a small JSON file in the person's configuration folder.

Never a password, and never more than a few kilobytes. A file that cannot be read keeps nobody from talking: it is put
aside, and everything is as at the first start.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

THEMES = ("system", "light", "dark")
FONT_SIZES = range(6, 41)  # points

_FILE = "client.json"
_LONGEST = 500  # characters of a text; the longest name of a host has 253
_MOST_SASHES = 8
_MOST_BYTES = 65_536  # no file of ours has a tenth of it


@dataclass(frozen=True, slots=True)
class Memory:
    """Change it with dataclasses.replace, and `save` it."""

    server: str = ""  # HOST:PORT
    name: str = ""
    room: str = ""
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


def load(place: Path | None = None) -> Memory:
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
        return Memory()
    except (ValueError, RecursionError):  # RecursionError: brackets in brackets in brackets
        with contextlib.suppress(OSError):
            file.replace(file.with_name(f"{_FILE}.broken"))
        return Memory()
    return _understood(found)


def save(memory: Memory, place: Path | None = None) -> bool:
    """Replace the file as a whole, readable by its owner alone; whether that was possible. Never raises OSError."""
    place = place or folder()
    data = json.dumps(asdict(memory), indent=1, ensure_ascii=True) + "\n"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f"{_FILE}.", dir=place)
        try:
            with open(descriptor, "w", encoding="ascii") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())  # or a power cut may leave an empty file under the name
            os.replace(name, place / _FILE)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            return False
    except OSError:
        return False
    return True


def _understood(found: Mapping[str, Any]) -> Memory:
    """Each field on its own: one that makes no sense does not cost the others."""
    known = {field.name: _MAKES_SENSE.get(field.name, _is_text) for field in fields(Memory)}
    good = {name: value for name, value in found.items() if name in known and known[name](value)}
    if "sashes" in good:
        good["sashes"] = tuple(good["sashes"])
    return Memory(**good)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and value.isprintable()


def _is_sashes(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_SASHES and all(_is_number(item) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100_000


_MAKES_SENSE: dict[str, Callable[[Any], bool]] = {
    "sashes": _is_sashes,
    "theme": lambda value: value in THEMES,
    "font_size": lambda value: _is_number(value) and value in FONT_SIZES,
}
