"""The server is a function of its log: whoever applies the same entries has the same state, byte for byte."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.still import StillServer, StillSocket
from chat.server.core.apply import apply
from chat.server.core.node import Node
from chat.server.core.ranks import OPERATORS
from chat.server.core.snapshot import load
from chat.server.core.state import Limits, Refusal, State
from chat.server.log.entry import Entry, parse_entry
from chat.server.log.log import Apply
from chat.server.log.memory import MemoryLog
from chat.settings import Settings
from chat.wires.irc import CAPABILITIES, IrcWire
from chat.wires.joined import JoinedWire
from chat.wires.message import Message
from chat.wires.nick import NickWire
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from tests.core.chat import FakeSink

SETTINGS = Settings(
    password_iterations=4_096,
    helpers=0,
    rate_limit=0.0,
    max_rooms=3,
    rooms_per_address=4,
    rooms_total=5,
    lobby="#a",
    memory_length=10_000,
)
LIMITS = Limits(SETTINGS.max_rooms, SETTINGS.rooms_per_address, SETTINGS.rooms_total)
PLAIN_WIRES = (RelayWire, JoinedWire, TildeWire, NickWire)

NICKS = st.sampled_from(["ana", "ANA", "bob", "eve", "guest1", "ti", "server", "x y", ":x", ",", "", "é"])
ACCOUNTS = st.sampled_from(["ana", "ANA", "user0", "user1", "eve"])
PASSWORDS = st.sampled_from(["sesame-open", "other-words", ""])
MASKS = st.one_of(
    NICKS, st.sampled_from(["user0", "user1", "user*", "*!*@127.0.0.0/31", "~a:*", "~q:~a:user0", "~a:user1"])
)
ROOMS = st.sampled_from(["#a", "#A", "#b", "#c", "#d", "#e", "#f", "a", "#", "#a,#b", "#c,,#d", "# x", ":#a", "0", ""])
TEXTS = st.sampled_from(["hello", "", " ", ":)", "x" * 600, "é☕" * 200, "#a", "+o", "\x01ACTION waves\x01"])
WORDS = st.one_of(NICKS, ROOMS, TEXTS, st.sampled_from(["+o", "-o", "+nt-nt", "+oo-o", "+i", "-i", "+x", "-", "key"]))
TAGS = st.sampled_from(["", "", "", "@+a=b;c=d ", "@label=1;+x ", "@+" + "y" * 600 + " "])
VERBS = st.sampled_from(
    [
        *(
            "JOIN",
            "JOIN",
            "JOIN",
            "PART",
            "PRIVMSG",
            "PRIVMSG",
            "NOTICE",
            "TAGMSG",
            "NICK",
            "NICK",
            "TOPIC",
            "MODE",
            "MODE",
        ),
        *("REGISTER", "NS", "MARKREAD", "MONITOR", "AUTHENTICATE"),
        *("KICK", "AWAY", "SETNAME", "QUIT", "NAMES", "WHO", "WHOIS", "LIST", "PING", "CAP REQ", "USER"),
    ]
)


def line_of(tags: str, verb: str, words: Sequence[str]) -> str:
    """As a client would write it, well or badly."""
    *middle, last = words or [""]
    return f"{tags}{verb} {' '.join([*middle, f':{last}'] if last or middle else [])}"


LINES = st.builds(line_of, TAGS, VERBS, st.lists(WORDS, max_size=4))
GOOD_LINES = st.one_of(
    st.builds("JOIN {}".format, ROOMS),
    st.builds("PRIVMSG {} :{}".format, ROOMS, TEXTS),
    st.builds("MODE {} {} {} {}".format, ROOMS, st.sampled_from(["+o", "-o", "+oo", "+t-n"]), NICKS, NICKS),
    st.builds(
        "MODE {} {} {} {}".format, ROOMS, st.sampled_from(["+bb", "-b", "+eI", "+qv", "-qo", "+b"]), MASKS, MASKS
    ),
    st.builds("MODE {} {}".format, ROOMS, st.sampled_from(["+imsR", "-imsR", "+k key", "-k x", "+l 2", "-l", "+s"])),
    st.builds("JOIN {} {}".format, ROOMS, st.sampled_from(["key", "key,key", "x"])),
    st.builds("INVITE {} {}".format, NICKS, ROOMS),
    st.builds("KICK {} {} :{}".format, ROOMS, NICKS, TEXTS),
    st.builds("NICK {}".format, NICKS),
    st.builds("TOPIC {} :{}".format, ROOMS, TEXTS),
    st.builds("REGISTER {} * sesame-open".format, st.one_of(st.just("*"), NICKS)),
    st.builds("NS IDENTIFY {} sesame-open".format, ACCOUNTS),
    st.builds("NS {} {} {}".format, st.sampled_from(["GHOST", "LOGOUT", "SET PASSWORD"]), ACCOUNTS, PASSWORDS),
    st.builds("NS CERT {} {}".format, st.sampled_from(["ADD", "DEL"]), st.sampled_from(["ab" * 32, "cd" * 32])),
    st.builds("MARKREAD {} timestamp={}-01-02T00:00:00.000Z".format, ROOMS, st.sampled_from(["1970", "2970"])),
    st.builds("PRIVMSG {} :{}".format, ACCOUNTS, TEXTS),
    st.builds("MODE {} {}".format, ACCOUNTS, st.sampled_from(["+B", "-B", "+iB-i"])),
)
# Who does what; negative: the clock steps, back too; None: it closes.
DEEDS = st.lists(
    st.tuples(st.integers(0, 6), st.one_of(LINES, GOOD_LINES, GOOD_LINES, st.none(), st.floats(-100.0, 100.0))),
    max_size=50,
)


class RecordingLog(MemoryLog):
    """Keeps all that was appended, what was refused too, as a shared log does."""

    def __init__(self, node: str, kept: int, clock: Callable[[], float]) -> None:
        super().__init__(node, kept, clock)
        self.appended: list[Entry] = []

    def append(self, user: int, request: Message) -> Entry:
        copied = Message(request.verb, list(request.params), request.source, request.tags)
        self.appended.append(super().append(user, copied))
        return self.appended[-1]


class World(StillServer):
    """Four on IRC and three on other wires, of two addresses; whoever has gone is followed by another."""

    def __init__(self) -> None:
        super().__init__(SETTINGS, self._make_log)
        self.socks = [self._come(index) for index in range(7)]

    def _make_log(self, node: str, kept: int, clock: Callable[[], float]) -> RecordingLog:
        self.log = RecordingLog(node, kept, clock)
        return self.log

    def _come(self, index: int) -> StillSocket:
        host = f"127.0.0.{index % 2}"
        if index < 4:
            sock = self.adopt(IrcWire(), host)
            caps = " ".join(sorted(CAPABILITIES)[index :: index + 1])
            self.say(sock, f"CAP REQ :{caps}", f"NICK user{index}", f"USER user{index} 0 * :User", "CAP END")
            self._log_in(sock, f"user{index % 2}")
            self.say(sock, "JOIN #a")
            return sock
        sock = self.adopt(PLAIN_WIRES[index % 4](), host)
        sock.said = [b"hello", b"joined:jo", b"ti", b"ni"][index % 4]
        self.settle()
        return sock

    def _log_in(self, sock: StillSocket, account: str) -> None:
        client = self.connection(sock)
        if client.user is not None:  # its nickname may be taken
            if self.node.state.accounts.find(account) is None:
                self.node.ask(client, Message("REGISTER", [account, "-"], self.node.name))
            self.node.ask(client, Message("ACCOUNT", [account], client.user.mask))
            self.settle(at_least=1)

    def play(self, deeds: Sequence[tuple[int, str | float | None]]) -> None:
        for index, deed in deeds:
            sock = self.socks[index]
            if isinstance(deed, float):
                self.now = max(0.0, self.now + deed)
            elif deed is None:
                sock.ended = True
            elif index < 4:
                sock.said += f"{deed}\r\n".encode()[:4000]
            else:
                sock.said += deed.partition(":")[2].encode()[:1000]
            self.settle()
            if sock.closed:
                self.socks[index] = self._come(index)


def replayed(entries: Sequence[Entry]) -> State:
    state = State(LIMITS)
    for entry in entries:
        with suppress(Refusal):
            apply(state, entry)
    return state


def same(one: State, other: State) -> None:
    assert one.dump() == other.dump()
    assert one.most_users == other.most_users
    assert one.rooms_by_host == other.rooms_by_host
    assert one.entries_by_host == other.entries_by_host
    assert one.entries_remembered == other.entries_remembered
    assert one.secret_rooms == other.secret_rooms


@contextmanager
def played(deeds: Sequence[tuple[int, str | float | None]]) -> Iterator[World]:
    world = World()
    try:
        world.play(deeds)
        assert not world.failures
        yield world
    finally:
        world.close()


@given(DEEDS)
def test_replaying_the_log_gives_the_same_state_with_what_was_refused_and_without(
    deeds: list[tuple[int, str | float | None]],
) -> None:
    with played(deeds) as world:
        same(replayed(world.log.appended), world.node.state)
        same(replayed(list(world.log.entries)), world.node.state)


@given(DEEDS)
def test_every_request_that_any_client_can_cause_survives_the_line_that_a_log_keeps_of_it(
    deeds: list[tuple[int, str | float | None]],
) -> None:
    with played(deeds) as world:
        again = [parse_entry(entry.line) for entry in world.log.appended]
        assert again == world.log.appended
        same(replayed(again), world.node.state)
        ids = [entry.id for entry in world.log.appended]
        assert ids == sorted(set(ids))
        times = [entry.at for entry in world.log.appended]
        assert times == sorted(times)


class Feed(MemoryLog):
    """Hands on what it is given."""

    apply: Apply

    def deliver(self, apply: Apply) -> None:
        self.apply = apply


@given(DEEDS, st.lists(st.integers(1, 20), max_size=20))
def test_two_replicas_agree_whatever_the_batches_in_which_they_read(
    deeds: list[tuple[int, str | float | None]], batches: list[int]
) -> None:
    with played(deeds) as world:
        logs = [Feed("other", 10_000, lambda: 0.0) for _ in range(2)]
        nodes = [
            Node(replace(SETTINGS, name="other"), FakeSink(), lambda: 0.0, lambda *_, log=log: log) for log in logs
        ]
        for entry in world.log.appended:
            logs[0].apply(entry)
            nodes[0].fan_out.flush()
        entries = iter(world.log.appended)
        for size in [*batches, len(world.log.appended)]:
            for entry, _ in zip(entries, range(size), strict=False):
                logs[1].apply(entry)
            nodes[1].fan_out.flush()
        world_entries = list(world.log.entries)
        assert len(logs[0].entries) == len(world_entries)
        same(nodes[0].state, world.node.state)
        assert list(logs[0].entries) == world_entries


@given(DEEDS)
def test_a_room_is_what_its_members_say_it_is(deeds: list[tuple[int, str | float | None]]) -> None:
    """Users and rooms agree with each other, and both with what the clients of this node hear."""
    with played(deeds) as world:
        state = world.node.state
        for room in state.rooms.values():
            assert room.members
            assert all(user.rooms.keys() >= {room} for user in room.members)
            wants = not any(rank in OPERATORS or user.has_commands for user, rank in room.members.items())
            assert room.wants_operator is wants
        clients = {connection.user: connection for connection in world.loop.connections if connection.user is not None}
        assert clients.keys() == set(state.users.values())
        for user, client in clients.items():
            assert world.node.fan_out.clients[user] is client
            assert all(user in room.members for room in user.rooms)
            heard = {audience.key for audience in client.audiences}
            assert heard - {"#a"} == {room.key for room in user.rooms} - {"#a"}  # the lobby is heard before entering
        assert sum(state.rooms_by_host.values()) == len(state.rooms)
        assert sum(state.entries_by_host.values()) == sum(room.entries for room in state.rooms.values())
        assert state.secret_rooms == sum("s" in room.modes for room in state.rooms.values())


@given(DEEDS)
def test_a_state_from_its_own_dump_is_the_same_and_goes_on_alike(deeds: list[tuple[int, str | float | None]]) -> None:
    with played(deeds) as world:
        appended = world.log.appended
        for place in (len(appended) // 2, len(appended)):
            first = replayed(appended[:place])
            again = State(LIMITS)
            load(again, first.dump())
            again.most_users = first.most_users
            same(again, first)
            for entry in appended[place:]:
                with suppress(Refusal):
                    apply(again, entry)
            same(again, world.node.state)


@pytest.mark.parametrize(
    "line",
    ["TAGMSG :bob x", "TAGMSG ::bob", "KICK #a :bob x", "KICK #a ::bob", "KICK #a :", "MODE #a +oo bob :x y"],
)
def test_a_target_that_no_line_can_name_is_refused(line: str) -> None:
    with played([(0, "JOIN #a"), (0, line)]) as world:
        for entry in world.log.appended:
            assert parse_entry(entry.line) == entry
        assert any(" 401 user0 " in answer for answer in world.socks[0].lines())
