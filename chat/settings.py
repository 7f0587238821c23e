"""Every tunable of the server in one frozen value: its default, its unit and why.

The command line, `FANFARE_*` variables and the config file all fill this (chat/configuration.py). Constants that nobody
needs to change stand beside their code.
"""

import ipaddress
import re
import reprlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chat.errors import SetupError
from chat.server.accounts import operator_hash
from chat.wires.names import fold
from chat.wires.schemes import PLAIN_SCHEMES, SCHEMES


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on: `irc://127.0.0.1:6667`. Port 0 lets the system choose."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


DEFAULT_ADDRESSES = tuple(Address(scheme, "127.0.0.1", SCHEMES[scheme].port) for scheme in PLAIN_SCHEMES)


LOOPBACK = ("127.0.0.0/8", "::1/128")


def _setting(default: Any, unit: str, why: str) -> Any:
    return field(default=default, metadata={"unit": unit, "why": why})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of `fanfare serve`. `--help` shows each `why`."""

    listen: tuple[Address, ...] = field(default=DEFAULT_ADDRESSES, metadata={"unit": "URL", "why": ""})
    helpers: int = _setting(
        1,
        "threads",
        "that share the sends of a large room with the loop while there is time; three or more make it slower, and "
        "0 is best on a single core",
    )
    sender: str = _setting(
        "auto",
        "word",
        "how a pass is sent: send, one system call for each member; uring, by the kernel's own threads (io_uring); or "
        "auto, uring where there are eight cores and kernel and container allow it",
    )
    senders: int = _setting(
        0,
        "threads",
        "of the kernel that send with uring, each with a ring of 0.4 MB; 0 takes one for each four cores, up to eight, "
        "and with fewer than eight cores none: then the loop's thread sends, with a system call a pass",
    )
    name: str = _setting("fanfare.local", "host name", "how the server names itself to IRC clients")
    network: str = _setting("Fanfare", "word", "the network's name in the welcome")
    motd: str = _setting("", "text", "message of the day; empty for none")
    password: str = _setting(
        "",
        "text",
        "what IRC clients must send as PASS; empty for none. Everybody on the machine can read a command line: use "
        "--password-file or FANFARE_PASSWORD",
    )
    tls_cert: str = _setting(
        "",
        "file",
        "the certificate, in PEM, with those that vouch for it, for listeners that take TLS. SIGHUP reads it again",
    )
    tls_key: str = _setting("", "file", "its key, in PEM and not encrypted; empty where it is in the same file")
    tls_client_certificates: str = _setting(
        "off",
        "word",
        "on: IRC clients are asked for a certificate, for SASL EXTERNAL; any is taken, whoever has signed it",
    )
    handshake_timeout: float = _setting(
        10.0, "s", "for a TLS handshake; it takes two round trips, and a phone in a tunnel comes back later"
    )
    web_origins: str = _setting(
        "",
        "origins",
        "of pages that may connect by WebSocket, comma separated, as https://chat.example.com; * for all pages. Empty "
        "for pages of the host that they connect to. Programs that are no browser name no origin and may connect",
    )
    sts_port: int = _setting(
        0,
        "port",
        "of TLS that IRC clients without it are told to use from then on (IRCv3 sts); 0 tells them nothing",
    )
    sts_duration: int = _setting(
        2_592_000,
        "s",
        "for which they keep to TLS after each visit; 30 days. Before the port closes, serve 0 for as long as it was",
    )
    sts_preload: str = _setting("off", "word", "on: lists of hosts that take TLS only may name this server")

    operators: tuple[str, ...] = _setting(
        (),
        "NAME:HASH",
        "who may become an operator of the server, each with the hash that `fanfare admin hash-password` makes",
    )
    oper_anywhere: str = _setting(
        "off", "word", "on: OPER is taken over plain connections from other machines too, which can be overheard"
    )
    contact: str = _setting(
        "", "text", "whom to write to, for ADMIN: up to two lines of who and where, then an address; empty for none"
    )
    lobby: str = _setting("#lobby", "room", "the room where the unframed wires meet")

    cloak: str = _setting(
        "on",
        "word",
        "off: everybody sees everybody's address. Otherwise others see a cloak, which stays the same and with which "
        "networks can be banned; operators and the server's log see addresses",
    )

    max_connections: int = _setting(
        0,
        "connections",
        "in all; 0 takes what the open-file limit leaves after 64 for the server itself",
    )
    max_per_address: int = _setting(
        0,
        "connections",
        "from one address; 0 lets an address hold as many as it leaves free, half of all or half of what others left, "
        "so that a few addresses cannot lock the others out",
    )
    unframed_per_address: int = _setting(
        8,
        "connections",
        "from one address on the unframed wires, whose clients need not say a word to be kept nor who they are",
    )
    unframed_total: int = _setting(
        256, "connections", "on the unframed wires from all addresses that are not exempt; eight classes of a school"
    )
    connection_rate: float = _setting(
        2.0,
        "connections/s",
        "that one address (IPv6: a /64) may open in the long run; a /24 or a /48 four times as many",
    )
    connection_burst: int = _setting(
        200, "connections", "that it may open at once; an office comes back after an outage"
    )
    newcomer_rate: float = _setting(
        0.5, "users/s", "that may come in from one address in the long run; a /24 or a /48 four times as many"
    )
    newcomer_burst: int = _setting(100, "users", "that may come in from one address at once")
    exempt: tuple[str, ...] = _setting(
        LOOPBACK,
        "networks",
        "whose number and rate of connections nobody limits, as addresses or ranges; none for no network. What "
        "commands cost is limited for all",
    )
    proxy_from: tuple[str, ...] = _setting(
        (),
        "networks",
        "of proxies that say in a PROXY header, version 1 or 2, where each connection comes from; other addresses are "
        "refused one",
    )
    bind: str = _setting(
        "",
        "address",
        "at which a container's ports are published, as compose.yaml says; the rate limit cannot be off unless that is "
        "a loopback address",
    )
    user: str = _setting(
        "",
        "name",
        "whom a server that root starts becomes once its ports are bound; with root it stays root unwarned",
    )

    rate_limit: float = _setting(
        5.0,
        "tokens/s",
        "that one connection earns; a command costs one, and more where it causes more. Nobody types five lines a "
        "second. `off`, for trusted networks, switches off the limits of rates, of input and of unframed connections",
    )
    rate_burst: int = _setting(
        250,
        "tokens",
        "that one connection may save; a client that comes back to 50 rooms sends JOIN, MODE and WHO for each at once",
    )
    address_rate: float = _setting(
        50.0,
        "tokens/s",
        "that all connections from one address earn together, so that a new connection is no new burst; ten people "
        "at full rate, and an office of 50 is never near it",
    )
    address_burst: int = _setting(
        2000,
        "tokens",
        "that one address may save; eight clients that come back to 50 rooms each at once",
    )
    speech_rate: float = _setting(
        16_384.0,
        "bytes/s",
        "of words, tags included, that one address may go on sending into one room or to one person; a reader of 1 "
        "Mbit/s takes seven times that",
    )
    speech_burst: int = _setting(
        262_144,
        "bytes",
        "of them at once, a quarter of lag_limit, so that no address alone makes a reader lag; 500 full lines",
    )
    input_limit: int = _setting(
        16_384,
        "bytes",
        "unread from one connection before it ends (Excess flood); 32 full lines, where a person has one",
    )
    registration_lines: int = _setting(
        32,
        "lines",
        "that a connection may send before it has registered; programs send about eight, with capabilities and SASL",
    )

    lag_limit: int = _setting(
        1_048_576,
        "bytes",
        "of broadcast that may wait for one reader; 1 MiB is over 2,000 full IRC lines. Answers do not count",
    )
    lag_time: float = _setting(
        10.0,
        "s",
        "over lag_limit before a reader is dropped; a burst of others must not end a reader that keeps reading",
    )
    lag_age: float = _setting(
        15.0,
        "s",
        "in which a reader with unsent bytes takes none of them before it is dropped; a peer that reads nothing for so "
        "long is gone",
    )
    answer_limit: int = _setting(
        16_384,
        "bytes",
        "of a long answer made in one pass of the loop, while the asker takes it; as much as kernel_limit, so that the "
        "rest waits unmade",
    )
    kernel_limit: int = _setting(
        16_384,
        "bytes",
        "unsent that the kernel may hold for a connection (TCP_NOTSENT_LOWAT); by default it takes megabytes for a "
        "reader that has stopped, which no other limit here would see",
    )
    notice_rate: float = _setting(
        10.0,
        "notices/s",
        "of comings and goings to one client of an unframed wire, which cannot tell apart two sends that are close",
    )
    notice_burst: int = _setting(
        20,
        "notices",
        "of comings and goings that such a client may get at once; more are merged into one",
    )

    max_rooms: int = _setting(100, "rooms", "that one user may be in; clients of busy people hold some 50")
    rooms_per_address: int = _setting(
        1_000,
        "rooms",
        "that the users of one address may have made and still be in; a room takes 3.6 KB",
    )
    rooms_total: int = _setting(100_000, "rooms", "of the whole server; 360 MB where each is in use")
    masks_per_room: int = _setting(
        100,
        "masks",
        "in a room's lists of bans, exceptions and invitations together, and as many accounts whose ranks it keeps",
    )
    masks_per_address: int = _setting(
        2_000,
        "masks",
        "and kept accounts of all rooms that the users of one address have made; 1 MB",
    )
    memory_limit: int = _setting(
        268_435_456,
        "bytes",
        "of send queues and unread input of all connections together; at it those that hold the most are dropped",
    )
    memory_length: int = _setting(
        2_000,
        "entries",
        "of `--log memory:` that stay, the newest of all rooms together; 2 MB where each is a full line",
    )
    log: str = _setting(
        "sqlite:",
        "URL",
        "where the log is: sqlite:PATH is a file, sqlite: the one in the data folder, memory: is for load tests, and "
        "redis://HOST/DB (rediss://, unix://, sentinel://) one that several servers share",
    )
    node: str = _setting(
        "", "word", "what this server is called in a shared log, where each has another; empty for its host name (name)"
    )
    lease: float = _setting(
        5.0,
        "s",
        "without a sign from this node until the others of a shared log take it for gone, and its users quit",
    )
    log_patience: float = _setting(
        30.0, "s", "for which clients are kept, and wait, while the shared log cannot be reached; then the server ends"
    )
    log_length: int = _setting(
        100_000,
        "entries",
        "that a shared log keeps, up to 20,000 more: for history, and for nodes that were away; 30 MB of the store's "
        "memory",
    )
    history: str = _setting(
        "stream",
        "place",
        "of this node's history, with a shared log: stream, what the log keeps, in memory; sqlite:PATH, a file that "
        "goes further back, sqlite: the one in the data folder; or none",
    )
    durability: str = _setting(
        "relaxed",
        "word",
        "relaxed: what is said is in the file within 50 ms; strict: nobody sees it before it is on the disk",
    )
    keep: str = _setting(
        "words,topics,modes,joins", "words", "that rooms' histories show; joins are all comings and goings"
    )
    history_length: int = _setting(10_000, "entries", "of each room that the file keeps; 0 for no limit")
    history_age: float = _setting(30.0, "days", "for which the file keeps an entry; 0 for no limit")
    replay: int = _setting(
        0, "lines", "of what was said last, up to 100, shown to a newcomer whose program cannot ask for it"
    )
    admin: str = _setting(
        "",
        "path",
        "of the socket for `fanfare admin`; off for none, empty for the log's file with the suffix .sock, which is "
        "log.sock in the data folder by default",
    )
    log_format: str = _setting(
        "text", "word", "of the process's own log on standard error; json is an object a line, for a log collector"
    )
    metrics: str = _setting(
        "",
        "host:port",
        "where Prometheus finds metrics, and probes /healthz; for a network that you trust. Empty for none",
    )
    log_queue: int = _setting(
        100_000,
        "entries",
        "that may wait for the disk; 50 MB, and minutes of talk in a busy place. Over it words are lost, or refused "
        "with strict",
    )

    registration: str = _setting(
        "on", "word", "on: people may register accounts; off: only `fanfare admin account add` does"
    )
    registrations_per_address: int = _setting(
        3, "accounts", "that one address may register at once, and then one every registration_pause; a family's"
    )
    registration_pause: float = _setting(
        3_600.0, "s", "until an address that has registered its share may register one more account"
    )
    accounts_total: int = _setting(100_000, "accounts", "of the whole server; some 100 MB")
    password_iterations: int = _setting(
        100_000,
        "rounds",
        "of PBKDF2 in the verifier of a new password: some 40 ms, here with SASL PLAIN and at the client with SCRAM. "
        "More resist longer should the log be stolen; passwords that are there keep theirs",
    )
    login_attempts: int = _setting(
        10,
        "logins",
        "that may fail at once from one address, and into one account from addresses that have not got in before; a "
        "program with an old password tries a few times",
    )
    login_pause: float = _setting(
        30.0, "s", "until one more login may fail; 2,880 guesses a day, where six random letters have 300,000,000"
    )
    registration_timeout: float = _setting(30.0, "s", "until a new connection must have registered")
    ping_interval: float = _setting(90.0, "s", "of silence until an IRC client is asked for a sign of life")
    ping_timeout: float = _setting(60.0, "s", "for the answer, before it is dropped")
    user_timeout: float = _setting(
        30.0,
        "s",
        "until a peer that acknowledges nothing is dropped (TCP_USER_TIMEOUT); it is probed when half of it was silent",
    )

    drain: float = _setting(
        0.0, "s", "over which a stopping server spreads the closing of its connections, or until a second signal"
    )
    stop_deadline: float = _setting(
        5.0, "s", "that a socket has to take its last bytes, when its client or the server ends"
    )

    def __post_init__(self) -> None:
        for name in _AT_LEAST_ZERO:
            value = getattr(self, name)
            _check(value >= 0, f"{name} is {value}, the least is 0")
        for name in _POSITIVE:
            value = getattr(self, name)
            _check(value > 0, f"{name} is {value}, it must be more than 0")
        for name in (*_AT_LEAST_ZERO, *_POSITIVE):
            _check(getattr(self, name) <= MOST, f"{name} is {getattr(self, name)}, the most is {MOST:,}")
        _check(self.helpers <= _MOST_HELPERS, f"helpers is {self.helpers}, the most is {_MOST_HELPERS}")
        _check(self.senders <= _MOST_SENDERS, f"senders is {self.senders}, the most is {_MOST_SENDERS}")
        _check(self.sender in SENDERS, f"sender is {self.sender!r}, not {', '.join(SENDERS[:-1])} or {SENDERS[-1]}")
        _check(self.replay <= _MOST_REPLAY, f"replay is {self.replay}, the most is {_MOST_REPLAY}")
        _check(bool(self.listen), "listen names no address")
        for name, limit in _LONGEST.items():
            value = getattr(self, name)
            size = len(value.encode())
            _check(size <= limit, f"{name} is {size:,} bytes long, the limit is {limit}")
        for place, times in Counter((address.host, address.port) for address in self.listen if address.port).items():
            _check(times == 1, f"listen names {place[0]} port {place[1]} twice")
        _check(_is_room(self.lobby), f"lobby is {self.lobby!r}, not a room's name")
        _check(re.fullmatch("[A-Za-z0-9._-]+", self.name) is not None, f"name is {self.name!r}, not a host name")
        _check(self.network.isprintable() and self.network.strip() != "", f"network is {self.network!r}, not a name")
        _check(
            self.log == "memory:" or self.log.startswith("sqlite:") or self.shares_log,
            f"log begins with {self.log.partition(':')[0]!r}, it is memory:, sqlite:PATH or redis://HOST/DB",
        )
        _check(
            not self.metrics or _is_host_and_port(self.metrics),
            f"metrics is {show(self.metrics)}, not HOST:PORT like 127.0.0.1:9667",
        )
        _check(
            self.history in (STREAM, "none") or self.history.startswith("sqlite:"),
            f"history is {show(self.history)}, not stream, sqlite:PATH or none",
        )
        _check(
            self.shares_log or self.history == STREAM,
            f"history {self.history} takes a log that several servers share: any other has its own, or none",
        )
        for name in ("log", "admin", "history"):
            _check("\0" not in getattr(self, name), f"{name} holds a NUL")
        _check(self.cloak in ("on", "off"), f"cloak is {self.cloak!r}, not on or off")
        _check(re.fullmatch("[A-Za-z0-9._-]*", self.node) is not None, f"node is {self.node!r}, not a name")
        _check(self.durability in DURABILITIES, f"durability is {self.durability!r}, not {' or '.join(DURABILITIES)}")
        _check(self.durability == "relaxed" or self.log != "memory:", "durability strict takes a log on disk")
        _check(self.registration in SWITCH, f"registration is {self.registration!r}, not {' or '.join(SWITCH)}")
        least, most = ITERATIONS
        _check(
            least <= self.password_iterations <= most,
            f"password_iterations is {self.password_iterations:,}, it must be {least:,} to {most:,}",
        )
        _check(self.log_format in LOG_FORMATS, f"log_format is {self.log_format!r}, not {' or '.join(LOG_FORMATS)}")
        self._check_tls()
        unknown = set(self.keep.split(",")) - {*KINDS, ""}
        _check(not unknown, f"keep is {self.keep!r}, a list of {', '.join(KINDS)}")
        for name in ("motd", "password"):
            _check(not set(getattr(self, name)) & set("\r\0"), f"{name} holds a carriage return or a NUL")
        _check("\n" not in self.password, "password holds a line break")
        self._check_operators()
        self._check_guards()

    def _check_operators(self) -> None:
        for text in self.operators:
            name, _, hash_ = text.partition(":")
            try:
                _check(_is_word(name) and set(name).isdisjoint(":,"), f"operators names {show(name)}, not a word")
                operator_hash.parse(hash_)
            except ValueError as error:
                raise SetupError(f"operators, {show(name)}: {error}") from None
        _check(len(self.operator_hashes) == len(self.operators), "operators names one twice")
        _check(self.oper_anywhere in ("on", "off"), f"oper_anywhere is {self.oper_anywhere!r}, not on or off")
        lines = self.contact.split("\n")
        _check(len(lines) <= 3 and not set(self.contact) & set("\r\0"), "contact has more than three lines")

    def _check_guards(self) -> None:
        """Refuse settings that leave a server open although it looks guarded."""
        for name in ("exempt", "proxy_from"):
            for text in getattr(self, name):
                _check(_is_network(text), f"{name} names {show(text)}, not an address or a range like 10.0.0.0/8")
        open_to_all = [str(address) for address in self.listen if address.scheme in UNFRAMED]
        _check(
            not self.password or not open_to_all,
            f"password cannot guard {', '.join(open_to_all)}, whose programs have no way to send one: name the "
            "listeners that it can guard, as --listen irc://127.0.0.1:6667",
        )
        _check(
            self.limits_rates or not self.bind or self.bind == "localhost" or _is_loopback(self.bind),
            f"rate_limit is off and the ports are published on {self.bind}, where anybody can flood the server: set "
            "FANFARE_RATE_LIMIT=5, or leave FANFARE_BIND out",
        )

    @property
    def shares_log(self) -> bool:
        """The log is one that several servers share."""
        return self.log.partition("://")[0] in SHARED_LOGS

    def _check_tls(self) -> None:
        secure = [address for address in self.listen if SCHEMES[address.scheme].tls]
        _check(
            bool(self.tls_cert) or not secure,
            f"{secure[0] if secure else ''} takes a certificate: give tls_cert, and tls_key where the key is in a file "
            "of its own",
        )
        _check(bool(self.tls_cert) or not self.tls_key, "tls_key is given without tls_cert")
        certificates = self.tls_client_certificates
        _check(certificates in SWITCH, f"tls_client_certificates is {certificates!r}, not {' or '.join(SWITCH)}")
        _check(self.sts_preload in SWITCH, f"sts_preload is {self.sts_preload!r}, not {' or '.join(SWITCH)}")
        _check(self.sts_port <= 65_535, f"sts_port is {self.sts_port}, the most is 65,535")
        _check(
            not self.sts_port or any(address.scheme == "ircs" for address in secure),
            "sts_port tells clients to use TLS, and no listener is ircs://",
        )

    @property
    def operator_hashes(self) -> dict[str, str]:
        """The hashes of operators' passwords, by folded name."""
        return {fold(name): hash_ for name, _, hash_ in (text.partition(":") for text in self.operators)}

    @property
    def limits_rates(self) -> bool:
        """False with `rate_limit off`, which is for trusted networks and load tests."""
        return self.rate_limit > 0


STREAM = "stream"
SHARED_LOGS = ("redis", "rediss", "unix", "sentinel")  # schemes of `log`
SWITCH = ("on", "off")
ITERATIONS = (4_096, 10_000_000)  # RFC 7677's least; beyond the most a login takes seconds
DURABILITIES = ("relaxed", "strict")
SENDERS = ("auto", "send", "uring")
LOG_FORMATS = ("text", "json")
KINDS = ("words", "topics", "modes", "joins")  # of what a room's history shows
UNFRAMED = frozenset(name for name, scheme in SCHEMES.items() if not scheme.wire().has_commands)
MOST = 1_000_000_000  # of anything; so that no sum or deadline overflows
_MOST_REPLAY = 100  # lines, some 50 KB, for everybody who comes in
_MOST_HELPERS = 64  # threads; more than three make it slower, and each takes a stack
_MOST_SENDERS = 64  # as of helpers
# Bytes, so that each line that holds it fits in IRC's 512. A room's name has 64, a host name 63 (RFC 1035: a label).
_LONGEST = {"name": 63, "network": 64, "node": 63, "lobby": 64, "password": 400}
_AT_LEAST_ZERO = (
    "helpers",
    "senders",
    "max_connections",
    "max_per_address",
    "sts_port",
    "sts_duration",
    "rate_limit",
    "memory_length",
    "history_length",
    "history_age",
    "replay",
    "drain",
)
_POSITIVE = (
    "unframed_per_address",
    "unframed_total",
    "connection_rate",
    "connection_burst",
    "newcomer_rate",
    "newcomer_burst",
    "rate_burst",
    "address_rate",
    "address_burst",
    "speech_rate",
    "speech_burst",
    "input_limit",
    "registration_lines",
    "lag_limit",
    "lag_time",
    "lag_age",
    "answer_limit",
    "kernel_limit",
    "notice_rate",
    "notice_burst",
    "max_rooms",
    "rooms_per_address",
    "rooms_total",
    "masks_per_room",
    "masks_per_address",
    "log_queue",
    "log_length",
    "log_patience",
    "lease",
    "registrations_per_address",
    "registration_pause",
    "accounts_total",
    "login_attempts",
    "login_pause",
    "memory_limit",
    "registration_timeout",
    "handshake_timeout",
    "ping_interval",
    "ping_timeout",
    "user_timeout",
    "stop_deadline",
)


def _check(holds: bool, complaint: str) -> None:
    if not holds:
        raise SetupError(complaint)


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_word(text: str) -> bool:
    return text != "" and text.isprintable() and " " not in text


def _is_host_and_port(text: str) -> bool:
    found = re.fullmatch(r"([^\s:]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})", text)
    return found is not None and int(found[2]) <= 65535


def _is_room(text: str) -> bool:
    return _is_word(text) and len(text) > 1 and text[0] == "#" and not set(text) & set(",:")


def parse_address(text: str) -> Address:
    """`irc://HOST:PORT`; without a port the scheme's usual one. Raises SetupError."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in SCHEMES or not _is_word(text):
        raise SetupError(f"{show(text)} is not an address like irc://127.0.0.1:6667 (schemes: {', '.join(SCHEMES)})")
    rest = rest.rstrip("/")
    host, _, port = rest.rpartition(":") if not rest.endswith("]") and ":" in rest else (rest, "", "")
    host = host.strip("[]")
    if not host:
        raise SetupError(f"{show(text)} names no host")
    if not port:
        return Address(scheme, host, SCHEMES[scheme].port)
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise SetupError(f"{show(text)}: the port is {show(port)}, it must be a number up to 65535")
    return Address(scheme, host, int(port))


def show(value: Any) -> str:
    """The value, shortened to fit in a message of one line."""
    try:
        return _repr.repr(value)
    except ValueError:
        return "a number of thousands of digits"  # Python does not write it


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 60
