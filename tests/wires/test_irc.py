"""The IRC wire: any bytes in, whole commands out; any event in, one line for each kind of client out."""

from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import WireError
from chat.events import (
    Away,
    Event,
    Join,
    Kick,
    Kind,
    Leave,
    Login,
    Mode,
    ModeChange,
    NewRealname,
    Person,
    Quit,
    Rename,
    Say,
    Topic,
)
from chat.wires.irc import (
    CAPABILITIES,
    ENDLESS_BYTES,
    LINE_BYTES,
    SHAPING,
    TAG_BYTES,
    IrcDialect,
    IrcWire,
    fit,
    packed,
    spell_modes,
)
from chat.wires.message import Message, parse, parse_tags
from chat.wires.numerics import ERR_INPUTTOOLONG, ERR_UNKNOWNERROR
from chat.wires.wire import BLANK, Command, Reject
from tests.wires.reading import read, read_late
from tests.wires.test_message import keys

TOO_LONG = Reject(ERR_INPUTTOOLONG, "Input line was too long")
UNPRINTABLE = Reject(ERR_UNKNOWNERROR, "A line may not hold NUL or a carriage return")
NO_COMMAND = Reject(ERR_UNKNOWNERROR, "line has no command")

READS: list[tuple[bytes, list[Command]]] = [
    (b"NICK ana\r\n", [Message("NICK", ["ana"])]),
    (b"NICK ana\n", [Message("NICK", ["ana"])]),  # everyday programs end a line like this too
    (b"nick ana\r\nUSER a 0 * :Ana A\r\n", [Message("NICK", ["ana"]), Message("USER", ["a", "0", "*", "Ana A"])]),
    (
        b"@label=1;+x=y PRIVMSG #a,#b :two words\r\n",
        [Message("PRIVMSG", ["#a,#b", "two words"], tags="label=1;+x=y")],
    ),
    ("PRIVMSG #plät :☕ né\r\n".encode(), [Message("PRIVMSG", ["#plät", "☕ né"])]),
    (b"PRIVMSG #a :\x01ACTION waves\x01\r\n", [Message("PRIVMSG", ["#a", "\x01ACTION waves\x01"])]),
    # IRC ignores a line with nothing in it
    (b"\r\n\r\n\n   \r\n", [BLANK] * 4),
    (b"\nPING x\n\nPING y\n", [BLANK, Message("PING", ["x"]), BLANK, Message("PING", ["y"])]),
    # invalid UTF-8 is replaced, so that others never get it
    (b"PRIVMSG #a :caf\xe9 \xff\r\n", [Message("PRIVMSG", ["#a", "caf\ufffd \ufffd"])]),
    (b"PRIVMSG #a :\xed\xa0\x80\r\n", [Message("PRIVMSG", ["#a", "\ufffd\ufffd\ufffd"])]),  # half a surrogate pair
    (b"NICK \xc0\x80\r\n", [Message("NICK", ["\ufffd\ufffd"])]),  # NUL in two bytes
    (b"NICK a\0b\r\n", [UNPRINTABLE]),
    (b"NICK a\rb\r\n", [UNPRINTABLE]),
    (b"NICK a\r\r\n", [UNPRINTABLE]),
    (b":ana\r\n", [NO_COMMAND]),
    (b"@a=b\r\n", [NO_COMMAND]),
    (b":\r\nPING x\r\n", [NO_COMMAND, Message("PING", ["x"])]),
    # lengths: at the limit, one past it
    (b"PING " + b"x" * 505 + b"\r\n", [Message("PING", ["x" * 505])]),
    (b"PING " + b"x" * 506 + b"\r\nPING y\r\n", [TOO_LONG, Message("PING", ["y"])]),
    (b"PING " + "é".encode() * 253 + b"\r\n", [TOO_LONG]),  # bytes count, not characters
    (b"@" + b"x" * 4094 + b" PING " + b"x" * 505 + b"\r\n", [Message("PING", ["x" * 505], tags="x" * 4094)]),
    (b"@" + b"x" * 4095 + b" PING x\r\nPING y\r\n", [TOO_LONG, Message("PING", ["y"])]),
    (b"@x PING " + b"x" * 506 + b"\r\n", [TOO_LONG]),
    (b"@" + b"x" * 600 + b"\r\n", [TOO_LONG]),
    (b"x" * 20_000 + b"\r\nPING y\r\n", [TOO_LONG, Message("PING", ["y"])]),
]


@pytest.mark.parametrize(("data", "commands"), READS)
def test_bytes_are_read_as_the_commands_they_hold(data: bytes, commands: list[Command]) -> None:
    assert read(IrcWire(), data) == commands


@pytest.mark.parametrize(("data", "commands"), READS)
def test_bytes_that_come_one_by_one_are_the_same_commands(data: bytes, commands: list[Command]) -> None:
    parts = [bytes([byte]) for byte in data]
    assert read(IrcWire(), *parts) == commands
    assert read_late(IrcWire(), *parts) == commands


@pytest.mark.parametrize(("data", "commands"), [(data, commands) for data, commands in READS if len(data) < 1000])
def test_bytes_cut_in_two_anywhere_are_the_same_commands(data: bytes, commands: list[Command]) -> None:
    for cut in range(len(data) + 1):
        assert read(IrcWire(), data[:cut], data[cut:]) == commands


@pytest.mark.parametrize(("data", "commands"), READS)
def test_half_a_line_waits_for_its_end(data: bytes, commands: list[Command]) -> None:
    wire = IrcWire()
    assert read(wire, data + b"PART #") == commands
    assert wire.waiting == 6
    assert read(wire, b"a\r\n") == [Message("PART", ["#a"])]
    assert wire.waiting == 0


@pytest.mark.parametrize("size", [100, 4096, ENDLESS_BYTES])
def test_an_endless_line_is_refused_once_and_then_cuts_its_peer_off(size: int) -> None:
    wire = IrcWire()
    whole, rest = divmod(ENDLESS_BYTES, size)
    assert read(wire, *[b"x" * size] * whole, b"x" * rest) == [TOO_LONG]
    with pytest.raises(WireError, match="no end after 65,537 bytes, the limit is 512"):
        read(wire, b"x")
    assert read(wire, b"\r\nPING x\r\n") == []


def test_a_long_line_that_ends_just_in_time_costs_its_peer_only_that_line() -> None:
    wire = IrcWire()
    assert read(wire, b"x" * ENDLESS_BYTES) == [TOO_LONG]
    assert wire.waiting == 0
    assert read(wire, b"\r\nPING x\r\n") == [Message("PING", ["x"])]


def test_commands_are_cut_one_at_a_time_and_the_bytes_of_the_others_wait() -> None:
    wire = IrcWire()
    wire.receive(b"PING a\r\nPING b\r\n\nPI")
    assert wire.waiting == 19
    assert wire.next() == Message("PING", ["a"])
    assert wire.waiting == 11
    wire.receive(b"NG c\n")
    assert wire.waiting == 16
    assert [wire.next(), wire.next(), wire.next()] == [Message("PING", ["b"]), BLANK, Message("PING", ["c"])]
    assert (wire.next(), wire.waiting) == (None, 0)


def test_a_line_without_its_end_is_dropped_when_its_sender_ends_and_whole_lines_are_not() -> None:
    wire = IrcWire()
    wire.receive(b"PING a\nPING b\nQUIT")
    assert wire.next() == Message("PING", ["a"])
    wire.end()
    assert wire.waiting == 7
    assert wire.next() == Message("PING", ["b"])
    assert (wire.next(), wire.waiting) == (None, 0)
    wire.end()
    assert wire.next() is None


def test_a_long_line_waits_up_to_its_limit_and_is_gone_one_past_it() -> None:
    longest = TAG_BYTES + LINE_BYTES
    wire = IrcWire()
    wire.receive(b"x" * (longest - 1))
    assert (wire.next(), wire.waiting) == (None, longest - 1)
    wire.receive(b"x")
    assert (wire.next(), wire.waiting) == (TOO_LONG, 0)
    wire.receive(b"x" * 1_000)
    assert (wire.next(), wire.waiting) == (None, 0)
    assert read(wire, b"x\nPING a\n") == [Message("PING", ["a"])]


def test_an_irc_client_registers_at_once_answers_a_ping_and_has_commands() -> None:
    wire = IrcWire()
    assert wire.dialect is PLAIN
    assert (wire.registers_at_once, wire.listens, wire.answers_ping, wire.has_commands) == (True, False, True, True)
    assert (wire.greeting, wire.data_to_send()) == ((), b"")
    assert (wire.next(), wire.waiting) == (None, 0)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\r\n", b"\n", b"@", b" :", b"PRIVMSG #a :", b"x" * 600])))
def test_any_bytes_either_parse_to_commands_or_raise_a_wire_error(pieces: list[bytes]) -> None:
    """Invariant: any bytes either give messages with a verb, and refusals with a reason, or raise WireError;
    and how the stream was cut makes no difference."""
    wire, whole = IrcWire(), IrcWire()
    commands: list[Command] = []
    try:
        commands = read(wire, *pieces)
        assert read(whole, b"".join(pieces)) == commands
    except WireError:
        return
    for command in commands:
        if isinstance(command, Message):
            assert command.verb
            text = "".join([command.verb, command.source, command.tags, *command.params])
            assert not set(text) & set("\r\n\0")
            assert text.encode()  # no lone surrogates
        elif isinstance(command, Reject):
            assert command.reason
        else:
            assert command is BLANK


# Events to bytes

AT = 1_700_000_000.0429  # 2023-11-14T22:13:20.042Z: cut, not rounded, as a clock shows it
ANA = Person("ana", "~ana", "127.0.0.1")
BEA = Person("Bea", "~b", "::1")

PLAIN = IrcDialect.of(())
TAGS = IrcDialect.of({"message-tags"})
TIME = IrcDialect.of({"server-time"})
FULL = IrcDialect.of(CAPABILITIES)

ENCODED = [
    (Say(ANA, "#lobby", "two words", AT), b":ana!~ana@127.0.0.1 PRIVMSG #lobby :two words\r\n"),
    (Say(ANA, "bea", ":)", AT), b":ana!~ana@127.0.0.1 PRIVMSG bea ::)\r\n"),
    (Say(ANA, "bea", "x", AT, Kind.NOTICE), b":ana!~ana@127.0.0.1 NOTICE bea :x\r\n"),
    (Say(BEA, "#plät", "☕", AT), ":Bea!~b@::1 PRIVMSG #plät :☕\r\n".encode()),
    (Join(ANA, "#lobby", AT), b":ana!~ana@127.0.0.1 JOIN #lobby\r\n"),
    (Leave(ANA, "#lobby", AT), b":ana!~ana@127.0.0.1 PART #lobby\r\n"),
    (Leave(ANA, "#lobby", AT, "so long"), b":ana!~ana@127.0.0.1 PART #lobby :so long\r\n"),
    (Quit(ANA, AT, "Ping timeout"), b":ana!~ana@127.0.0.1 QUIT :Ping timeout\r\n"),
    (Kick(ANA, "#lobby", BEA, AT, "no ads"), b":ana!~ana@127.0.0.1 KICK #lobby Bea :no ads\r\n"),
    (Rename(ANA, "Ana2", AT), b":ana!~ana@127.0.0.1 NICK Ana2\r\n"),
    (Topic(ANA, "#lobby", "new  topic", AT), b":ana!~ana@127.0.0.1 TOPIC #lobby :new  topic\r\n"),
    (Topic(ANA, "#lobby", "", AT), b":ana!~ana@127.0.0.1 TOPIC #lobby :\r\n"),
    (
        Mode(ANA, "#lobby", (ModeChange(True, "o", "Bea"), ModeChange(False, "t")), AT),
        b":ana!~ana@127.0.0.1 MODE #lobby +o-t Bea\r\n",
    ),
]


@pytest.mark.parametrize(("event", "data"), ENCODED)
def test_an_event_is_one_line(event: Event, data: bytes) -> None:
    assert PLAIN.encode(event) == (data,)
    assert TAGS.encode(event) == (data,)


@pytest.mark.parametrize(("event", "data"), ENCODED)
def test_server_time_says_when_in_utc_with_milliseconds(event: Event, data: bytes) -> None:
    assert TIME.encode(event) == (b"@time=2023-11-14T22:13:20.042Z " + data,)
    full = IrcDialect.of(set(CAPABILITIES) - {"extended-join"})
    assert full.encode(event) == (b"@time=2023-11-14T22:13:20.042Z " + data,)


ONLY_FOR = [
    (Away(ANA, "lunch", AT), "away-notify", b":ana!~ana@127.0.0.1 AWAY :lunch\r\n"),
    (Away(ANA, None, AT), "away-notify", b":ana!~ana@127.0.0.1 AWAY\r\n"),
    (Login(replace(ANA, account="Ana"), AT), "account-notify", b":ana!~ana@127.0.0.1 ACCOUNT Ana\r\n"),
    (Login(ANA, AT), "account-notify", b":ana!~ana@127.0.0.1 ACCOUNT *\r\n"),
    (NewRealname(ANA, "Ana A", AT), "setname", b":ana!~ana@127.0.0.1 SETNAME :Ana A\r\n"),
    (
        Say(ANA, "#lobby", "", AT, Kind.TAGS, "+typing=active"),
        "message-tags",
        b"@+typing=active :ana!~ana@127.0.0.1 TAGMSG #lobby\r\n",
    ),
    (Say(ANA, "#lobby", "", AT, Kind.TAGS), "message-tags", b":ana!~ana@127.0.0.1 TAGMSG #lobby\r\n"),
]


@pytest.mark.parametrize(("event", "capability", "data"), ONLY_FOR)
def test_what_needs_a_capability_is_shown_to_clients_that_have_it_alone(
    event: Event, capability: str, data: bytes
) -> None:
    assert IrcDialect.of({capability}).encode(event) == (data,)
    assert IrcDialect.of(set(CAPABILITIES) - {capability}).encode(event) == ()
    assert PLAIN.encode(event) == ()


def test_client_tags_are_for_clients_with_message_tags_and_stand_behind_the_servers_own() -> None:
    event = Say(ANA, "#lobby", "x", AT, tags="+a=b;+c")
    line = b":ana!~ana@127.0.0.1 PRIVMSG #lobby :x\r\n"
    assert PLAIN.encode(event) == (line,)
    assert TIME.encode(event) == (b"@time=2023-11-14T22:13:20.042Z " + line,)
    assert TAGS.encode(event) == (b"@+a=b;+c " + line,)
    assert FULL.encode(event) == (b"@time=2023-11-14T22:13:20.042Z;+a=b;+c " + line,)


def test_the_account_and_that_it_is_a_bot_are_tags_for_those_who_asked_for_them() -> None:
    event = Leave(replace(ANA, account="Ana", bot=True), "#lobby", AT, id=255)
    line = b":ana!~ana@127.0.0.1 PART #lobby\r\n"
    assert PLAIN.encode(event) == (line,)
    assert IrcDialect.of({"account-tag"}).encode(event) == (b"@account=Ana " + line,)
    assert TAGS.encode(event) == (b"@msgid=ff;bot " + line,)
    assert FULL.encode(event) == (b"@time=2023-11-14T22:13:20.042Z;msgid=ff;account=Ana;bot " + line,)


def test_extended_join_tells_the_account_and_the_real_name() -> None:
    extended = IrcDialect.of({"extended-join"})
    event = Join(ANA, "#lobby", AT, realname="Ana A")
    assert extended.encode(event) == (b":ana!~ana@127.0.0.1 JOIN #lobby * :Ana A\r\n",)
    event = Join(replace(ANA, account="Ana"), "#lobby", AT, realname="")
    assert extended.encode(event) == (b":ana!~ana@127.0.0.1 JOIN #lobby Ana :\r\n",)


SPACE = LINE_BYTES - len(b":ana!~ana@127.0.0.1 PRIVMSG #lobby :\r\n")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("x" * SPACE, "x" * SPACE),
        ("x" * (SPACE + 1), "x" * SPACE),
        ("x" * (SPACE - 2) + "é", "x" * (SPACE - 2) + "é"),
        ("x" * (SPACE - 1) + "é", "x" * (SPACE - 1)),
        ("x" * (SPACE - 3) + "😃", "x" * (SPACE - 3)),
        ("x" * (SPACE - 4) + "😃", "x" * (SPACE - 4) + "😃"),
        ("☕" * 400, "☕" * (SPACE // 3)),
    ],
)
def test_a_line_is_cut_at_512_bytes_and_never_inside_a_character(text: str, left: str) -> None:
    line = f":ana!~ana@127.0.0.1 PRIVMSG #lobby :{left}\r\n".encode()
    assert PLAIN.encode(Say(ANA, "#lobby", text, AT)) == (line,)
    assert FULL.encode(Say(ANA, "#lobby", text, AT, tags="+a"))[0].endswith(b";+a " + line)  # tags have their own limit


def test_the_id_of_an_event_is_its_msgid_behind_the_time_and_before_client_tags() -> None:
    event = Say(ANA, "#lobby", "x", AT, tags="+a=b", id=0xBEEF)
    line = b":ana!~ana@127.0.0.1 PRIVMSG #lobby :x\r\n"
    assert PLAIN.encode(event) == (line,)
    assert TIME.encode(event) == (b"@time=2023-11-14T22:13:20.042Z " + line,)
    assert TAGS.encode(event) == (b"@msgid=beef;+a=b " + line,)
    assert FULL.encode(event) == (b"@time=2023-11-14T22:13:20.042Z;msgid=beef;+a=b " + line,)
    assert TAGS.encode(Join(ANA, "#a", AT, id=10)) == (b"@msgid=a :ana!~ana@127.0.0.1 JOIN #a\r\n",)


@pytest.mark.parametrize(
    ("changes", "spelt"),
    [
        ([ModeChange(True, "o", "ana")], "+o ana"),
        ([ModeChange(False, "n"), ModeChange(False, "t")], "-nt"),
        ([ModeChange(True, "o", "ana"), ModeChange(False, "t")], "+o-t ana"),
        (
            [ModeChange(False, "o", "a"), ModeChange(True, "n"), ModeChange(True, "o", "b"), ModeChange(False, "t")],
            "-o+no-t a b",
        ),
    ],
)
def test_modes_are_spelt_with_a_sign_where_it_changes_and_their_names_behind(
    changes: list[ModeChange], spelt: str
) -> None:
    assert spell_modes(changes) == spelt


def test_clients_with_the_same_view_share_one_dialect() -> None:
    assert IrcDialect.of({"server-time", "batch"}) is IrcDialect.of({"echo-message", "server-time"})
    dialects = {IrcDialect.of(caps) for caps in product(*((name, "") for name in SHAPING))}
    assert len(dialects) == 2 ** len(SHAPING)


def test_a_client_may_get_several_lines_in_one_send_and_numerics_and_every_join() -> None:
    assert FULL.framed
    assert FULL.numerics
    assert FULL.sees_own_join
    assert not FULL.echoes
    assert FULL.summary(12) == ()


def test_the_farewell_is_an_error_line() -> None:
    assert PLAIN.farewell("Ping timeout: 60 seconds") == (b"ERROR :Closing link: Ping timeout: 60 seconds\r\n",)
    assert PLAIN.welcome("ana") == ()
    (long,) = PLAIN.farewell("é" * 400)
    assert fit(long) == long
    assert long.decode().endswith("é\r\n")


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ([], []),
        (["abc", "de"], ["abc de"]),
        (["abc", "def"], ["abc", "def"]),
        (["abcdef", "g", "hi", "jk", "l"], ["abcdef", "g hi", "jk l"]),  # of 6 bytes
        (["abcdefg", "h"], ["abcdefg", "h"]),  # one word is not cut
        (["éa", "éb"], ["éa", "éb"]),
        (["é", "éb"], ["é éb"]),
        (["a", "b", "abcdefg", "c"], ["a b", "abcdefg", "c"]),
    ],
)
def test_packed_words_fit_their_lines(words: list[str], lines: list[str]) -> None:
    assert list(packed(words, 6)) == lines


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters=" "), min_size=1, max_size=9)), st.integers(0, 40)
)
def test_words_are_packed_into_as_few_lines_as_hold_them(words: list[str], size: int) -> None:
    """Invariant: the words come back in order; no line is over the size but one of a single word; and no line has
    room for the first word of the next."""
    lines = list(packed(words, size))
    assert [word for line in lines for word in line.split(" ")] == words
    assert all(len(line.encode()) <= size or " " not in line for line in lines)
    for line, following in pairwise(lines):
        assert len(f"{line} {following.split(' ')[0]}".encode()) > size


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=600)
people = st.builds(
    Person,
    st.from_regex(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]{0,29}", fullmatch=True),
    st.from_regex(r"~[a-z0-9._-]{1,9}", fullmatch=True),
    st.sampled_from(["127.0.0.1", "2001:db8:1111:2222:3333:4444:5555:6666"]),
)
rooms = st.text(st.characters(codec="utf-8", exclude_characters=" ,\x07\0\r\n:"), min_size=1, max_size=63).map(
    "#".__add__
)
times = st.floats(0, 4_000_000_000)
client_tags = st.dictionaries(keys.map("+".__add__), st.just("v"), max_size=3).map(
    lambda tags: ";".join(f"{key}={value}" for key, value in tags.items())
)
mode_changes = st.builds(ModeChange, st.booleans(), st.just("o"), people.map(lambda person: person.nick)) | st.builds(
    ModeChange, st.booleans(), st.sampled_from("nt"), st.just("")
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Say, people, rooms | people.map(lambda person: person.nick), texts, times, st.sampled_from(Kind), client_tags
    ),
    st.builds(Join, people, rooms, times),
    st.builds(Leave, people, rooms, times, texts),
    st.builds(Quit, people, times, texts),
    st.builds(Kick, people, rooms, people, times, texts),
    st.builds(Rename, people, people.map(lambda person: person.nick), times),
    st.builds(Topic, people, rooms, texts, times),
    st.builds(Mode, people, rooms, st.lists(mode_changes, min_size=1, max_size=20).map(tuple), times),
    st.builds(Away, people, texts | st.none(), times),
    st.builds(NewRealname, people, texts, times),
)


@given(events, st.sets(st.sampled_from(CAPABILITIES)))
def test_every_event_is_one_line_that_fits_and_reads_back(event: Event, capabilities: set[str]) -> None:
    """Invariant: an encoded event is at most one line: 512 bytes without its tags, valid UTF-8, no CR, LF or NUL
    inside, from the person it is about."""
    sends = IrcDialect.of(capabilities).encode(event)
    if not sends:
        return
    (data,) = sends
    assert data.endswith(b"\r\n")
    assert not set(data[:-2]) & set(b"\r\n\0")
    line = data[:-2].decode()
    tags = len(data) - len(data.partition(b" ")[2]) if line.startswith("@") else 0
    assert len(data) - tags <= LINE_BYTES
    assert tags <= TAG_BYTES
    message = parse(line)
    assert message.source == event.who.mask
    assert ("time" in parse_tags(message.tags)) is ("server-time" in capabilities)
