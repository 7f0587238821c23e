"""What the protocol reads, asks and answers, line by line. No sockets."""

import pytest

from chat.client.irc.news import (
    Away,
    Invited,
    Kick,
    Kind,
    Leave,
    Member,
    Names,
    News,
    Person,
    Quit,
    Ranks,
    Rename,
    Say,
    Seen,
    Topic,
    TopicSetBy,
)
from chat.client.irc.protocol import Protocol
from chat.client.irc.server_news import (
    Acknowledged,
    Answered,
    HistoryRefused,
    Listed,
    ListEnd,
    NickFree,
    NickRefused,
    Online,
    OwnAway,
    Ponged,
    Refused,
    ServerSaid,
    Welcomed,
)

BEN = Person("ben", "b", "h")

READ = [
    (":ben!b@h PRIVMSG #lobby :hi there", Say(BEN, "#lobby", "hi there", 5.0)),
    ("@+typing=active;x=y :ben!b@h TAGMSG #lobby", Say(BEN, "#lobby", "", 5.0, Kind.TAGS, "+typing=active")),
    (":s NOTICE * :*** Looking up", Say(Person("s", "", ""), "*", "*** Looking up", 5.0, Kind.NOTICE)),
    (":ben!b@h PART #lobby", Leave(BEN, "#lobby", 5.0)),
    (":ben!b@h PART #lobby :bye", Leave(BEN, "#lobby", 5.0, "bye")),
    (":ben!b@h QUIT :Ping timeout", Quit(BEN, 5.0, "Ping timeout")),
    (":ben!b@h NICK zoe", Rename(BEN, "zoe", 5.0)),
    (":ben!b@h KICK #lobby ana :spam", Kick(BEN, "#lobby", Person("ana", "", ""), 5.0, "spam")),
    (":ben!b@h TOPIC #lobby :cats", Topic(BEN, "#lobby", "cats", 5.0)),
    (":s 332 ana #lobby :cats", Topic(Person("", "", ""), "#lobby", "cats", 5.0)),
    (":s 433 * ana :Nickname is already in use", NickRefused("ana", "Nickname is already in use", True, 5.0)),
    (":s 432 * 9 :Erroneous nickname", NickRefused("9", "Erroneous nickname", False, 5.0)),
    (":s 437 ana zoe :Nick is unavailable", NickRefused("zoe", "Nick is unavailable", True, 5.0)),
    (":s 437 ana #lobby :Channel is unavailable", Refused("#lobby", "Channel is unavailable", 5.0, "437")),
    (":s 471 ana #lobby :Cannot join channel (+l)", Refused("#lobby", "Cannot join channel (+l)", 5.0, "471")),
    (":s 417 ana :Input line was too long", Refused("", "Input line was too long", 5.0, "417")),
    (":ben!b@h AWAY :lunch", Away(BEN, "lunch", 5.0)),
    (":ben!b@h AWAY", Away(BEN, None, 5.0)),
    (":s 301 ana ben :lunch", Away(Person("ben", "", ""), "lunch", 5.0)),
    (":s 305 ana :You are back", OwnAway(False, "You are back", 5.0)),
    (":s 306 ana :You are away", OwnAway(True, "You are away", 5.0)),
    (":s 352 ana #lobby b h s ben G@ :0 Ben", Seen("ben", True)),
    (":s 352 ana #lobby b h s ben H :0 Ben", Seen("ben", False)),
    (":s 331 ana #lobby :No topic is set", Topic(Person("", "", ""), "#lobby", "", 5.0)),
    (":s 333 ana #lobby ben!b@h 1319042451", TopicSetBy("#lobby", "ben", 1319042451.0)),
    (":s 333 ana #lobby ben 99999999999", TopicSetBy("#lobby", "ben", 5.0)),
    (":ben!b@h INVITE ana #cats", Invited(BEN, "ana", "#cats", 5.0)),
    (":s 372 ana :- be kind", ServerSaid("be kind", 5.0)),
    (":s FAIL JOIN X #lobby :no", Refused("", "no", 5.0, "X")),
    (":s FAIL CHATHISTORY X LATEST ben :none", HistoryRefused("ben", "none", 5.0, "X")),
    (":s FAIL CHATHISTORY X LATEST :none", Refused("", "none", 5.0, "X")),
    (
        ":ben!b@h MODE #lobby +o-v ana zoe",
        Ranks(BEN, "#lobby", "+o-v ana zoe", (("ana", "@", True), ("zoe", "+", False)), 5.0),
    ),
    (":s PONG s :said-1", Ponged("said-1")),
    (
        "@msgid=x;label=l1 :ana!a@h PRIVMSG #lobby hi",
        Say(Person("ana", "a", "h"), "#lobby", "hi", 5.0, msgid="x", label="l1"),
    ),
    ("@label=l1 :s ACK", Acknowledged("l1")),
    ("@label=l1 :s 404 ana #lobby :no", Refused("#lobby", "no", 5.0, "404", "l1")),
    (":s 311 ana ben b h * :Ben B", Answered("311", "ben", "ben is b@h: Ben B", 5.0)),
    (":s 312 ana ben s.example :a server", Answered("312", "ben", "ben is on s.example (a server)", 5.0)),
    (":s 317 ana ben 7300 :seconds idle", Answered("317", "ben", "ben has said nothing for 2 hours", 5.0)),
    (":s 319 ana ben :@#a #b ", Answered("319", "ben", "ben is in @#a #b", 5.0)),
    (":s 330 ana ben benny :is logged in as", Answered("330", "ben", "ben is logged in as benny", 5.0)),
    (":s 671 ana ben :is using a secure connection", ServerSaid("ben is using a secure connection", 5.0)),
    (":s 378 ana ben :is connecting from *@h", Answered("378", "ben", "ben is connecting from *@h", 5.0)),
    (":s 367 ana #lobby spam!*@*", Answered("367", "#lobby", "Banned from #lobby: spam!*@*", 5.0)),
    (":s 324 ana #lobby +nt", Answered("324", "#lobby", "#lobby has the modes +nt", 5.0)),
    (":s 324 ana #lobby +", Answered("324", "#lobby", "#lobby has no modes", 5.0)),
    (":s 341 ana ben #lobby", Answered("341", "#lobby", "You asked ben into #lobby", 5.0)),
    (":s 322 ana #cats 12 :miaow", Listed("#cats", 12, "miaow")),
    (":s 323 ana :End", ListEnd()),
    (":s 303 ana :ben zoe ", Online(("ben", "zoe"))),
    (":s 731 ana :zoe,ben", NickFree("zoe")),
    (":s 251 ana :There are 3 users", ServerSaid("There are 3 users", 5.0)),
    (":s 351 ana fanfare-1 s :hello", ServerSaid("fanfare-1 s hello", 5.0)),
    ("@time=not-a-time :ben!b@h QUIT", Quit(BEN, 5.0)),
    ("@time=0001-01-01T00:00:00.000Z :ben!b@h QUIT", Quit(BEN, 5.0)),
]


@pytest.mark.parametrize(("line", "news"), READ)
def test_a_line_becomes_news_whole_and_byte_by_byte(line: str, news: News) -> None:
    data = f"{line}\r\n".encode()
    assert Protocol("ana", ["#lobby"], lambda: 5.0).feed(data) == [news]
    protocol = Protocol("ana", ["#lobby"], lambda: 5.0)
    assert [found for byte in data for found in protocol.feed(bytes([byte]))] == [news]


@pytest.mark.parametrize(
    "line",
    [
        "",
        ":only-a-source",
        "PRIVMSG",
        "PRIVMSG #lobby",
        ":s 001",
        "MODE #lobby",
        ":s MODE ana +i",
        ":s 352 ana #lobby",
        "KICK #lobby",
        ":s 353 ana",
        "CAP",
        "WHAT x",
    ],
)
def test_a_line_that_says_nothing_is_skipped(line: str) -> None:
    assert Protocol("ana", ["#lobby"]).feed(f"{line}\r\n".encode()) == []


def test_a_server_without_capabilities_is_no_trouble() -> None:
    protocol = Protocol("ana", ["#lobby"], lambda: 5.0)
    assert protocol.feed(b":s 421 * CAP :Unknown command\r\n") == []
    assert protocol.feed(b":s 001 ana :Welcome\r\n") == [Welcomed("ana", frozenset(), 5.0)]


def test_ranks_are_what_the_server_says_they_are() -> None:
    protocol = Protocol("ana", ["#lobby"], lambda: 5.0)
    assert protocol.feed(b":s 005 ana PREFIX=(Yov)!@+ CHANMODES=b,k,l,imnt :are supported\r\n") == []
    assert protocol.feed(b":s 353 ana = #lobby :!@zoe ben\r\n") == [
        Names("#lobby", (Member("zoe", "!@"), Member("ben")))
    ]
    (news,) = protocol.feed(b":s MODE #lobby +nklbYo-l key 9 *!*@* zoe ben\r\n")
    assert isinstance(news, Ranks)
    assert news.given == (("zoe", "!", True), ("ben", "@", True))


def test_who_is_away_is_asked_in_a_room_that_we_come_into_if_it_is_not_too_large() -> None:
    protocol = Protocol("ana", ["#lobby"])
    protocol.feed(b":s CAP * LS :away-notify\r\n:s CAP * ACK :away-notify\r\n:s 001 ana :Hi\r\n:ana!a@h NICK zoe\r\n")
    protocol.take_output()
    for room, members, asked in (
        ("#lobby", 499, b"WHO #lobby\r\n"),
        ("#cats", 500, b""),
        ("#lobby", 1, b"WHO #lobby\r\n"),
    ):
        names = " ".join(f"user{number}" for number in range(members))
        protocol.feed(f":ben!b@h JOIN {room}\r\n:s 366 zoe {room} :End\r\n".encode())
        protocol.feed(f":ZOE!a@h JOIN {room}\r\n:s 353 zoe = {room} :{names}\r\n:s 366 zoe {room} :End\r\n".encode())
        assert protocol.take_output() == asked
        protocol.feed(f":s 366 zoe {room} :End\r\n".encode())
        assert protocol.take_output() == b""


def test_refused_capabilities_are_not_counted_on() -> None:
    protocol = Protocol("ana", ["#lobby"], lambda: 5.0)
    protocol.feed(b":s CAP * LS :server-time\r\n:s CAP * NAK :server-time\r\n")
    assert protocol.take_output().endswith(b"CAP REQ server-time\r\nCAP END\r\n")
    assert protocol.feed(b":s 001 ana :Welcome\r\n") == [Welcomed("ana", frozenset(), 5.0)]


@pytest.mark.parametrize(("size", "said"), [(8191 + 512 - 2, False), (8191 + 512 - 1, True)])
def test_a_line_over_the_limit_is_left_out_with_a_word(size: int, said: bool) -> None:
    start = b":ben!b@h PRIVMSG #lobby :"
    (news,) = Protocol("ana", ["#lobby"]).feed(start + b"x" * (size - len(start)) + b"\r\n")
    assert isinstance(news, ServerSaid if said else Say)


@pytest.mark.parametrize(("data", "text"), [(b"caf\xe9 \x80", "café €"), (b"caf\x81", "caf\ufffd")])
def test_bytes_that_are_not_utf_8_are_read_as_cp1252(data: bytes, text: str) -> None:
    (news,) = Protocol("ana", ["#lobby"], lambda: 5.0).feed(b":ben!b@h PRIVMSG #lobby :" + data + b"\r\n")
    assert news == Say(BEN, "#lobby", text, 5.0)
