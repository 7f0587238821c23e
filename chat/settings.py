"""Every tunable of the server in one frozen value: its default, its unit and why.

The command line, `FANFARE_*` variables and the config file all fill this; nothing else in the server has a number of
its own to tune. Precedence: command line, environment, file, default.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from chat.errors import SetupError

SCHEMES = {"irc": 6667, "relay": 55555, "joined": 10319, "tilde": 1100, "nick": 5501}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a wire is spoken: `irc://127.0.0.1:6667`. Port 0 lets the system choose."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


DEFAULT_ADDRESSES = tuple(Address(scheme, "127.0.0.1", port) for scheme, port in SCHEMES.items())


def _setting(default: Any, unit: str, why: str) -> Any:
    return field(default=default, metadata={"unit": unit, "why": why})


@dataclass(frozen=True, slots=True)
class Settings:
    """What `fanfare serve` runs with. `why` is shown by `--help`."""

    listen: tuple[Address, ...] = field(default=DEFAULT_ADDRESSES, metadata={"unit": "URL", "why": ""})
    workers: int = _setting(
        1,
        "threads",
        "that own connections, read them and compute; more only fight for the interpreter (docs/measurements.md)",
    )
    helpers: int = _setting(
        1,
        "threads",
        "beside each worker, that send with it what many are to get while the server is not busy; 0 on a single core",
    )
    name: str = _setting("fanfare.local", "host name", "how the server names itself to IRC clients")
    network: str = _setting("Fanfare", "word", "the network's name in the welcome")
    motd: str = _setting("", "text", "message of the day; empty for none")
    password: str = _setting("", "text", "what IRC clients must send as PASS; empty for none")
    lobby: str = _setting("#lobby", "room", "the room where the unframed wires meet")

    max_connections: int = _setting(
        0,
        "connections",
        "in all; 0 takes what the open-file limit leaves after 64 for the server itself",
    )
    max_per_address: int = _setting(
        0,
        "connections",
        "from one address; 0 takes half of all, so that no single address can lock the others out",
    )
    max_rooms: int = _setting(100, "rooms", "that one user may be in; clients of busy people hold some 50")
    rate_limit: float = _setting(
        5.0,
        "commands/s",
        "that one user may go on sending; nobody types five lines a second. `off` for trusted networks",
    )
    rate_burst: int = _setting(
        60,
        "commands",
        "that one user may send at once before the rate holds; a client that rejoins 20 rooms sends three for each",
    )

    registration_timeout: float = _setting(30.0, "s", "until a new connection must have registered")
    ping_interval: float = _setting(90.0, "s", "of silence until an IRC client is asked for a sign of life")
    ping_timeout: float = _setting(60.0, "s", "for the answer, before it is dropped")
    user_timeout: float = _setting(
        30.0,
        "s",
        "until a peer that acknowledges nothing is dropped (TCP_USER_TIMEOUT); it is probed when half of it was silent",
    )
    outbox_limit: int = _setting(
        1_048_576,
        "bytes",
        "of what was said, unsent, before a reader is dropped; 1 MiB is over 2,000 full IRC lines",
    )
    kernel_limit: int = _setting(
        16_384,
        "bytes",
        "unsent that the kernel may hold for a connection (TCP_NOTSENT_LOWAT) before the outbox does; left alone it "
        "takes megabytes for each reader that has stopped, which no limit of ours would see",
    )
    outbox_age: float = _setting(
        15.0, "s", "in which a reader with unsent bytes takes none of them; who reads nothing for so long is not there"
    )
    inbox_limit: int = _setting(
        1024, "posts", "that may wait for a worker before senders are no longer read; about 500 KB of full lines"
    )
    unframed_limit: int = _setting(
        65_536, "bytes", "without a pause of 1 s from a client of an unframed wire before it is cut off"
    )
    history: int = _setting(256, "events", "of a room that stay in memory; its order is their order")
    drain: float = _setting(
        0.0, "s", "over which a stopping server spreads the closing of its connections, or until a second signal"
    )
    stop_deadline: float = _setting(
        5.0, "s", "that a socket has to take its last bytes, when its client or the server ends"
    )

    def __post_init__(self) -> None:
        _check(self.workers >= 1, f"workers is {self.workers}, the least is 1")
        for name in _AT_LEAST_ZERO:
            value = getattr(self, name)
            _check(value >= 0, f"{name} is {value}, the least is 0")
        for name in _POSITIVE:
            value = getattr(self, name)
            _check(value > 0, f"{name} is {value}, it must be more than 0")
        for name in (*_AT_LEAST_ZERO, *_POSITIVE):
            _check(getattr(self, name) <= _MOST, f"{name} is {getattr(self, name)}, the most is {_MOST:,}")
        _check(bool(self.listen), "listen names no address")
        _check(self.lobby.startswith("#") and " " not in self.lobby, f"lobby is {self.lobby!r}, not a room's name")
        _check(bool(self.name) and " " not in self.name, f"name is {self.name!r}, not a host name")


_MOST = 1_000_000_000  # of anything; so that no sum or deadline overflows
_AT_LEAST_ZERO = ("helpers", "max_connections", "max_per_address", "rate_limit", "rate_burst", "history", "drain")
_POSITIVE = (
    "max_rooms",
    "registration_timeout",
    "ping_interval",
    "ping_timeout",
    "user_timeout",
    "outbox_limit",
    "kernel_limit",
    "outbox_age",
    "inbox_limit",
    "unframed_limit",
    "stop_deadline",
)


def _check(holds: bool, complaint: str) -> None:
    if not holds:
        raise SetupError(complaint)


def parse_address(text: str) -> Address:
    """`irc://HOST:PORT`; without a port the scheme's usual one. Raises SetupError."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in SCHEMES:
        raise SetupError(f"{text!r} is not an address like irc://127.0.0.1:6667 (schemes: {', '.join(SCHEMES)})")
    rest = rest.rstrip("/")
    host, _, port = rest.rpartition(":") if not rest.endswith("]") and ":" in rest else (rest, "", "")
    host = host.strip("[]")
    if not host:
        raise SetupError(f"{text!r} names no host")
    if not port:
        return Address(scheme, host, SCHEMES[scheme])
    if not port.isdigit() or int(port) > 65535:
        raise SetupError(f"{text!r}: the port is {port!r}, it must be a number up to 65535")
    return Address(scheme, host, int(port))


def parse_value(name: str, value: Any) -> Any:
    """A setting's value from text, or from TOML. Raises SetupError that names the setting."""
    if name == "listen":
        texts = value.split(",") if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise SetupError("listen must be a list of addresses")
        return tuple(parse_address(text.strip()) for text in texts)
    kind = type(getattr(_DEFAULTS, name))
    if kind is str:
        if not isinstance(value, str):
            raise SetupError(f"{name} is {value!r}, it must be text")
        return value
    if name == "rate_limit" and value == "off":
        return 0.0
    try:
        if isinstance(value, bool):
            raise ValueError
        number = kind(value)
        if isinstance(value, float) and number != value:
            raise ValueError
    except (TypeError, ValueError):
        wanted = "a whole number" if kind is int else "a number"
        raise SetupError(f"{name} is {value!r}, it must be {wanted}") from None
    return number


def load(options: Mapping[str, Any], config: str | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from all sources. `options` holds only what the command line gave. Raises SetupError."""
    names = {setting.name for setting in fields(Settings)}
    values: dict[str, Any] = {}
    config = config or environ.get("FANFARE_CONFIG")
    if config:
        for name, value in _read_file(config).items():
            if name.replace("-", "_") not in names:
                raise SetupError(f"{config}: there is no setting {name!r}")
            values[name.replace("-", "_")] = value
    values.update({name: environ[variable] for name in names if (variable := f"FANFARE_{name.upper()}") in environ})
    values.update(options)
    return replace(_DEFAULTS, **{name: parse_value(name, value) for name, value in values.items()})


def _read_file(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: {error}") from None


_DEFAULTS = Settings()
