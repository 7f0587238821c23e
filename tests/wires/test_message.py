import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import WireError
from chat.wires.message import CLIENT_TAG_BYTES, Message, build, build_tags, client_tags, parse, parse_tags

# The points of https://github.com/ircdocs/parser-tests (public domain), in lines of our own.
LINES = [
    ("QUIT", Message("QUIT")),
    ("quit", Message("QUIT")),
    ("Jo\u0131n #a", Message("Jo\u0131n", ["#a"])),  # upper() makes an I of a dotless i
    ("NICK ana", Message("NICK", ["ana"])),
    ("USER ana 0 * realname", Message("USER", ["ana", "0", "*", "realname"])),
    # the last parameter
    ("PRIVMSG #lobby :hello there", Message("PRIVMSG", ["#lobby", "hello there"])),
    ("PRIVMSG #lobby :hello", Message("PRIVMSG", ["#lobby", "hello"])),
    ("PRIVMSG #lobby hello", Message("PRIVMSG", ["#lobby", "hello"])),
    ("PRIVMSG #lobby :", Message("PRIVMSG", ["#lobby", ""])),
    ("PRIVMSG #lobby ::)", Message("PRIVMSG", ["#lobby", ":)"])),
    ("PRIVMSG #lobby : :) :( ", Message("PRIVMSG", ["#lobby", " :) :( "])),
    ("PRIVMSG #lobby :   ", Message("PRIVMSG", ["#lobby", "   "])),
    ("TOPIC #a a:b :c :d", Message("TOPIC", ["#a", "a:b", "c :d"])),
    ("AWAY :", Message("AWAY", [""])),
    # runs of spaces, and spaces at the end
    ("MODE  #lobby   +o  ana", Message("MODE", ["#lobby", "+o", "ana"])),
    ("MODE #lobby +o ana  ", Message("MODE", ["#lobby", "+o", "ana"])),
    ("MODE #lobby  :+i", Message("MODE", ["#lobby", "+i"])),
    ("AWAY ", Message("AWAY")),
    ("  PING x", Message("PING", ["x"])),
    ("  XPING x", Message("XPING", ["x"])),
    ("@a  XPING x", Message("XPING", ["x"], tags="a")),
    # the source
    (":ana PART #lobby", Message("PART", ["#lobby"], source="ana")),
    (":irc.example.org  432  #bad :No: not that", Message("432", ["#bad", "No: not that"], source="irc.example.org")),
    (":ana!~a@n\x02et\x0305w\x0f JOIN #a", Message("JOIN", ["#a"], source="ana!~a@n\x02et\x0305w\x0f")),
    # only the space separates
    (":ana\tb PRIVMSG #a\tb c", Message("PRIVMSG", ["#a\tb", "c"], source="ana\tb")),
    ("PRIVMSG #a\u00a0b\u3000c", Message("PRIVMSG", ["#a\u00a0b\u3000c"])),
    (" \tPING x", Message("\tPING", ["x"])),
    ("@a \tPING x", Message("\tPING", ["x"], tags="a")),
    # tags
    ("@a=b;c JOIN #a", Message("JOIN", ["#a"], tags="a=b;c")),
    ("@a=b   :ana   JOIN   #a", Message("JOIN", ["#a"], source="ana", tags="a=b")),
    ("@ JOIN #a", Message("JOIN", ["#a"])),
    ("@time=2026-01-01T00:00:00.000Z PING :x y", Message("PING", ["x y"], tags="time=2026-01-01T00:00:00.000Z")),
]


@pytest.mark.parametrize(("line", "message"), LINES)
def test_a_line_is_read_as_the_message_it_holds(line: str, message: Message) -> None:
    assert parse(line) == message


@pytest.mark.parametrize("line", ["", " ", "   ", ":ana", ":ana ", ":ana   ", "@a=b", "@a=b ", "@a=b :ana", "@", ":"])
def test_a_line_without_a_command_is_the_peers_fault(line: str) -> None:
    with pytest.raises(WireError, match="no command"):
        parse(line)


TAGS = [
    ("", {}),
    (";;", {}),
    ("a", {"a": ""}),
    ("a=", {"a": ""}),
    ("a=b", {"a": "b"}),
    ("a=b=c", {"a": "b=c"}),
    ("=b", {}),
    ("a=1;b;vendor.org/a=2;+c=3", {"a": "1", "b": "", "vendor.org/a": "2", "+c": "3"}),
    ("a=1;b=2;a=3", {"a": "3", "b": "2"}),
    (r"a=\:\s\\\r\n", {"a": "; \\\r\n"}),
    (r"a=x\\ny", {"a": r"x\ny"}),  # an escaped backslash, then an n
    (r"a=x\1y", {"a": "x1y"}),
    ("a=x\\", {"a": "x"}),
    (r"a=\\\\\:\\s\s\r\n", {"a": "\\\\;\\s \r\n"}),
]


@pytest.mark.parametrize(("text", "tags"), TAGS)
def test_tags_are_split_and_unescaped(text: str, tags: dict[str, str]) -> None:
    assert parse_tags(text) == tags


def test_a_message_gives_one_tag_and_none_where_it_has_none() -> None:
    message = parse(r"@a=x\sy;b;a=z\sz PING x")
    assert message.tag("a") == "z z"
    assert message.tag("b") == ""
    assert message.tag("c") is None
    assert parse("PING x").tag("a") is None


@pytest.mark.parametrize(
    ("source", "nick"), [("ana!~ana@host", "ana"), ("ana", "ana"), ("irc.example.org", "irc.example.org"), ("", "")]
)
def test_the_nick_is_what_stands_before_the_exclamation_mark(source: str, nick: str) -> None:
    assert Message("PING", source=source).nick == nick


BUILT = [
    (Message("QUIT"), b"QUIT\r\n"),
    (Message("PRIVMSG", ["#lobby", "hello"]), b"PRIVMSG #lobby hello\r\n"),
    (Message("PRIVMSG", ["#lobby", "hello there"]), b"PRIVMSG #lobby :hello there\r\n"),
    (Message("PRIVMSG", ["#lobby", ""]), b"PRIVMSG #lobby :\r\n"),
    (Message("PRIVMSG", ["#lobby", ":)"]), b"PRIVMSG #lobby ::)\r\n"),
    (Message("PRIVMSG", ["#lobby", "a:b"]), b"PRIVMSG #lobby a:b\r\n"),
    (Message("PRIVMSG", ["#lobby", "  "]), b"PRIVMSG #lobby :  \r\n"),
    (Message("PRIVMSG", ["#a\tb", "c\td"]), b"PRIVMSG #a\tb c\td\r\n"),
    (Message("AWAY", [""], source="ana!~a@h"), b":ana!~a@h AWAY :\r\n"),
    (Message("JOIN", ["#a"], source="ana", tags="a=b;c"), b"@a=b;c :ana JOIN #a\r\n"),
    (Message("PRIVMSG", ["#a", "né ☕"]), "PRIVMSG #a :né ☕\r\n".encode()),
]


@pytest.mark.parametrize(("message", "data"), BUILT)
def test_a_message_is_built_as_one_line_that_reads_as_the_same_message(message: Message, data: bytes) -> None:
    assert build(message.verb, *message.params, source=message.source, tags=message.tags) == data
    assert f"{message.line}\r\n".encode() == data
    assert parse(data.decode().removesuffix("\r\n")) == message


def test_a_message_is_built_without_what_it_does_not_have() -> None:
    assert build("PING", "x") == b"PING x\r\n"


def test_tags_are_escaped_and_an_empty_value_has_no_equals_sign() -> None:
    assert build_tags([("a", "x; y\\\r\n"), ("b", "")]) == r"a=x\:\sy\\\r\n;b"
    assert build_tags([]) == ""


CLIENT_TAGS = [
    ("", ""),
    ("label=1;time=x;a/b=c", ""),
    ("+a", "+a"),
    ("+a=;+b=c", "+a=;+b=c"),
    ("label=1;+typing=active;time=x", "+typing=active"),
    ("+draft/reply=abc;+a.b-c.org/x-Y9=1", "+draft/reply=abc;+a.b-c.org/x-Y9=1"),
    (r"+a=x\sy\:\\", r"+a=x\sy\:\\"),
    (";;+a;", "+a"),
    # no valid key
    ("+;+=x;++a;+a_b;+a/;+/a;+a/b/c;+a b;+é;+a\u0301", ""),
    # of equal keys the last counts
    ("+a=1;+b=2;+a=3", "+a=3;+b=2"),
    ("+a=1;+a=x\x1b", "+a=1"),  # a tag that is dropped replaces none
    # no control characters
    ("+a=\x01;+b=\x1b;+c=\x7f;+d=\x9f;+e=\t", ""),
    ("+a=\u00a0é☕", "+a=\u00a0é☕"),
    # lengths: at the limit, one past it
    ("+a=" + "x" * 509, "+a=" + "x" * 509),
    ("+a=" + "x" * 510, ""),
    ("+a=" + "é" * 254, "+a=" + "é" * 254),
    ("+a=" + "é" * 255, ""),
    ("+a=1;+b=" + "x" * 504, "+a=1;+b=" + "x" * 504),
    ("+a=1;+b=" + "x" * 505, "+a=1"),
    ("+a=1;+b=" + "x" * 505 + ";+c=2", "+a=1"),
    ("+a=" + "x" * 509 + ";+c=2", "+a=" + "x" * 509),
    ("+a=1;+b=" + "x" * 600 + ";+c", "+a=1"),
]


@pytest.mark.parametrize(("raw", "kept"), CLIENT_TAGS)
def test_client_tags_with_a_valid_key_are_passed_on_as_they_came(raw: str, kept: str) -> None:
    assert client_tags(raw) == kept


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0 ")) | st.text(alphabet="+ab/.=;\\\x01é"))
def test_any_client_tags_are_bounded_and_clean(raw: str) -> None:
    """Invariant: what is passed on is at most 512 bytes, has valid and different keys, and passes again unchanged."""
    kept = client_tags(raw)
    assert len(kept.encode()) <= CLIENT_TAG_BYTES
    assert client_tags(kept) == kept
    tags = kept.split(";") if kept else []
    assert len(parse_tags(kept)) == len(tags)
    assert set(tags) <= set(raw.split(";"))


plain_text = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"))
words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0 "), min_size=1)
middles = words.filter(lambda word: word[0] != ":")
keys = st.from_regex(r"\+?([a-z0-9-]+(\.[a-z0-9-]+)*/)?[A-Za-z0-9-]+", fullmatch=True)


@given(st.dictionaries(keys, st.text(st.characters(codec="utf-8"))))
def test_tags_come_back_as_they_were(tags: dict[str, str]) -> None:
    """Invariant: building then parsing tags changes none, whatever stands in a value."""
    text = build_tags(tags.items())
    assert not set(text) & set(" \r\n")
    assert parse_tags(text) == tags


@given(
    verb=st.from_regex(r"[A-Z]+|[0-9]{3}", fullmatch=True),
    params=st.lists(middles, max_size=14),
    last=st.none() | plain_text,
    source=st.just("") | words,
    tags=st.dictionaries(keys, plain_text),
)
def test_any_message_is_read_back_as_it_was_built(
    verb: str, params: list[str], last: str | None, source: str, tags: dict[str, str]
) -> None:
    """Invariant: parse(build(message)) is that message, in one line, for all that IRC's grammar can carry."""
    if last is not None:
        params = [*params, last]
    data = build(verb, *params, source=source, tags=build_tags(tags.items()))
    assert data.endswith(b"\r\n")
    assert data.count(b"\n") == 1
    message = parse(data.decode().removesuffix("\r\n"))
    assert (message.verb, message.params, message.source) == (verb, params, source)
    assert parse_tags(message.tags) == tags


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")) | st.text(alphabet="@: ab=;\\\t"))
def test_any_line_either_parses_or_is_the_peers_fault(line: str) -> None:
    """Invariant: any line either gives a message with a verb and without spaces in its middles, or a WireError."""
    try:
        message = parse(line)
    except WireError:
        return
    assert message.verb
    assert not any(" " in word or not word for word in [message.verb, *message.params[:-1]])
    message.tag("a")
