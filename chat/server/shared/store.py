"""The store of a shared log: one Redis stream and a few keys, behind the calls that a log needs. Blocking.

Keys, all with one prefix: `log` (the stream), `meta` (a hash: the settings that must agree; each node's epoch, its last
sequence number, whether it is up, and the version that it reads; the version to write; the newest entry's number),
`lease:NODE` (expires by itself), `snapshots` (their ids by their numbers) and `states`. A script changes several keys
in one step: an append is refused once its node was declared gone, and a repeated one changes nothing.
"""

import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any, NamedTuple

import redis

from chat.errors import FanfareError, SetupError
from chat.server.log.entry import BY_NAME
from chat.server.log.ids import SEQUENCE_BITS
from chat.server.shared.place import Place
from chat.server.shared.scripts import ALL, ENTRY_VERSION

BLOCK = 500  # ms that a read waits for news, less than place.SOCKET_TIMEOUT
EPOCH_STEP = 1 << 20  # at most; by chance, so that two that come in are told apart when a failover loses the first
OLDEST_VERSION = 7  # of Redis; Valkey counts on from there


class StoreDown(FanfareError):
    """The store cannot be reached, or does not answer, or cannot take anything now. Try again."""


class DeclaredGone(FanfareError):
    """The node's lease had run out, and another node has said so in the log."""


def entry_id(item: str) -> int:
    """The entry's id for that of the stream, MILLISECONDS-SEQUENCE."""
    milliseconds, _, number = item.partition("-")
    return int(milliseconds) << SEQUENCE_BITS | int(number)


def stream_id(number: int) -> str:
    """The inverse of `entry_id`."""
    return f"{number >> SEQUENCE_BITS}-{number & (1 << SEQUENCE_BITS) - 1}"


class Item(NamedTuple):
    """One entry as the stream has it. `number` counts all entries there ever were; no number is left out."""

    id: str  # the stream's: MILLISECONDS-SEQUENCE
    number: int
    version: int
    node: str  # `*` for what nodes say about each other
    epoch: int  # of the node
    sequence: int  # of the node's own entries in its epoch
    user: int  # from version 2
    line: str

    @property
    def entry_id(self) -> int:
        return entry_id(self.id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state after the entry with this id and number."""

    id: str = "0-0"
    number: int = 0
    state: str = ""


class Store:
    """For one thread: a connection for appends and reads, one for all else.

    Calls raise StoreDown when they may be made again, SetupError when not.
    """

    def __init__(self, place: Place, read: bool = False) -> None:
        self._place = place
        self._from_replica = read and place.has_replica
        self._redis = place.client(read)
        self._connection: Any = None  # for `_exchange`, once it was needed
        prefix = place.prefix
        self._log, self._meta, self._lease = f"{prefix}log", f"{prefix}meta", f"{prefix}lease:"
        self._snapshots, self._states = f"{prefix}snapshots", f"{prefix}states"
        registered = list(map(self._redis.register_script, ALL))
        self._append, self._enter, self._renew, self._declare_gone = registered[:4]
        self._write_snapshot, self._read_snapshot, self._release = registered[4:]

    def _call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
            raise SetupError(f"the store at {self._place} does not let us in: {error}") from None
        except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError, OSError) as error:
            self._disconnect()
            reason, cause = str(error).rstrip("."), error.__context__
            if isinstance(cause, ssl.SSLCertVerificationError):
                reason = f"its certificate is not trusted, {cause.verify_message}"
            raise StoreDown(f"the store at {self._place} cannot be reached: {reason}") from None
        except redis.ResponseError as error:
            if str(error).startswith("GONE"):
                raise DeclaredGone(str(error)) from None
            if str(error).startswith("NEWER"):
                raise self._too_new(str(error).partition(" ")[2]) from None
            self._disconnect()  # it may have been deposed: Sentinels know the new master
            raise StoreDown(f"the store at {self._place} takes nothing: {error}") from None

    def _exchange(self, *commands: Sequence[object]) -> Any:
        """Send these commands at once; the answer to the last. The client's own calls take 40 µs more."""
        if self._connection is None:
            self._connection = self._redis.connection_pool.get_connection()
        connection = self._connection
        connection.send_packed_command(chain.from_iterable(connection.pack_command(*command) for command in commands))
        *_, answer = [connection.read_response() for _ in commands]
        return answer

    def _disconnect(self) -> None:
        """The next call connects again, with Sentinels to whom they call the master then."""
        pool = self._redis.connection_pool
        pool.disconnect()
        if self._connection is not None:
            pool.release(self._connection)
            self._connection = None

    def _too_new(self, version: object) -> SetupError:
        return SetupError(
            f"the log at {self._place} is written in version {version}, this server reads {ENTRY_VERSION}"
        )

    def close(self) -> None:
        self._redis.close()

    # Set-up

    def check(self, agreed: Mapping[str, str]) -> None:
        """The store is new enough, and its nodes have these settings. Raises SetupError, or StoreDown."""
        info: Mapping[str, Any] = self._call(self._redis.info, "server")
        version = str(info.get("redis_version", "0"))
        if int(version.partition(".")[0]) < OLDEST_VERSION:
            raise SetupError(f"the store at {self._place} is Redis {version}, the oldest that serves is 7")
        if self.version() > ENTRY_VERSION:
            raise self._too_new(self.version())
        for name, value in agreed.items():
            key = f"setting:{name}"
            self._call(self._redis.hsetnx, self._meta, key, value)
            there = self._call(self._redis.hget, self._meta, key)
            if there != value:
                raise SetupError(
                    f"{name} is {value} here and {there} on the nodes of {self._place}; it must be the same"
                )

    def version(self) -> int:
        """Of the entries that are written now."""
        return int(self._call(self._redis.hget, self._meta, "version") or 1)

    def secret(self, size: int) -> bytes:
        """So many random bytes, the same for all nodes; made by the first that asks."""
        self._call(self._redis.hsetnx, self._meta, "secret", secrets.token_hex(size))
        return bytes.fromhex(self._call(self._redis.hget, self._meta, "secret"))

    def name(self) -> str:
        """What tells this log from others; made by the first that asks."""
        self._call(self._redis.hsetnx, self._meta, "name", secrets.token_hex(8))
        return str(self._call(self._redis.hget, self._meta, "name"))

    # The stream

    def append(self, node: str, epoch: int, first: int, requests: Sequence[tuple[int, str]]) -> None:
        """Append the users' lines with the sequence numbers from `first`, but for those that are there already."""
        self._call(self._exchange_append, [node, epoch, first, *chain.from_iterable(requests)])

    def _exchange_append(self, arguments: Sequence[str | int]) -> None:
        keys = (self._log, self._meta)
        try:
            self._exchange(("EVALSHA", self._append.sha, len(keys), *keys, *arguments))
        except redis.exceptions.NoScriptError:
            self._append(keys=keys, args=arguments)

    def read(self, after: str, most: int, block: int | None = BLOCK) -> list[Item]:
        """The next entries, at most `most`; waits up to `block` ms for the first."""
        wait = () if block is None else ("BLOCK", block)
        news = ("STREAMS", self._log, after)
        found = self._call(self._exchange, ("XREAD", "COUNT", most, *wait, *news))
        if self._from_replica:
            found = self._call(self._read_replica, ("XREAD", "COUNT", most, *news))
        return [_item(number, _pairs(fields)) for _, entries in found or () for number, fields in entries]

    def _read_replica(self, command: Sequence[object]) -> Any:
        """The answer, unless what answers is a master. One that was deposed has what no other has.

        Raises redis.ConnectionError: Sentinels also give the master when there is no replica.
        """
        role, found = self._exchange(("MULTI",), ("ROLE",), command, ("EXEC",))
        if role[0] != "slave" or role[3] != "connected":
            raise redis.ConnectionError(f"it is no replica in touch with its master, but {role[0]}")
        return found

    def last(self, upto: str) -> Item | None:
        """The newest entry whose id is not behind this one."""
        found: Any = self._call(self._redis.xrevrange, self._log, upto, count=1)
        return _item(*found[0]) if found else None

    def newest(self) -> str:
        """The id of the newest entry that there ever was; `0-0` for none."""
        newest: Any = self._call(self._redis.xrevrange, self._log, count=1)
        return str(newest[0][0]) if newest else "0-0"

    def oldest(self) -> str:
        """The id of the oldest entry that the stream holds; `0-0` for none."""
        oldest: Any = self._call(self._redis.xrange, self._log, count=1)
        return str(oldest[0][0]) if oldest else "0-0"

    def size(self) -> tuple[int, int]:
        """How many entries the stream holds, and about how many bytes of the store's memory they take."""
        entries = int(self._call(self._redis.xlen, self._log))
        return entries, int(self._call(self._redis.memory_usage, self._log) or 0)

    # Nodes

    def enter(self, node: str, token: str, lease: float, how: str) -> int:
        """Take the name, `how` being "new" or "back"; the epoch, or 0 while another process has it.

        Raises SetupError when the log is written in a version that this program does not read.
        """
        step = 1 + secrets.randbelow(EPOCH_STEP)
        arguments = [node, token, int(lease * 1000), how, ENTRY_VERSION, step]
        return int(self._call(self._enter, keys=self._keys(node), args=arguments))

    def renew(self, node: str, epoch: int, token: str, lease: float, taken: int = 0) -> int:
        """The version of the entries that are written now; 0 when the node was declared gone.

        Raises StoreDown, as `append`, when the store has lost entries up to `taken`, the sequence number of the last.
        """
        arguments = [node, epoch, token, int(lease * 1000), taken]
        return int(self._call(self._renew, keys=self._keys(node), args=arguments))

    def declare_gone(self, node: str, epoch: int, token: str = "") -> bool:
        """The node's lease has run out or, with its `token`, it goes: say so in the log. False if neither is so."""
        return bool(self._call(self._declare_gone, keys=self._keys(node), args=[node, epoch, token]))

    def standing(self, node: str) -> tuple[int, str]:
        """The node's newest epoch, and the token of the process that holds its lease, empty when none does."""
        epoch = self._call(self._redis.hget, self._meta, f"epoch:{node}")
        return int(epoch or 0), self._call(self._redis.get, self._lease + node) or ""

    def without_lease(self) -> list[tuple[str, int]]:
        """The nodes that are up and have no lease, with their epochs."""
        meta: Mapping[str, str] = self._call(self._redis.hgetall, self._meta)
        up = [(key[3:], int(epoch)) for key, epoch in meta.items() if key.startswith("up:") and epoch != "0"]
        leases: list[Any] = self._call(self._redis.mget, [self._lease + node for node, _ in up]) if up else []
        return [node for node, lease in zip(up, leases, strict=True) if lease is None]

    def _keys(self, node: str) -> list[str]:
        return [self._log, self._meta, self._lease + node]

    # Snapshots

    def read_snapshot(self, upto: float = inf) -> Snapshot:
        """The newest that does not reach beyond the entry with this number; else where the stream begins."""
        keys = [self._log, self._snapshots, self._states]
        place, number, state = self._call(self._read_snapshot, keys=keys, args=[upto])
        return Snapshot(place, int(number), state)

    def write_snapshot(self, snapshot: Snapshot, kept: int) -> bool:
        """Add one, unless there is a newer one; the stream keeps its newest `kept` entries, back to a snapshot."""
        arguments = [snapshot.id, snapshot.number, snapshot.state, kept]
        keys = [self._log, self._snapshots, self._states, self._meta]
        return bool(self._call(self._write_snapshot, keys=keys, args=arguments))

    def behind_snapshot(self) -> int:
        """How many entries there are behind the newest snapshot."""
        count = self._call(self._redis.hget, self._meta, "count")
        newest: Any = self._call(self._redis.zrange, self._snapshots, -1, -1, withscores=True)
        return int(count or 0) - (int(newest[0][1]) if newest else 0)

    def claim_snapshot(self, token: str, seconds: float) -> bool:
        """Whether this node is to take the next snapshot; nobody else is for so long, or until it is released.

        Older programs beside this one could not read it.
        """
        if self.version() < ENTRY_VERSION:
            return False
        key = f"{self._snapshots}:claim"
        return bool(self._call(self._redis.set, key, token, nx=True, px=int(seconds * 1000)))

    def release_snapshot(self, token: str) -> None:
        self._call(self._release, keys=[f"{self._snapshots}:claim"], args=[token])


def _pairs(fields: Sequence[str]) -> Mapping[str, str]:
    return dict(zip(fields[::2], fields[1::2], strict=True))


def _item(number: str, fields: Mapping[str, str]) -> Item:
    version = int(fields["v"])
    return Item(
        number,
        int(fields["c"]),
        version,
        fields["n"],
        int(fields["e"]),
        int(fields["s"]),
        int(fields.get("u", BY_NAME)) if version > 1 else BY_NAME,  # as older programs do, which do not know it
        fields["l"],
    )
