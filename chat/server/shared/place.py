"""The place of a shared log's store, from the URL of `--log`, and the client that reaches it there."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.sentinel import Sentinel

from chat.errors import SetupError
from chat.settings import SHARED_LOGS as SCHEMES

DEFAULT_PREFIX = "fanfare:"
SOCKET_TIMEOUT = 2.0  # s for an answer; a store that takes longer stands still, and the call is made again


@dataclass(frozen=True, slots=True)
class Place:
    """The store's address, from `--log`; `Place.of` reads `redis://USER:PASSWORD@HOST:PORT/DB`.

    `rediss://` is TLS, `unix:///PATH` a socket, and `sentinel://HOST:PORT,HOST:PORT/NAME/DB` asks Sentinels where the
    master is. Query: `prefix=` for the keys, `replica=HOST:PORT` for the one to read from with `--durability strict`.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    user: str | None
    password: str | None
    db: int
    path: str  # of the socket, or the master's name for the Sentinels
    prefix: str
    replica: tuple[str, int] | None

    @classmethod
    def of(cls, url: str) -> "Place":
        """Raises SetupError."""
        scheme, _, rest = url.partition("://")
        if scheme not in SCHEMES or not rest:
            raise SetupError(f"log is {scheme}://..., not one of {', '.join(f'{known}://' for known in SCHEMES)}")
        end = min((rest.index(sign) for sign in "/?" if sign in rest), default=len(rest))
        authority, parts = rest[:end], urlsplit(f"//x{rest[end:]}")
        query = parse_qs(parts.query)
        if unknown := query.keys() - {"prefix", "replica", "db"}:
            raise SetupError(f"log: there is no parameter {min(unknown)}; prefix, replica and db are known")
        login, at, hosts = authority.rpartition("@")
        user, _, password = login.partition(":")
        path = unquote(parts.path)
        names = path.strip("/").split("/")
        master, number = ("", path if scheme == "unix" else names[0])
        if scheme == "sentinel":
            master, number = names[0], names[1] if len(names) > 1 else "0"
        elif scheme == "unix":
            master, number = path, query.get("db", ["0"])[0]
        if not (number or "0").isdecimal():
            raise SetupError(f"log: the database is {number!r}, it must be a number")
        return cls(
            scheme,
            tuple(_host(host, 26_379 if scheme == "sentinel" else 6379) for host in hosts.split(",")) if hosts else (),
            (unquote(user) or None) if at else None,
            (unquote(password) or None) if at else None,
            int(number or 0),
            master,
            query.get("prefix", [DEFAULT_PREFIX])[0],
            _host(query["replica"][0], 6379) if "replica" in query else None,
        )

    @property
    def has_replica(self) -> bool:
        return self.replica is not None or self.scheme == "sentinel"

    def __str__(self) -> str:
        """Without the password."""
        where = self.path if self.scheme == "unix" else ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"{self.scheme}://{where}"

    def client(self, read: bool = False) -> "redis.Redis":
        """A client for the master or, with `read`, for a replica."""
        options: dict[str, Any] = {
            "username": self.user,
            "password": self.password,
            "db": self.db,
            "decode_responses": True,
            "socket_timeout": SOCKET_TIMEOUT,
            "socket_connect_timeout": SOCKET_TIMEOUT,
            "protocol": 2,
            "retry": None,
            "retry_on_error": [],
            "health_check_interval": 0,
        }
        if self.scheme == "unix" and not (read and self.replica):
            return redis.Redis(unix_socket_path=self.path, **options)
        if self.scheme == "sentinel":
            sentinel: Any = Sentinel(list(self.hosts), socket_timeout=SOCKET_TIMEOUT)  # type: ignore[no-untyped-call]
            find = sentinel.slave_for if read else sentinel.master_for
            client: redis.Redis = find(self.path, **options)
            return client
        host, port = self.replica if read and self.replica is not None else self.hosts[0]
        return redis.Redis(host=host, port=port, ssl=self.scheme == "rediss", **options)


def _host(text: str, port: int) -> tuple[str, int]:
    host, _, number = text.rpartition(":") if ":" in text and not text.endswith("]") else (text, "", str(port))
    if not host or not number.isdecimal() or not 0 < int(number) < 65_536:
        raise SetupError(f"log: {text!r} is not HOST:PORT")
    return host.strip("[]"), int(number)
