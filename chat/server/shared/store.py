"""The store of a shared log: one Redis stream and a few keys, behind the calls that a log needs. Blocking.

Keys, all with one prefix: `log` (the stream), `meta` (a hash: the settings that must agree; each node's epoch, its last
sequence number and whether it is up; the number of the newest entry), `lease:NODE` (expires by itself), `snapshot`. A
script changes several keys in one step: an append is refused once its node was declared gone, and a repeated one
changes nothing.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.sentinel import Sentinel

from chat.errors import FanfareError, SetupError

DEFAULT_PREFIX = "fanfare:"
SOCKET_TIMEOUT = 2.0  # s for an answer; a store that takes longer stands still, and the call is made again
BLOCK = 500  # ms that a read waits for news, less than SOCKET_TIMEOUT
MARGIN = 10_000  # entries that may come between the count of them and the cut
OLDEST_VERSION = 7  # of Redis; Valkey counts on from there
ENTRY_VERSION = (
    1  # of what lines may say; nodes of one version understand each other, whatever their programs' versions
)

# KEYS: log, meta. ARGV: node, epoch, the first sequence number, lines. Entries that are there already are left out.
_APPEND = """
local up = redis.call('HGET', KEYS[2], 'up:' .. ARGV[1])
if up ~= ARGV[2] then return redis.error_reply('GONE ' .. ARGV[1]) end
local last = tonumber(redis.call('HGET', KEYS[2], 'sequence:' .. ARGV[1]) or '0')
local count = tonumber(redis.call('HGET', KEYS[2], 'count') or '0')
local first = tonumber(ARGV[3])
for i = 4, #ARGV do
  local sequence = first + i - 4
  if sequence > last then
    count = count + 1
    redis.call('XADD', KEYS[1], '*', 'c', count, 'v', VERSION, 'n', ARGV[1], 'e', ARGV[2], 's', sequence, 'l', ARGV[i])
    last = sequence
  end
end
redis.call('HSET', KEYS[2], 'sequence:' .. ARGV[1], last, 'count', count)
return last
"""

_NOTE = """
local function note(line)
  local count = redis.call('HINCRBY', KEYS[2], 'count', 1)
  redis.call('XADD', KEYS[1], '*', 'c', count, 'v', VERSION, 'n', '*', 'e', 0, 's', 0, 'l', line)
end
"""

# KEYS: log, meta, lease. ARGV: node, token, lease in ms, "new" or "back". Gives the epoch; 0 if another has the name.
_ENTER = (
    _NOTE
    + """
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[2] then return 0 end
local up = redis.call('HGET', KEYS[2], 'up:' .. ARGV[1])
if up and up ~= '0' then note(':' .. ARGV[1] .. ' NODE down ' .. up) end
local epoch = redis.call('HINCRBY', KEYS[2], 'epoch:' .. ARGV[1], 1)
redis.call('HSET', KEYS[2], 'up:' .. ARGV[1], epoch, 'sequence:' .. ARGV[1], 0)
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
note(':' .. ARGV[1] .. ' NODE ' .. ARGV[4] .. ' ' .. epoch)
return epoch
"""
)

# KEYS: log, meta, lease. ARGV: node, epoch, token, lease in ms. 0 when the node was declared gone.
_RENEW = """
if redis.call('HGET', KEYS[2], 'up:' .. ARGV[1]) ~= ARGV[2] then return 0 end
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
return 1
"""

# KEYS: log, meta, lease. ARGV: node, epoch, token (of a node that goes; else empty). 1 when the node is gone by this.
_DECLARE_GONE = (
    _NOTE
    + """
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[3] then return 0 end
if redis.call('HGET', KEYS[2], 'up:' .. ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], 'up:' .. ARGV[1], 0)
redis.call('DEL', KEYS[3])
note(':' .. ARGV[1] .. ' NODE down ' .. ARGV[2])
return 1
"""
)

# KEYS: log, snapshot. ARGV: the stream's id up to which it reaches, its number, the state, how many entries stay.
_WRITE_SNAPSHOT = """
local before = redis.call('HGET', KEYS[2], 'number')
if before and tonumber(before) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], 'id', ARGV[1], 'number', ARGV[2], 'state', ARGV[3])
redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[4])
return 1
"""


def _with_version(script: str) -> str:
    return script.replace("VERSION", str(ENTRY_VERSION))


class StoreDown(FanfareError):
    """The store cannot be reached, or does not answer, or cannot take anything now. Try again."""


class DeclaredGone(FanfareError):
    """The node's lease had run out, and another node has said so in the log."""


def place_of(item: str) -> tuple[int, int]:
    milliseconds, _, number = item.partition("-")
    return int(milliseconds), int(number)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry as the stream has it. `number` counts all entries there ever were; no number is left out."""

    id: str  # the stream's: MILLISECONDS-SEQUENCE
    number: int
    version: int
    node: str  # `*` for what nodes say about each other
    epoch: int  # of the node
    sequence: int  # of the node's own entries in its epoch
    line: str

    @property
    def place(self) -> tuple[int, int]:
        """The milliseconds since the epoch and the number within these, in order."""
        return place_of(self.id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state after the entry with this id and number."""

    id: str = "0-0"
    number: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store is, from `--log`; `Place.of` reads `redis://USER:PASSWORD@HOST:PORT/DB`.

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


SCHEMES = ("redis", "rediss", "unix", "sentinel")


def _host(text: str, port: int) -> tuple[str, int]:
    host, _, number = text.rpartition(":") if ":" in text and not text.endswith("]") else (text, "", str(port))
    if not host or not number.isdecimal() or not 0 < int(number) < 65_536:
        raise SetupError(f"log: {text!r} is not HOST:PORT")
    return host.strip("[]"), int(number)


class Store:
    """One connection, for one thread. Calls raise StoreDown when they may be made again, SetupError when not."""

    def __init__(self, place: Place, read: bool = False) -> None:
        self._place = place
        self._redis = place.client(read)
        prefix = place.prefix
        self._log, self._meta, self._snapshot = f"{prefix}log", f"{prefix}meta", f"{prefix}snapshot"
        self._lease = f"{prefix}lease:"
        scripts = (_APPEND, _ENTER, _RENEW, _DECLARE_GONE, _WRITE_SNAPSHOT)
        registered = [self._redis.register_script(_with_version(script)) for script in scripts]
        self._append, self._enter, self._renew, self._declare_gone, self._write_snapshot = registered

    def _call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
            raise SetupError(f"the store at {self._place} does not let us in: {error}") from None
        except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError, OSError) as error:
            self._redis.connection_pool.disconnect()
            raise StoreDown(f"the store at {self._place} cannot be reached: {error}") from None
        except redis.ResponseError as error:
            if str(error).startswith("GONE"):
                raise DeclaredGone(str(error)) from None
            raise StoreDown(f"the store at {self._place} takes nothing: {error}") from None

    def close(self) -> None:
        self._redis.close()

    # Set-up

    def check(self, agreed: Mapping[str, str]) -> None:
        """The store is new enough, and its nodes have these settings. Raises SetupError, or StoreDown."""
        info: Mapping[str, Any] = self._call(self._redis.info, "server")
        version = str(info.get("redis_version", "0"))
        if int(version.partition(".")[0]) < OLDEST_VERSION:
            raise SetupError(f"the store at {self._place} is Redis {version}, the oldest that serves is 7")
        for name, value in agreed.items():
            key = f"setting:{name}"
            self._call(self._redis.hsetnx, self._meta, key, value)
            there = self._call(self._redis.hget, self._meta, key)
            if there != value:
                raise SetupError(
                    f"{name} is {value} here and {there} on the nodes of {self._place}; it must be the same"
                )

    def secret(self, size: int) -> bytes:
        """So many random bytes, the same for all nodes; made by the first that asks."""
        self._call(self._redis.hsetnx, self._meta, "secret", secrets.token_hex(size))
        return bytes.fromhex(self._call(self._redis.hget, self._meta, "secret"))

    # The stream

    def append(self, node: str, epoch: int, first: int, lines: Sequence[str]) -> None:
        """Append the lines with the sequence numbers from `first`, but for those that are there already."""
        self._call(self._append, keys=[self._log, self._meta], args=[node, epoch, first, *lines])

    def read(self, after: str, most: int, block: int | None = BLOCK) -> list[Item]:
        """The next entries, at most `most`; waits up to `block` ms for the first."""
        found: Any = self._call(self._redis.xread, {self._log: after}, count=most, block=block)
        return [_item(number, fields) for _, entries in found for number, fields in entries]

    def newest(self) -> str:
        """The id of the newest entry that there ever was; `0-0` for none."""
        newest: Any = self._call(self._redis.xrevrange, self._log, count=1)
        return str(newest[0][0]) if newest else "0-0"

    def size(self) -> int:
        """How many entries the stream holds."""
        return int(self._call(self._redis.xlen, self._log))

    # Nodes

    def enter(self, node: str, token: str, lease: float, how: str) -> int:
        """Take the name, `how` being "new" or "back"; the epoch, or 0 while another process has it."""
        arguments = [node, token, int(lease * 1000), how]
        return int(self._call(self._enter, keys=self._keys(node), args=arguments))

    def renew(self, node: str, epoch: int, token: str, lease: float) -> bool:
        """False when the node was declared gone."""
        arguments = [node, epoch, token, int(lease * 1000)]
        return bool(self._call(self._renew, keys=self._keys(node), args=arguments))

    def declare_gone(self, node: str, epoch: int, token: str = "") -> bool:
        """The node's lease has run out or, with its `token`, it goes: say so in the log. False if neither is so."""
        return bool(self._call(self._declare_gone, keys=self._keys(node), args=[node, epoch, token]))

    def without_lease(self) -> list[tuple[str, int]]:
        """The nodes that are up and have no lease, with their epochs."""
        meta: Mapping[str, str] = self._call(self._redis.hgetall, self._meta)
        up = [(key[3:], int(epoch)) for key, epoch in meta.items() if key.startswith("up:") and epoch != "0"]
        leases: list[Any] = self._call(self._redis.mget, [self._lease + node for node, _ in up]) if up else []
        return [node for node, lease in zip(up, leases, strict=True) if lease is None]

    def _keys(self, node: str) -> list[str]:
        return [self._log, self._meta, self._lease + node]

    # Snapshots

    def read_snapshot(self) -> Snapshot:
        found: Any = self._call(self._redis.hgetall, self._snapshot)
        return Snapshot(found["id"], int(found["number"]), found["state"]) if found else Snapshot()

    def write_snapshot(self, snapshot: Snapshot, kept: int) -> bool:
        """Replace an older snapshot, and let the stream keep its newest `kept` entries; those behind it in any case."""
        behind = self._call(self._redis.hget, self._meta, "count")
        size = max(kept, int(behind or 0) - snapshot.number + MARGIN)
        arguments = [snapshot.id, snapshot.number, snapshot.state, size]
        return bool(self._call(self._write_snapshot, keys=[self._log, self._snapshot], args=arguments))

    def claim_snapshot(self, token: str, seconds: float) -> bool:
        """Whether this node is to take the next snapshot; nobody else is for so long."""
        key = f"{self._snapshot}:claim"
        return bool(self._call(self._redis.set, key, token, nx=True, px=int(seconds * 1000)))


def _item(number: str, fields: Mapping[str, str]) -> Item:
    return Item(
        number, int(fields["c"]), int(fields["v"]), fields["n"], int(fields["e"]), int(fields["s"]), fields["l"]
    )
