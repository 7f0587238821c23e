"""A command may wait: a log that answers late, and what everybody is told meanwhile and afterwards."""

import base64
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.server.accounts import verifier
from chat.server.core.apply import in_version
from chat.server.log.entry import Entry
from chat.server.net.connection import Phase
from chat.server.net.loop import LINES_A_TURN, WORDS_AHEAD
from chat.settings import Settings
from chat.wires.irc import IrcWire
from chat.wires.message import Message, parse
from chat.wires.relay import RelayWire
from tests.asking import user_of
from tests.attacks.late_log import LateLog

FAR = "zoe!~zoe@elsewhere"
PLAIN = base64.b64encode(b"\0ana\0sesame-opens").decode()  # of SASL


class LateServer(StillServer):
    """`deliver` has the next entries come, `deliver_all` all that follows from them too."""

    def __init__(self, **settings: object) -> None:
        super().__init__(Settings(helpers=0, rate_limit=0.0, **settings), self._make_log)  # type: ignore[arg-type]

    def _make_log(self, node: str, kept: int, clock: Callable[[], float]) -> LateLog:
        self.log = LateLog(node, kept, clock)
        return self.log

    def deliver(self, most: int = 1) -> None:
        self.log.release(most)
        self.settle(at_least=1)

    def deliver_all(self, batch: int = 1) -> None:
        self.settle()
        while self.log.waiting:
            self.deliver(batch)

    def deliver_foreign(self, *requests: Message) -> None:
        """Entries of another node, ahead of those that are on their way."""
        for request in requests:
            number, at = self.log._stamps.next()
            entry = Entry(number, at, "elsewhere", user_of(self.node.state, request), request)
            self.log.waiting.appendleft(entry)
            self.deliver()

    def connect(self, nick: str, *rooms: str, host: str = "127.0.0.1") -> StillSocket:
        sock = super().connect(nick, *rooms, host=host)
        self.deliver_all()
        sock.heard.clear()
        return sock


@pytest.fixture
def late() -> Iterator[LateServer]:
    with closing(LateServer()) as server:
        yield server
        assert server.failures == []


def verbs(sock: StillSocket) -> list[str]:
    """What the client was sent, by the verb or the numeric."""
    return [parse(line).verb for line in sock.lines()]


def test_a_join_and_the_question_behind_it_answer_in_order(late: LateServer) -> None:
    ana = late.connect("ana")
    late.say(ana, "JOIN #a", "NAMES #a", "PING x")
    assert ana.heard == []
    assert late.connection(ana).phase is Phase.PAUSED
    late.deliver()
    assert verbs(ana) == ["JOIN", "353", "366", "353", "366", "PONG"]
    assert late.connection(ana).phase is Phase.OPEN


def test_words_to_rooms_go_on_their_way_together_and_what_is_behind_them_waits(late: LateServer) -> None:
    ana, bob = late.connect("ana", "#a", "#b"), late.connect("bob", "#a", "#b")
    ana.heard.clear()
    late.say(ana, "PRIVMSG #a :1", "NOTICE #b :2", "PRIVMSG #a :3", "PART #a", "PRIVMSG #a :4", "PING x")
    assert [entry.request.params[-1] for entry in late.log.waiting] == ["1", "2", "3"]
    assert late.connection(ana).phase is Phase.PAUSED
    late.deliver(2)
    assert len(late.log.waiting) == 1
    late.deliver()
    assert [entry.request.verb for entry in late.log.waiting] == ["PART"]
    late.deliver_all()
    assert [line.rpartition(":")[2] for line in bob.lines()][:3] == ["1", "2", "3"]
    assert verbs(ana) == ["PART", "404", "PONG"]
    assert late.connection(ana).phase is Phase.OPEN


@pytest.mark.parametrize(
    "line", ["PRIVMSG bob :x", "PRIVMSG #a,#b :x", "PRIVMSG #a", "PRIVMSG #a :", "@label=1 PRIVMSG #a :x", "TAGMSG #a"]
)
def test_what_may_be_answered_out_of_turn_waits_for_the_words_before_it(late: LateServer, line: str) -> None:
    ana = late.connect("ana", "#a", "#b")
    late.say(ana, "CAP REQ :labeled-response batch message-tags")
    ana.heard.clear()
    late.say(ana, "PRIVMSG #a :first", line, "PING x")
    assert [entry.request.params[-1] for entry in late.log.waiting] == ["first"]
    assert ana.heard == []
    late.deliver_all()
    assert verbs(ana)[-1] == "PONG"


@pytest.mark.parametrize(("words", "ahead"), [(15, 15), (16, 16), (17, 16), (40, 16)])
def test_a_bounded_number_of_words_of_one_connection_is_on_its_way(late: LateServer, words: int, ahead: int) -> None:
    ana, bob = late.connect("ana", "#a"), late.connect("bob", "#a")
    late.say(ana, *(f"PRIVMSG #a :{number}" for number in range(words)))
    assert len(late.log.waiting) == ahead
    assert late.connection(ana).phase is (Phase.PAUSED if words >= WORDS_AHEAD else Phase.OPEN)
    late.deliver_all()
    assert [line.rpartition(":")[2] for line in bob.lines()] == [str(number) for number in range(words)]
    assert late.connection(ana).phase is Phase.OPEN


def test_refusals_of_words_on_their_way_are_answered_in_order(late: LateServer) -> None:
    ana = late.connect("ana", "#a")
    late.say(ana, "PRIVMSG #a :1", "PRIVMSG #none :2", "PRIVMSG #a :3", "PRIVMSG #nowhere :4", "PING x")
    late.deliver_all()
    assert [(message.verb, message.params[1:2]) for message in map(parse, ana.lines())] == [
        ("401", ["#none"]),
        ("401", ["#nowhere"]),
        ("PONG", ["x"]),
    ]


def test_a_connection_that_waits_is_not_read_and_the_others_go_on(late: LateServer) -> None:
    ana, bob, eve = late.connect("ana", "#a"), late.connect("bob", "#a"), late.connect("eve", "#a")
    late.deliver_all()
    for sock in (ana, bob, eve):
        sock.heard.clear()
    late.say(ana, "TOPIC #a :first")
    ana.said += b"PING late\r\n"
    late.say(bob, "PING x", "NAMES #a")
    assert verbs(bob) == ["PONG", "353", "366"]
    late.say(eve, "PRIVMSG #a :second")
    assert ana.said == b"PING late\r\n"
    late.deliver_all()
    assert [line.rpartition(":")[2] for line in bob.lines()] == ["first", "second"]
    assert verbs(ana) == ["TOPIC", "PONG", "PRIVMSG"]


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_what_several_ask_for_is_applied_in_the_logs_order_whatever_the_batches(late: LateServer, batch: int) -> None:
    ana, bob = late.connect("ana", "#a"), late.connect("bob", "#a")
    watcher = late.connect("watcher", "#a")
    late.deliver_all()
    watcher.heard.clear()
    for number in range(4):
        for sock in (ana, bob):
            sock.said += f"PRIVMSG #a :{number}\r\n".encode()
    late.deliver_all(batch)
    heard = [(line[1:4], line[-1]) for line in watcher.lines()]
    assert sorted(heard) == [(nick, str(number)) for nick in ("ana", "bob") for number in range(4)]
    for nick in ("ana", "bob"):
        assert [text for who, text in heard if who == nick] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_one_command_of_many_requests_ends_when_all_have_come_back(late: LateServer, batch: int) -> None:
    ana = late.connect("ana")
    late.say(ana, "JOIN #a,bad,#b", "PING x")
    assert len(late.log.waiting) == 3
    late.deliver_all(batch)
    assert verbs(ana) == ["JOIN", "353", "366", "476", "JOIN", "353", "366", "PONG"]


def test_what_must_not_be_answered_is_not_answered_late_either(late: LateServer) -> None:
    ana = late.connect("ana")
    late.say(ana, "NOTICE nobody :x", "PRIVMSG nobody :x")
    late.deliver_all()
    assert verbs(ana) == ["401"]


# Labels


def test_a_label_goes_on_the_one_answer_that_comes_late(late: LateServer) -> None:
    ana = late.connect("ana")
    late.say(ana, "CAP REQ :labeled-response batch")
    ana.heard.clear()
    late.say(ana, "@label=1 NICK anna", "@label=2 PING x")
    assert ana.heard == []
    late.deliver_all()
    assert ana.lines() == ["@label=1 :ana!~ana@127.0.0.1 NICK anna", "@label=2 :fanfare.local PONG fanfare.local x"]


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_answers_that_come_in_several_passes_are_one_batch_and_nothing_of_others_is_in_it(
    late: LateServer, batch: int
) -> None:
    ana, bob = late.connect("ana", "#x"), late.connect("bob", "#x")
    late.say(ana, "CAP REQ :labeled-response batch")
    late.deliver_all()
    ana.heard.clear()
    ana.said = b"@label=1 JOIN #a,#b\r\nPING x\r\n"
    late.settle()
    late.say(bob, "PRIVMSG #x :meanwhile")
    late.deliver_all(batch)
    lines = ana.lines()
    name = lines[0].split(" ")[3].removeprefix("+")
    assert lines[0] == f"@label=1 :fanfare.local BATCH +{name} labeled-response"
    inside = [line for line in lines if line.startswith(f"@batch={name} ")]
    assert [line.split(" ")[2] for line in inside] == ["JOIN", "353", "366"] * 2
    end = lines.index(f":fanfare.local BATCH -{name}")
    assert end > lines.index(inside[-1])
    assert lines[-1].endswith("PONG fanfare.local x") or "PONG" in lines[end + 1]
    assert sum("meanwhile" in line for line in lines) == 1
    assert not any("meanwhile" in line for line in inside)


def test_a_labelled_command_that_nothing_answers_is_acknowledged_once_it_has_come_back(late: LateServer) -> None:
    ana = late.connect("ana", "#a")
    late.say(ana, "CAP REQ :labeled-response batch")
    late.deliver_all()
    ana.heard.clear()
    late.say(ana, "@label=1 PRIVMSG #a :x")
    assert ana.heard == []
    late.deliver_all()
    assert ana.lines() == ["@label=1 :fanfare.local ACK"]


# Other nodes


def test_what_another_node_did_first_counts_first(late: LateServer) -> None:
    ana = late.connect("ana")
    late.say(ana, "NICK zoe", "JOIN #a")
    late.deliver_foreign(
        Message("USER", ["~zoe", "0", "*", "Zoe"], FAR),
        Message("JOIN", ["#a"], FAR),
    )
    late.deliver_all()
    assert verbs(ana) == ["433", "JOIN", "353", "366"]
    room = late.node.state.get_room("#a")
    assert [(member.nick, rank) for member, rank in room.members.items()] == [("zoe", "o"), ("ana", "")]


def test_what_another_node_does_is_heard_here_and_answers_nobody(late: LateServer) -> None:
    ana = late.connect("ana", "#a")
    late.deliver_all()
    ana.heard.clear()
    late.deliver_foreign(
        Message("USER", ["~zoe", "0", "*", "Zoe"], FAR),
        Message("JOIN", ["#a"], FAR),
        Message("PRIVMSG", ["#a", "hello"], FAR),
        Message("PRIVMSG", ["ana", "psst"], FAR),
        Message("KICK", ["#a", "ana", "no"], FAR),
        Message("NICK", ["zoey"], FAR),
        Message("QUIT", ["bye"], FAR.replace("zoe!", "zoey!")),
    )
    assert [line.partition(" ")[2] for line in ana.lines()] == [
        "JOIN #a",
        "PRIVMSG #a :hello",
        "PRIVMSG ana :psst",
        "NICK zoey",
        "QUIT :bye",
    ]
    assert late.node.state.find_user("zoe") is None


def test_an_operator_of_another_node_may_throw_out_a_guest_of_this_one(late: LateServer) -> None:
    late.deliver_foreign(Message("USER", ["~zoe", "0", "*", "Zoe"], FAR), Message("JOIN", ["#lobby"], FAR))
    guest = late.adopt(RelayWire())
    guest.said = b"bea: hello"
    late.deliver_all()
    late.deliver_foreign(Message("KICK", ["#lobby", "bea", "out"], FAR))
    late.deliver_all()
    late.advance(1.0)
    assert b"".join(guest.heard).endswith(b"* kicked by zoe: out")
    assert late.node.state.find_user("bea") is None


# Ends


@pytest.mark.parametrize("end", ["closed", "reset"])
@pytest.mark.parametrize("wire", [IrcWire, RelayWire])
def test_a_registration_that_comes_back_for_a_closed_connection_leaves_no_ghost(
    late: LateServer, end: str, wire: type[IrcWire] | type[RelayWire]
) -> None:
    watcher = late.connect("watcher", "#lobby")
    late.deliver_all()
    sock = late.adopt(wire())
    sock.said = b"NICK ana\r\nUSER a 0 * :A\r\nJOIN #lobby\r\n" if wire is IrcWire else b"ana: hello"
    late.settle()
    if end == "closed":
        sock.ended = True
    else:
        sock.error = ConnectionResetError(104, "Connection reset by peer")
    late.settle()
    assert not sock.closed  # what it said before comes first
    late.deliver_all()
    assert sock.closed
    assert list(late.node.state.users) == ["watcher"]
    assert len(late.loop.connections) == 1
    assert late.node.fan_out.size("#lobby") == 1
    watcher.heard.clear()
    late.say(late.connect("bob", "#lobby"), "PRIVMSG #lobby :hello")
    late.deliver_all()
    assert verbs(watcher) == ["JOIN", "PRIVMSG"]


@pytest.mark.parametrize(
    "command", ["JOIN #b", "NICK anna", "PART #a", "PRIVMSG #a :x", "QUIT", "AWAY :x", "KICK #a ana"]
)
def test_a_user_whose_commandis_on_its_way_when_the_connection_closes_is_gone_in_the_end(
    late: LateServer, command: str
) -> None:
    ana, watcher = late.connect("ana", "#a"), late.connect("watcher", "#a")
    late.deliver_all()
    watcher.heard.clear()
    late.say(ana, command)
    ana.ended = True
    late.settle()
    late.deliver_all()
    late.advance(10.0)
    assert ana.closed
    assert list(late.node.state.users) == ["watcher"]
    assert list(late.node.state.rooms) == ["#a"]
    assert [room.key for room in late.node.state.users["watcher"].rooms] == ["#a"]
    ends = [parse(line) for line in watcher.lines()]
    (end,) = (message for message in ends if message.verb in ("QUIT", "PART", "KICK"))
    if end.verb == "QUIT":
        assert end.params == ["Quit: " if command == "QUIT" else "Remote host closed the connection"]


def test_the_second_of_two_who_want_a_nickname_is_asked_for_another(late: LateServer) -> None:
    first, second = late.adopt(IrcWire()), late.adopt(IrcWire())
    for sock in (first, second):
        late.say(sock, "NICK ana", "USER a 0 * :A")
    assert len(late.log.waiting) == 2
    late.deliver_all()
    assert verbs(first)[0] == "001"
    assert verbs(second) == ["433"]
    late.say(second, "NICK anna")
    late.deliver_all()
    assert verbs(second)[0] == "001"


def test_a_stop_tells_everybody_though_requests_are_on_their_way(late: LateServer) -> None:
    ana, bob = late.connect("ana", "#a"), late.connect("bob", "#a")
    late.deliver_all()
    ana.heard.clear()
    bob.heard.clear()
    late.say(ana, "PRIVMSG #a :x")
    late.loop.stop("Server is shutting down", 0.0, 5.0)
    late.deliver_all()
    assert ana.lines()[-1] == bob.lines()[-1] == "ERROR :Closing link: Server is shutting down"


def test_words_on_their_way_when_the_server_begins_to_drain_are_heard_by_who_is_there(
    late: LateServer,
) -> None:
    socks = [late.connect(nick, "#a") for nick in ("ana", "bob", "eve")]
    late.deliver_all()
    for sock in socks:
        late.say(sock, "PRIVMSG #a :x", "PRIVMSG #a :y", "PING x")
        sock.heard.clear()
    late.loop.stop("Server is shutting down", 30.0, 5.0)
    late.settle()
    late.advance(1.0)  # one of them leaves
    late.deliver_all()
    staying = [sock for sock in socks if not any(b"ERROR" in data for data in sock.heard)]
    assert len(staying) == 2
    for sock in staying:
        heard = verbs(sock)
        assert (heard.count("PRIVMSG"), heard.count("QUIT")) == (4, 1)
        assert heard[-1] in ("QUIT", "PONG")


def test_a_client_that_waits_is_not_timed_out_for_it() -> None:
    with closing(LateServer(ping_interval=10.0, ping_timeout=5.0)) as late:
        ana = late.connect("ana")
        late.say(ana, "JOIN #a")
        late.advance(60.0)
        assert not ana.closed
        assert not any(data.startswith(b"PING") for data in ana.heard)
        late.deliver_all()
        assert [verb for verb in verbs(ana) if verb != "PING"] == ["JOIN", "353", "366"]
        late.advance(4.0)
        assert not ana.closed
        late.say(ana, "PONG x")
        late.advance(9.0)
        assert not ana.closed
        late.advance(2.0)
        assert verbs(ana) == ["PING"]


# The last words of who ends


LAST_WORDS = {
    "words": [f"PRIVMSG #a :{number}" for number in range(3 * WORDS_AHEAD)],
    "more than a turn": [f"PRIVMSG #a :{number}" for number in range(2 * LINES_A_TURN)],
    "words behind a join": ["JOIN #b", "PRIVMSG #a :x", "PART #b :y", "PRIVMSG #a :z"],
    "a rename": ["PRIVMSG #a :x", "NICK anna", "PRIVMSG #a :y"],
    "a quit": ["PRIVMSG #a :x", "PRIVMSG #a :y", "QUIT :bye", "PRIVMSG #a :z"],
    "an answer between": ["PRIVMSG #a :x", "NAMES #a", "PRIVMSG #a :y"],
}


def end(sock: StillSocket, how: str) -> None:
    if how == "closed":
        sock.ended = True
    else:
        sock.error = ConnectionResetError(104, "Connection reset by peer")


def ended_with(server: StillServer, lines: list[str], how: str, when: str) -> list[str]:
    """What the others in the room are shown, whenever the end comes: with the last words, or while they wait."""
    settle = server.deliver_all if isinstance(server, LateServer) else server.settle
    ana, watcher = server.connect("ana", "#a"), server.connect("watcher", "#a")
    settle()
    watcher.heard.clear()
    ana.said = b"".join(f"{line}\r\n".encode() for line in lines)
    if when == "afterwards":
        server.step()
    elif when == "amid":
        server.settle()
    end(ana, how)
    settle()
    assert ana.closed
    assert list(server.node.state.users) == ["watcher"]
    return watcher.lines()


@pytest.mark.parametrize("when", ["at once", "afterwards", "amid"])
@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("lines", LAST_WORDS.values(), ids=LAST_WORDS)
def test_all_that_came_before_the_end_is_done_in_order_as_with_a_log_that_answers_at_once(
    late: LateServer, lines: list[str], how: str, when: str
) -> None:
    shown = ended_with(late, lines, how, when)
    with still_server() as server:
        at_once = ended_with(server, lines, how, "at once")
    assert shown == at_once
    assert sum("PRIVMSG" in line for line in shown) == sum("PRIVMSG" in line for line in lines) - ("QUIT :bye" in lines)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_who_registers_joins_speaks_and_ends_in_one_go_is_heard_and_gone(late: LateServer, batch: int) -> None:
    watcher = late.connect("watcher", "#a")
    watcher.heard.clear()
    sock = late.visit()
    sock.said = b"NICK ana\r\nUSER a 0 * :A\r\nJOIN #a\r\nPRIVMSG #a :hello\r\nPING x\r\n"
    sock.ended = True
    late.deliver_all(batch)
    assert verbs(watcher) == ["JOIN", "PRIVMSG", "QUIT"]
    heard = verbs(sock)
    assert (heard[0], heard[-4:]) == ("001", ["JOIN", "353", "366", "PONG"])
    assert sock.closed


def test_a_guest_whose_text_comes_with_the_end_is_heard(late: LateServer) -> None:
    watcher = late.connect("watcher", "#lobby")
    watcher.heard.clear()
    guest = late.socket()
    late.loop.adopt(guest, "127.0.0.1", RelayWire())
    guest.said, guest.ended = b"ana: hello", True
    late.deliver_all()
    assert verbs(watcher) == ["JOIN", "PRIVMSG", "QUIT"]
    assert guest.closed


@pytest.mark.parametrize("lines", [["PRIVMSG #a :x"], ["PRIVMSG #a :x", "PING 1", "PRIVMSG #a :y"]])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_half_closed_client_gets_the_echo_of_its_last_words(
    late: LateServer, at_once: bool, lines: list[str]
) -> None:
    with still_server() as memory:
        server = memory if at_once else late
        ana = server.connect("ana", "#a")
        server.say(ana, "CAP REQ :echo-message")
        ana.heard.clear()
        ana.said, ana.ended = b"".join(f"{line}\r\n".encode() for line in lines), True
        server.settle()
        late.deliver_all()
        assert verbs(ana) == ["PRIVMSG", "PONG", "PRIVMSG"][: len(lines)]
        assert ana.closed


def test_a_half_closed_client_gets_a_long_answer_and_the_end_of_its_batch(late: LateServer) -> None:
    for number in range(100):
        late.connect(f"user{number}", f"#room{number}")
    ana = late.connect("ana")
    late.say(ana, "CAP REQ :labeled-response batch")
    ana.heard.clear()
    ana.said, ana.ended = b"@label=1 LIST\r\nAWAY :x\r\nPING x\r\n", True
    late.deliver_all()
    heard = verbs(ana)
    assert heard.count("322") == 100
    assert [verb for verb in heard if verb not in ("322", "321", "323")] == ["BATCH", "BATCH", "306", "PONG"]
    assert ana.closed


def test_a_peer_that_has_ended_costs_no_pass_while_its_words_are_on_their_way(late: LateServer) -> None:
    ana = late.connect("ana", "#a")
    ana.said, ana.ended = b"PRIVMSG #a :x\r\nPART #a\r\n", True
    late.settle()  # comes to rest
    assert late.loop.idle
    passes = late.counts["polls"]
    late.advance(3600.0)
    assert late.counts["polls"] <= passes + 2
    assert not ana.closed
    late.deliver_all()
    assert ana.closed


def test_who_is_thrown_out_with_words_on_their_way_quits_behind_them(late: LateServer) -> None:
    ana, watcher = late.connect("ana", "#a"), late.connect("watcher", "#a")
    late.deliver_all()
    watcher.heard.clear()
    late.say(ana, "PRIVMSG #a :x", "PRIVMSG #a :y", "PART #a", "PRIVMSG #a :z")
    late.loop.connections.drop(late.connection(ana), "Ping timeout: 1 second")
    late.deliver_all()
    assert [line.rpartition(":")[2] for line in watcher.lines()] == ["x", "y", " 1 second"]


def test_a_dead_connection_is_not_read_while_the_node_is_gone(late: LateServer) -> None:
    ana, watcher = late.connect("ana", "#a"), late.connect("watcher", "#a")
    late.deliver_all()
    watcher.heard.clear()
    late.log.waiting.append(about_node(late, "down"))
    late.deliver_all()
    ana.said, ana.ended = b"PRIVMSG #a :last\r\n", True
    late.settle()
    assert late.log.waiting == deque()
    late.log.waiting.append(about_node(late, "back"))
    late.deliver_all()
    assert verbs(watcher) == ["PRIVMSG", "QUIT"]
    assert ana.closed


def about_node(late: LateServer, what: str) -> Entry:
    number, at = late.log._stamps.next()
    return Entry(number, at, "*", 0, Message("NODE", [what, "1"], late.node.member))


# Accounts that others remove and register again


def register_again(late: LateServer, name: str, *, drop: bool = True) -> None:
    """Another node's operator: ahead of what is on its way."""
    late.now += 1.0
    made = verifier.make("sesame-opens", 4_096)
    drops = [Message("DROP", [name], "elsewhere")] if drop else []
    late.deliver_foreign(*drops, Message("REGISTER", [name, str(made)], "elsewhere"))


def deliver_behind(late: LateServer, verb: str, removed: bool) -> None:
    """The one request on its way, once ana's account has been removed, if it is to be, and registered again."""
    assert [entry.request.verb for entry in late.log.waiting] == [verb]
    if removed:
        register_again(late, "ana")
    late.deliver_all()


@pytest.mark.parametrize("removed", [True, False])
def test_a_login_on_its_way_counts_for_no_later_account_of_that_name(late: LateServer, removed: bool) -> None:
    register_again(late, "ana", drop=False)
    sock = late.connect("carl")
    late.say(sock, "NS IDENTIFY ana sesame-opens")
    deliver_behind(late, "ACCOUNT", removed)
    assert late.node.state.users["carl"].account == ("" if removed else "ana")
    assert ("900" in verbs(sock)) is not removed


@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("nick", ["ana", "carl"])
def test_who_registers_with_a_login_is_let_into_no_later_account_of_that_name(
    late: LateServer, nick: str, removed: bool
) -> None:
    register_again(late, "ana", drop=False)
    sock = late.adopt(IrcWire())
    late.say(sock, "CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {PLAIN}")
    late.say(sock, f"NICK {nick}", "USER a 0 * :A", "CAP END")
    deliver_behind(late, "USER", removed)
    user = late.node.state.find_user(nick)
    if removed and nick == "ana":
        assert user is None  # the nickname belongs to the later account
        assert verbs(sock)[-1] == "433"
    else:
        assert user is not None
        assert user.account == ("" if removed else "ana")


@pytest.mark.parametrize("removed", [True, False])
def test_a_ghost_on_its_way_is_sent_away_for_no_later_account_of_that_name(late: LateServer, removed: bool) -> None:
    late.connect("ana")
    register_again(late, "ana", drop=False)
    sock = late.connect("carl")
    late.say(sock, "NS GHOST ana sesame-opens")
    deliver_behind(late, "GHOST", removed)
    assert (late.node.state.find_user("ana") is None) is not removed


@pytest.mark.parametrize(("version", "proof"), [(1, "ana"), (2, "ana"), (3, "ana@1.5")])
@pytest.mark.parametrize("params", [("ACCOUNT", "{}"), ("GHOST", "ana!a@h", "{}"), ("USER", "~a", "0", "{}", "A@b")])
def test_a_proof_is_the_name_alone_for_programs_before_version_3(
    params: tuple[str, ...], version: int, proof: str
) -> None:
    verb, *rest = params
    request = Message(verb, [param.format("ana@1.5") for param in rest], "carl!c@h")
    expected = Message(verb, [param.format(proof) for param in rest], "carl!c@h")
    assert in_version(request, version) == expected
