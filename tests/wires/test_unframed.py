from unicodedata import category

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
    Mode,
    ModeChange,
    NewRealname,
    Person,
    Quit,
    Rename,
    Say,
    Topic,
)
from chat.wires.irc import LINE_BYTES, IrcDialect
from chat.wires.joined import JOINED, JoinedWire
from chat.wires.names import NICK_LENGTH, is_nickname
from chat.wires.nick import NICK, NickWire
from chat.wires.relay import RELAY, RelayWire
from chat.wires.tilde import TILDE, TildeWire
from chat.wires.unframed import (
    HELD_BYTES,
    SPEAK_BYTES,
    TextReader,
    claim,
    plain,
    sends,
    shown,
    without_own_name,
)
from chat.wires.wire import BLANK, Command, Dialect, Enter, Speak, TakeName, Wire
from tests.wires.reading import read, read_late

ANA = Person("ana", "~ana", "10.0.0.7")
BOB = Person("bob", "~bob", "10.0.0.8")
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # three emoji that joiners make one

WIRES: list[tuple[type[Wire], Dialect, int]] = [  # with what its clients read at a time
    (RelayWire, RELAY, 1_024),
    (JoinedWire, JOINED, 256),
    (TildeWire, TILDE, 2_048),
    (NickWire, NICK, 1_024),
]
SEEN_BY_NONE: list[Event] = [
    Topic(ANA, "#lobby", "tea", 0.0),
    Mode(ANA, "#lobby", (ModeChange(True, "o", "bob"),), 0.0),
    Away(ANA, "lunch", 0.0),
    Away(ANA, None, 0.0),
    NewRealname(ANA, "Ana", 0.0),
    Say(ANA, "#lobby", "", 0.0, Kind.TAGS, "+typing=active"),
    Say(ANA, "#lobby", "\x01VERSION\x01", 0.0),
    Say(ANA, "#lobby", "\x01PING 1 2\x01", 0.0, Kind.NOTICE),
    Say(ANA, "#lobby", "\x02\x0304\x0f  ", 0.0),
]


# --- what arrives ---


def feed(reader: TextReader, data: bytes) -> list[str]:
    """The lines that are whole once `recv` has returned this."""
    reader.receive(data)
    return list(iter(reader.next, None))


LINES = [
    (b"hi", ["hi"]),
    (b" \thi", ["hi"]),
    (b"hi \r\n", ["hi "]),
    (b"", []),
    (b" \r\n\t \n\0", ["", "", ""]),
    (b"a\nb\r\n\n c", ["a", "b", "", "c"]),
    (b"a\rb\0c\x07d\x1be\x7ff", ["abcdef"]),
    (b"a\tb", ["a b"]),
    ("a\u0085\u009bb".encode(), ["ab"]),
    (b"\x01ACTION waves\x01", ["ACTION waves"]),
    ("\u00a0né ☕ 🎉".encode(), ["né ☕ 🎉"]),
    (b"a\xffb\xc0\x80c", ["a\ufffdb\ufffd\ufffdc"]),  # U+FFFD for each byte that begins nothing
    (b"\xed\xa0\x80!", ["\ufffd\ufffd\ufffd!"]),  # a surrogate is not a character
    (b"\x80", ["\ufffd"]),
]


@pytest.mark.parametrize(("data", "lines"), LINES)
def test_what_one_recv_returned_is_one_message_of_a_line_or_more(data: bytes, lines: list[str]) -> None:
    assert feed(TextReader(), data) == lines


def test_messages_that_wait_stay_apart_and_their_lines_are_cut_one_at_a_time() -> None:
    reader = TextReader()
    for data in (b"a", b"b\nc", b"d\n", b" e"):
        reader.receive(data)
    assert reader.waiting == len(b"a\nb\nc\nd\n e")
    assert [reader.next(), reader.next()] == ["a", "b"]
    assert reader.waiting == len(b"c\nd\n e")
    reader.receive(b"f")
    assert reader.waiting == len(b"c\nd\n e\nf")
    assert list(iter(reader.next, None)) == ["c", "d", "e", "f"]
    assert (reader.next(), reader.waiting) == (None, 0)


def test_a_first_byte_that_may_begin_a_tls_record_waits_for_the_next() -> None:
    reader = TextReader()
    assert feed(reader, b"\n\x16") == []
    assert reader.waiting == 1
    assert feed(reader, b"a") == ["a"]
    assert reader.waiting == 0
    reader = TextReader()
    assert feed(reader, b"\x16") == []
    reader.end()
    assert feed(reader, b"") == []


def test_an_empty_read_is_nothing() -> None:
    reader = TextReader()
    assert feed(reader, b"") == []
    assert feed(reader, b"a") == ["a"]
    assert feed(reader, b"") == []


def test_what_waits_for_the_rest_of_a_character_is_a_message_when_its_sender_ends() -> None:
    reader = TextReader()
    assert feed(reader, "a\nné".encode()[:-1]) == ["a"]
    assert reader.waiting == 2
    reader.end()
    assert feed(reader, b"") == ["n\ufffd"]
    assert reader.waiting == 0
    reader.end()
    assert reader.next() is None


@pytest.mark.parametrize("text", ["né", "☕ tea", "a 🎉", FAMILY, "日本語"])
def test_a_message_cut_inside_a_character_is_still_one_message(text: str) -> None:
    data = text.encode()
    for cut in range(1, len(data)):
        if data[cut] & 0xC0 == 0x80:
            reader = TextReader()
            assert feed(reader, data[:cut]) == []
            assert feed(reader, data[cut:]) == [text]


def test_a_character_may_arrive_byte_by_byte() -> None:
    reader = TextReader()
    assert [feed(reader, bytes([byte])) for byte in "🎉".encode()] == [[], [], [], ["🎉"]]
    assert feed(reader, b"next") == ["next"]


def test_a_character_that_does_not_go_on_becomes_fffd_and_the_next_message_is_its_own() -> None:
    reader = TextReader()
    assert feed(reader, "café".encode("latin-1")) == []
    assert feed(reader, b"next") == ["caf\ufffd", "next"]
    assert feed(reader, b"\xe2\x98") == []
    assert feed(reader, "☕".encode()) == ["\ufffd", "☕"]


def test_a_message_of_at_most_held_bytes_waits_for_its_last_character() -> None:
    reader = TextReader()
    start = b"x" * (HELD_BYTES - 1)
    assert feed(reader, start + b"\xc3") == []
    assert feed(reader, b"\xa9") == [start.decode() + "é"]


def test_of_a_message_one_past_held_bytes_only_the_last_character_waits() -> None:
    reader = TextReader()
    start = b"x" * HELD_BYTES
    assert feed(reader, start + b"\xc3") == [start.decode()]
    assert feed(reader, b"\xa9!") == ["é!"]


def test_a_message_that_never_ends_its_character_is_not_kept_for_ever() -> None:
    reader = TextReader()
    feed(reader, b"\xc3")
    lines = [line for _ in range(100) for line in feed(reader, b"\xa9" + b"x" * 1_000 + b"\xc3")]
    assert len("".join(lines)) > 99_000


@pytest.mark.parametrize(
    ("line", "claimed"),
    [
        ("ana: hi", ("ana", "hi")),
        ("ana:  hi ", ("ana", " hi ")),
        ("ana: ", ("ana", "")),
        ("ana_b-2: a: b", ("ana_b-2", "a: b")),
        ("José: hi", ("José", "hi")),
        ("x" * 30 + ": hi", ("x" * 30, "hi")),
        ("x" * 31 + ": hi", ("", "x" * 31 + ": hi")),
        ("ana:hi", ("", "ana:hi")),
        ("ana:", ("", "ana:")),
        ("ana : hi", ("", "ana : hi")),
        ("ana b: hi", ("", "ana b: hi")),
        ("a.b: hi", ("", "a.b: hi")),
        (": hi", ("", ": hi")),
        ("http://ana: hi", ("", "http://ana: hi")),
    ],
)
def test_a_name_is_claimed_by_a_word_a_colon_and_a_space(line: str, claimed: tuple[str, str]) -> None:
    assert claim(line) == claimed


@pytest.mark.parametrize(
    ("line", "name", "text"),
    [
        ("ana: hi", "ana", "hi"),
        ("ana: ana: hi", "ana", "ana: hi"),
        ("ana : hi", "ana", "hi"),  # a space behind the name in its box
        ("ana b: hi", "ana b", "hi"),
        ("ana: ", "ana", ""),
        ("ana2: hi", "ana", "ana2: hi"),
        ("bob: hi", "ana", "bob: hi"),
        ("ana:hi", "ana", "ana:hi"),
        ("ana", "ana", "ana"),
    ],
)
def test_only_the_clients_own_name_is_cut_off(line: str, name: str, text: str) -> None:
    assert without_own_name(line, name) == text


# --- what is spoken and sent ---


SPOKEN = [
    ("x" * SPEAK_BYTES, ["x" * SPEAK_BYTES]),
    ("x" * (SPEAK_BYTES + 1), ["x" * SPEAK_BYTES, "x"]),
    ("é" * (SPEAK_BYTES // 2 + 1), ["é" * (SPEAK_BYTES // 2), "é"]),
    (" hi ", ["hi"]),
]


@pytest.mark.parametrize(("text", "spoken"), SPOKEN)
def test_a_text_at_the_limit_is_one_speak_and_one_past_it_two(text: str, spoken: list[str]) -> None:
    wire = TildeWire()
    assert read(wire, b"ana", text.encode()) == [Enter("ana"), *map(Speak, spoken)]


def test_a_speak_fits_one_irc_line_whoever_says_it() -> None:
    who = Person("n" * NICK_LENGTH, "~" + "u" * 11, "h" * 63)
    text = "x" * SPEAK_BYTES
    [line] = IrcDialect.of(()).encode(Say(who, "#lobby", text, 0.0))
    assert line.endswith(f":{text}\r\n".encode())
    assert LINE_BYTES - len(line) == 35  # what the comment at SPEAK_BYTES keeps for a longer lobby


def test_each_send_counts_what_stands_around_the_text() -> None:
    assert sends("ana: ", "x" * 5, "", 10) == (b"ana: xxxxx",)
    assert sends("ana: ", "x" * 6, "", 10) == (b"ana: xxxxx", b"ana: x")
    assert sends("ana: ", "x" * 5, "\n", 10) == (b"ana: xxxx\n", b"ana: x\n")
    assert sends("é~", "éé", "", 7) == ("é~éé".encode(),)
    assert sends("é~", "ééé", "", 7) == ("é~éé".encode(), "é~é".encode())
    assert sends("ana: ", "", "", 10) == ()


# --- what these clients show ---


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("hi", "hi"),
        (" hi ", "hi"),
        ("\x02bold\x02 \x1ditalics\x1d \x1funder\x1f \x16rev\x16 \x1estrike\x1e \x11mono\x11\x0f", None),
        ("\x0304red\x03", "red"),
        ("\x034,12red", "red"),
        ("\x03041", "1"),  # two digits at most
        ("\x034,a", ",a"),
        ("\x03,4", ",4"),
        ("\x03١", "١"),  # only ASCII digits are a colour
        ("\x04ff0000red\x04", "red"),
        ("\x04ff0000,00FF00red", "red"),
        ("\x04fff", "fff"),
        ("a\tb\rc\0d\ne", "a bcde"),
        ("\x02\x0304\x0f ", ""),
    ],
)
def test_formatting_and_control_characters_are_not_shown(text: str, seen: str | None) -> None:
    assert plain(text) == ("bold italics under rev strike mono" if seen is None else seen)


@pytest.mark.parametrize(
    ("to", "text", "kind", "seen"),
    [
        ("#lobby", "hi", Kind.MESSAGE, "hi"),
        ("#lobby", "hi", Kind.NOTICE, "hi"),
        ("#lobby", "hi", Kind.TAGS, ""),
        ("#lobby", "\x01ACTION waves\x01", Kind.MESSAGE, "* waves"),
        ("#lobby", "\x01ACTION waves", Kind.MESSAGE, "* waves"),
        ("#lobby", "\x01action \x02waves\x02 \x01", Kind.MESSAGE, "* waves"),
        ("#lobby", "\x01ACTION \x01", Kind.MESSAGE, ""),
        ("#lobby", "\x01ACTION\x01", Kind.MESSAGE, ""),
        ("#lobby", "\x01VERSION\x01", Kind.MESSAGE, ""),
        ("#lobby", "\x01", Kind.MESSAGE, ""),
        ("bob", "hi", Kind.MESSAGE, "(private) hi"),
        ("bob", "\x01ACTION waves\x01", Kind.MESSAGE, "(private) * waves"),
        ("bob", " ", Kind.MESSAGE, ""),
        ("bob", "hi", Kind.TAGS, ""),
    ],
)
def test_what_is_shown_of_words(to: str, text: str, kind: Kind, seen: str) -> None:
    assert shown(Say(ANA, to, text, 0.0, kind)) == seen


# --- promises of all four ---


@pytest.mark.parametrize(("wire", "_dialect", "_read_bytes"), WIRES)
def test_what_waits_to_be_spoken_waits_in_the_wire(wire: type[Wire], _dialect: Dialect, _read_bytes: int) -> None:
    reader = wire()
    reader.receive(b"x: a\n")
    while reader.next() is not None:
        pass
    text = "é" * SPEAK_BYTES  # of two bytes each
    reader.receive(f"{text}\nb".encode())
    assert reader.waiting == len(text.encode()) + 2
    assert reader.next() == Speak("é" * (SPEAK_BYTES // 2))
    assert reader.waiting == len(text.encode()) // 2 + 1
    assert reader.next() == Speak("é" * (SPEAK_BYTES // 2))
    assert reader.waiting == 1
    assert reader.next() == Speak("b")
    assert (reader.next(), reader.waiting) == (None, 0)


@pytest.mark.parametrize(("wire", "_dialect", "_read_bytes"), WIRES)
def test_a_last_message_cut_inside_a_character_is_read_at_the_end(
    wire: type[Wire], _dialect: Dialect, _read_bytes: int
) -> None:
    reader = wire()
    read(reader, b"x: a\n")
    assert read(reader, b"caf\xc3") == []
    reader.end()
    assert read(reader, b"") == [Speak("caf\ufffd")]


@pytest.mark.parametrize(("wire", "dialect", "_read_bytes"), WIRES)
def test_these_clients_have_no_commands_no_answers_and_no_ping(
    wire: type[Wire], dialect: Dialect, _read_bytes: int
) -> None:
    reader = wire()
    assert not reader.has_commands
    assert not reader.answers_ping
    assert not dialect.numerics
    assert reader.data_to_send() == b""


def test_two_wires_hear_the_room_before_the_first_words_and_two_expect_a_name_at_once() -> None:
    assert [wire for wire, _, _ in WIRES if wire().listens] == [RelayWire, JoinedWire]
    assert [wire for wire, _, _ in WIRES if wire().registers_at_once] == [TildeWire, NickWire]


@pytest.mark.parametrize(("wire", "dialect", "_read_bytes"), WIRES)
def test_a_wire_starts_with_the_dialect_that_all_its_connections_share(
    wire: type[Wire], dialect: Dialect, _read_bytes: int
) -> None:
    assert wire().dialect is dialect
    assert not dialect.framed
    assert len({dialect: None, wire().dialect: None}) == 1


@pytest.mark.parametrize(("_wire", "dialect", "_read_bytes"), WIRES)
@pytest.mark.parametrize("event", SEEN_BY_NONE, ids=repr)
def test_what_these_clients_cannot_show_they_are_not_told(
    _wire: type[Wire], dialect: Dialect, _read_bytes: int, event: Event
) -> None:
    assert dialect.encode(event) == ()


@pytest.mark.parametrize(("_wire", "dialect", "_read_bytes"), WIRES)
def test_who_left_of_their_own_will_or_was_cut_off_or_kicked_looks_the_same(
    _wire: type[Wire], dialect: Dialect, _read_bytes: int
) -> None:
    left = dialect.encode(Leave(ANA, "#lobby", 0.0, "bye"))
    assert len(left) == 1
    assert dialect.encode(Quit(ANA, 0.0, "ping timeout")) == left
    assert dialect.encode(Kick(BOB, "#lobby", ANA, 0.0, "out")) == left


@pytest.mark.parametrize(("_wire", "dialect", "read_bytes"), WIRES)
def test_a_text_that_fits_the_clients_read_is_one_send_and_one_byte_more_is_two(
    _wire: type[Wire], dialect: Dialect, read_bytes: int
) -> None:
    around = len(dialect.encode(Say(ANA, "#lobby", "x", 0.0))[0]) - 1
    fits = dialect.encode(Say(ANA, "#lobby", "x" * (read_bytes - around), 0.0))
    assert [len(data) for data in fits] == [read_bytes]
    over = dialect.encode(Say(ANA, "#lobby", "x" * (read_bytes - around + 1), 0.0))
    assert [len(data) for data in over] == [read_bytes, around + 1]
    around = len(dialect.farewell("x")[0]) - 1
    assert [len(data) for data in dialect.farewell("x" * (read_bytes - around))] == [read_bytes]
    assert [len(data) for data in dialect.farewell("x" * (read_bytes - around + 1))] == [read_bytes, around + 1]


@pytest.mark.parametrize(("_wire", "dialect", "_read_bytes"), WIRES)
def test_half_a_surrogate_pair_from_elsewhere_does_no_harm(
    _wire: type[Wire], dialect: Dialect, _read_bytes: int
) -> None:
    [data] = dialect.encode(Say(ANA, "#lobby", "a\udce9b", 0.0))
    assert b"a?b" in data


nicknames = st.from_regex(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]{0,29}", fullmatch=True) | st.sampled_from(
    ["joined", "unjoined", "NICK", "SERVER", "n" * NICK_LENGTH]
)
people = st.builds(Person, nicknames, st.just("~u"), st.just("h"))
texts = st.text(max_size=40) | st.builds(str.__mul__, st.text(max_size=40), st.integers(1, 100))
at = st.just(0.0)
events = st.one_of(
    st.builds(Say, people, st.just("#lobby") | nicknames, texts, at, st.sampled_from(Kind)),
    st.builds(Join, people, st.just("#lobby"), at),
    st.builds(Leave, people, st.just("#lobby"), at, texts),
    st.builds(Quit, people, at, texts),
    st.builds(Kick, people, st.just("#lobby"), people, at, texts),
    st.builds(Rename, people, nicknames, at),
)


@pytest.mark.parametrize(("_wire", "dialect", "read_bytes"), WIRES)
@given(event=events, reason=texts)
def test_any_event_is_shown_in_reads_that_are_whole(
    _wire: type[Wire], dialect: Dialect, read_bytes: int, event: Event, reason: str
) -> None:
    """Invariant: every send has 1 byte to the client's read size, is valid UTF-8 by itself and one line at most."""
    for data in (*dialect.encode(event), *dialect.farewell(reason), *dialect.welcome("ana"), *dialect.summary(10**9)):
        assert 1 <= len(data) <= read_bytes
        assert "\n" not in data.decode().removesuffix("\n")


arrivals = st.lists(
    st.binary(max_size=20)
    | st.sampled_from([b"joined:", b"ana", b"ana: ", b"ana: hi", b"\n", b" ", b"\xc3", b"\xa9", b"\0", b"bob: "])
    | st.text(max_size=10).map(str.encode)
    | st.builds(bytes.__mul__, st.binary(min_size=1, max_size=8), st.integers(100, 800)),
    max_size=10,
)


def check(command: Command) -> None:
    if isinstance(command, Speak):
        assert 1 <= len(command.text.encode()) <= SPEAK_BYTES
        assert command.text == command.text.strip()
        assert not any(category(letter) == "Cc" for letter in command.text)
    else:
        assert isinstance(command, Enter | TakeName)
        assert is_nickname(command.name) or (command.name == "" and isinstance(command, Enter))


@pytest.mark.parametrize(("wire", "_dialect", "_read_bytes"), WIRES)
@given(parts=arrivals)
def test_any_bytes_are_text(wire: type[Wire], _dialect: Dialect, _read_bytes: int, parts: list[bytes]) -> None:
    """Invariant: any bytes give commands whose text is not blank, has no line feed and fits; one Enter comes first."""
    reader = wire()
    try:
        commands = read(reader, *parts)
    except WireError:
        return  # it begins as TLS does
    assert read_late(wire(), *parts) == commands
    commands = [command for command in commands if command is not BLANK]
    for command in commands:
        check(command)
    assert [isinstance(command, Enter) for command in commands] == [at == 0 for at in range(len(commands))]
    assert sum(isinstance(command, TakeName) for command in commands) <= 1


@pytest.mark.parametrize(("wire", "_dialect", "_read_bytes"), WIRES)
@given(texts=st.lists(st.text(min_size=1, max_size=30), max_size=5), data=st.data())
def test_a_cut_inside_a_character_changes_nothing(
    wire: type[Wire], _dialect: Dialect, _read_bytes: int, texts: list[str], data: st.DataObject
) -> None:
    """Invariant: messages that arrive cut inside UTF-8 sequences give the commands that they give whole."""
    whole, cut = wire(), wire()
    for text in texts:
        message = text.encode()
        inside = [at for at in range(1, len(message)) if message[at] & 0xC0 == 0x80]
        cuts = sorted(data.draw(st.sets(st.sampled_from(inside)))) if inside else []
        parts = [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]
        assert read(cut, *parts) == read(whole, message)
