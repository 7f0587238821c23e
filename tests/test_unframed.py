from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Away, Event, Join, Kick, Kind, Leave, Mode, NewRealname, Person, Quit, Rename, Say, Topic
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
    speak,
    split,
    without_own_name,
)
from chat.wires.wire import Command, Dialect, Enter, Speak, TakeName, Wire

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
    Mode(ANA, "#lobby", "+o bob", 0.0),
    Away(ANA, "lunch", 0.0),
    Away(ANA, None, 0.0),
    NewRealname(ANA, "Ana", 0.0),
    Say(ANA, "#lobby", "", 0.0, Kind.TAGS, "+typing=active"),
    Say(ANA, "#lobby", "\x01VERSION\x01", 0.0),
    Say(ANA, "#lobby", "\x01PING 1 2\x01", 0.0, Kind.NOTICE),
    Say(ANA, "#lobby", "\x02\x0304\x0f  ", 0.0),
]


# --- what arrives ---

LINES = [
    (b"hi", ["hi"]),
    (b" \thi", ["hi"]),
    (b"hi \r\n", ["hi "]),
    (b"", []),
    (b" \r\n\t \n\0", []),
    (b"a\nb\r\n\n c", ["a", "b", "c"]),
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
    assert TextReader().feed(data) == lines


@pytest.mark.parametrize("text", ["né", "☕ tea", "a 🎉", FAMILY, "日本語"])
def test_a_message_cut_inside_a_character_is_still_one_message(text: str) -> None:
    data = text.encode()
    for cut in range(1, len(data)):
        if data[cut] & 0xC0 == 0x80:
            reader = TextReader()
            assert reader.feed(data[:cut]) == []
            assert reader.feed(data[cut:]) == [text]


def test_a_character_may_arrive_byte_by_byte() -> None:
    reader = TextReader()
    assert [reader.feed(bytes([byte])) for byte in "🎉".encode()] == [[], [], [], ["🎉"]]
    assert reader.feed(b"next") == ["next"]


def test_a_character_that_does_not_go_on_becomes_fffd_and_the_next_message_is_its_own() -> None:
    reader = TextReader()
    assert reader.feed("café".encode("latin-1")) == []
    assert reader.feed(b"next") == ["caf\ufffd", "next"]
    assert reader.feed(b"\xe2\x98") == []
    assert reader.feed("☕".encode()) == ["\ufffd", "☕"]


def test_a_message_of_at_most_held_bytes_waits_for_its_last_character() -> None:
    reader = TextReader()
    start = b"x" * (HELD_BYTES - 1)
    assert reader.feed(start + b"\xc3") == []
    assert reader.feed(b"\xa9") == [start.decode() + "é"]


def test_of_a_message_one_past_held_bytes_only_the_last_character_waits() -> None:
    reader = TextReader()
    start = b"x" * HELD_BYTES
    assert reader.feed(start + b"\xc3") == [start.decode()]
    assert reader.feed(b"\xa9!") == ["é!"]


def test_a_message_that_never_ends_its_character_is_not_kept_for_ever() -> None:
    reader = TextReader()
    reader.feed(b"\xc3")
    lines = [line for _ in range(100) for line in reader.feed(b"\xa9" + b"x" * 1_000 + b"\xc3")]
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


# --- cutting text ---

PIECES = [
    ("", 10, []),
    ("0123456789", 10, ["0123456789"]),
    ("0123456789a", 10, ["0123456789", "a"]),
    ("01234 6789 b", 10, ["01234 6789", "b"]),  # the space right behind the limit
    ("012345 789ab", 10, ["012345", "789ab"]),
    ("01234 6789ab", 10, ["01234", "6789ab"]),  # leaves half a piece
    ("0123 56789ab", 10, ["0123 56789", "ab"]),  # would leave less
    ("01234     67", 8, ["01234", "67"]),
    ("éééé", 4, ["éé", "éé"]),
    ("éééé", 5, ["éé", "éé"]),
    ("☕☕", 4, ["☕", "☕"]),
    ("🎉🎉", 4, ["🎉", "🎉"]),
    ("🎉🎉", 7, ["🎉", "🎉"]),
    ("aaaae\u0301b", 6, ["aaaa", "e\u0301b"]),  # the accent stays with its letter
    ("abcdef" + FAMILY, 18, ["abcdef", FAMILY]),
    ("aaaa\U0001f44d\U0001f3fd", 8, ["aaaa", "\U0001f44d\U0001f3fd"]),
    ("e" + "\u0301" * 6, 5, ["e\u0301\u0301", "\u0301\u0301", "\u0301\u0301"]),  # unless there is no end to them
]


@pytest.mark.parametrize(("text", "limit", "pieces"), PIECES)
def test_text_is_cut_at_spaces_else_between_characters(text: str, limit: int, pieces: list[str]) -> None:
    assert list(split(text, limit)) == pieces


@given(st.text(), st.integers(4, 40))
def test_pieces_fit_and_lose_nothing_but_white_space(text: str, limit: int) -> None:
    """Invariant: each piece has 1 to `limit` bytes, and together they are the text without its white space."""
    pieces = list(split(text.strip(), limit))
    assert all(1 <= len(piece.encode()) <= limit for piece in pieces)
    assert all(piece == piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_text_at_the_limit_is_one_speak_and_one_past_it_two() -> None:
    assert list(speak("x" * SPEAK_BYTES)) == [Speak("x" * SPEAK_BYTES)]
    assert list(speak("x" * (SPEAK_BYTES + 1))) == [Speak("x" * SPEAK_BYTES), Speak("x")]
    assert list(speak("é" * (SPEAK_BYTES // 2 + 1))) == [Speak("é" * (SPEAK_BYTES // 2)), Speak("é")]
    assert list(speak(" hi ")) == [Speak("hi")]
    assert list(speak("  ")) == []


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
    for data in (*dialect.encode(event), *dialect.farewell(reason), *dialect.welcome("ana")):
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
    commands = [*reader.opening, *(command for part in parts for command in reader.feed(part))]
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
        assert [command for part in parts for command in cut.feed(part)] == whole.feed(message)
