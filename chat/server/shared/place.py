"""The place of a shared log's store, from the URL of `--log`, and the client that reaches it there."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.sentinel import Sentinel

from chat.errors import SetupError
from chat.settings import SHARED_LOGS as SCHEMES

DEFAULT_PREFIX = "fanfare:"
PARAMETERS = ("prefix", "replica", "db")
FILES = ("ca", "cert", "key")  # for TLS
SOCKET_TIMEOUT = 2.0  # s for an answer; a store that takes longer stands still, and the call is made again


@dataclass(frozen=True, slots=True)
class Place:
    """The store's address, from `--log`; `Place.of` reads `redis://USER:PASSWORD@HOST:PORT/DB`.

    `rediss://` is TLS, `unix:///PATH` a socket, and `sentinel://HOST:PORT,HOST:PORT/NAME/DB` asks Sentinels where the
    master is. Query: `prefix=` for the keys, `replica=HOST:PORT` for the one to read from with `--durability strict`;
    for TLS, files in PEM: `ca=` with the authorities that vouch for the store, `cert=` and `key=` of this client.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    user: str | None
    password: str | None
    db: int
    path: str  # of the socket, or the master's name for the Sentinels
    prefix: str
    replica: tuple[str, int] | None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None  # it is in the same file

    @classmethod
    def of(cls, url: str) -> "Place":
        """Raises SetupError."""
        scheme, _, rest = url.partition("://")
        if scheme in SCHEMES and not rest:
            raise SetupError(
                f"log is {scheme}:// and nothing behind it: redis://HOST/DB, unix:///PATH, sentinel://HOST/NAME"
            )
        if scheme not in SCHEMES:
            raise SetupError(f"log is {scheme}://..., not one of {', '.join(f'{known}://' for known in SCHEMES)}")
        end = min((rest.index(sign) for sign in "/?" if sign in rest), default=len(rest))
        authority, parts = rest[:end], urlsplit(f"//x{rest[end:]}")
        query = parse_qs(parts.query)
        if unknown := query.keys() - {*PARAMETERS, *FILES}:
            raise SetupError(f"log: there is no parameter {min(unknown)}; {', '.join((*PARAMETERS, *FILES))} are known")
        if files := {name: query[name][0] for name in FILES if name in query}:
            _check(scheme, files)
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
            **files,
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
        if self.scheme == "rediss":
            options |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
            options |= {"ssl_ca_certs": self.ca, "ssl_certfile": self.cert, "ssl_keyfile": self.key}
        return redis.Redis(host=host, port=port, **options)


def _host(text: str, port: int) -> tuple[str, int]:
    host, _, number = text.rpartition(":") if ":" in text and not text.endswith("]") else (text, "", str(port))
    if not host or not number.isdecimal() or not 0 < int(number) < 65_536:
        raise SetupError(f"log: {text!r} is not HOST:PORT")
    return host.strip("[]"), int(number)


def _check(scheme: str, files: Mapping[str, str]) -> None:
    """The client would say of none of these which one it cannot read. Raises SetupError."""
    if scheme != "rediss":
        raise SetupError(f"log: {min(files)} is a file for TLS, which rediss:// has and {scheme}:// has not")
    if "key" in files and "cert" not in files:
        raise SetupError("log: there is a key and no cert that goes with it")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for path in files.values():
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise SetupError(f"log: {path}: {error.strerror}") from None
    try:
        wrong = f"{files.get('ca')}: it holds no certificate in PEM"
        if "ca" in files:
            context.load_verify_locations(files["ca"])
        wrong = f"{files.get('key', files.get('cert'))}: it is no key, in PEM and not encrypted, of the certificate"
        if "cert" in files:
            context.load_cert_chain(files["cert"], files.get("key"), str)
    except ssl.SSLError:
        raise SetupError(f"log: {wrong}") from None
