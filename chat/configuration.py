"""Load settings from the command line, `FANFARE_*` variables and a TOML file, in this order of precedence."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from chat.arguments import nearest
from chat.errors import SetupError
from chat.settings import MOST, Settings, parse_address, show

PASSWORD_FILE = "password_file"  # an option, a variable and a key that give `password`
MOST_CONFIG = 1_048_576  # bytes of a config file; all settings with their comments take 10 KB
MOST_PASSWORD_FILE = 4096  # bytes
# Settings of earlier versions, and why each is gone: an old configuration gets that as its one line.
GONE = {
    "workers": "one loop thread owns all connections, since more did less on 2 cores and on 16",
    "inbox_limit": "one loop thread owns all connections, and nothing waits between threads",
    "outbox_limit": "lag_limit and lag_time say how much may wait for a reader",
    "outbox_age": "lag_age says how long a reader may take nothing",
    "unframed_limit": "input_limit and rate_limit hold on every wire",
}

_DEFAULTS = Settings()
_NAMES = (*(setting.name for setting in fields(Settings)), PASSWORD_FILE)


def parse_value(name: str, value: Any) -> Any:
    """A setting's value from text, or from TOML. Raises SetupError that names the setting."""
    if name == "listen":
        texts = value.split(",") if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise SetupError("listen must be a list of addresses")
        return tuple(parse_address(text.strip()) for text in texts)
    kind = type(getattr(_DEFAULTS, name))
    if kind is tuple:
        return _parse_list(name, value)
    return _parse_text(name, value) if kind is str else _parse_number(name, value, kind)


def _parse_list(name: str, value: Any) -> tuple[str, ...]:
    """Texts from a list, or from one text with commas; `none` for an empty one."""
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        raise SetupError(f"{name} must be a list")
    words = [word.strip() for text in texts for word in _parse_text(name, text).split(",")]
    return () if words in ([""], ["none"]) else tuple(words)


def _parse_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SetupError(f"{name} is {show(value)}, it must be text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SetupError(f"{name} is not UTF-8") from None
    return value


def _parse_number(name: str, value: Any, kind: type[int] | type[float]) -> int | float:
    if name == "rate_limit" and value == "off":
        return 0.0
    try:
        if isinstance(value, bool):
            raise ValueError
        number = kind(value)
        if isinstance(value, float) and number != value and value == value:
            raise ValueError
    except OverflowError:
        raise SetupError(f"{name} is {show(value)}, the most is {MOST:,}") from None
    except (TypeError, ValueError):
        wanted = "a whole number" if kind is int else "a number"
        raise SetupError(f"{name} is {show(value)}, it must be {wanted}") from None
    if isinstance(number, int) and number > MOST:  # one of thousands of digits could not be shown
        raise SetupError(f"{name} is {show(number)}, the most is {MOST:,}")
    return number


def load(options: Mapping[str, Any], config: str | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from all sources. `options` holds only what the command line gave. Raises SetupError."""
    config = config or environ.get("FANFARE_CONFIG")
    variables = {
        name: environ[variable] for name in (*_NAMES, *GONE) if (variable := f"FANFARE_{name.upper()}") in environ
    }
    values: dict[str, Any] = {}
    for source in (_read_file(config) if config else {}, variables, options):
        for name in source:
            if name in GONE:
                raise SetupError(f"there is no setting {name} any longer: {GONE[name]}")
        values.update(_with_password(source))
    return replace(_DEFAULTS, **{name: parse_value(name, value) for name, value in values.items()})


def _with_password(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source with the password that its `password_file` holds. A later source goes before an earlier one."""
    values = dict(source)
    path = values.pop(PASSWORD_FILE, None)
    if path is not None:
        if "password" in values:
            raise SetupError(f"password and {PASSWORD_FILE} are both given, one is enough")
        values["password"] = _read_password(_parse_text(PASSWORD_FILE, path))
    return values


def _read_password(path: str) -> str:
    text = _read(path, MOST_PASSWORD_FILE).removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text:
        raise SetupError(f"{path}: the file of the password must hold one line")
    return text


def _read_file(path: str) -> dict[str, Any]:
    text = _read(path, MOST_CONFIG)
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise SetupError(f"{path}: its arrays or tables are nested too deeply") from None
    except ValueError as error:  # bad TOML, or a number of thousands of digits
        raise SetupError(f"{path}: {error}") from None
    names = {name.replace("-", "_"): value for name, value in values.items()}
    for name in values:
        if name.replace("-", "_") not in (*_NAMES, *GONE):
            close = nearest(name.replace("-", "_"), _NAMES)
            raise SetupError(f"{path}: there is no setting {show(name)}{close}")
    if len(names) < len(values):
        raise SetupError(f"{path}: a setting is given twice, with a hyphen and with an underscore")
    return names


def _read(path: str, most: int) -> str:
    """A file's text. Reads no more than `most` bytes, so that an endless file such as /dev/zero does no harm."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise SetupError(f"{show(path)} is not a file's name") from None  # a NUL in it
    if len(data) > most:
        raise SetupError(f"{path}: it is longer than {most:,} bytes, the limit")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SetupError(f"{path}: it is not UTF-8 at byte {error.start:,}") from None
