"""Whatever comes in whatever order, the model never fails, and what it says fits what it holds."""

import string
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat.client.irc.news import (
    Away,
    HistoryCame,
    Invited,
    Join,
    Kick,
    Kind,
    Leave,
    Member,
    Names,
    NamesEnd,
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
    Connecting,
    Listed,
    ListEnd,
    Lost,
    NickFree,
    NickRefused,
    Online,
    OwnAway,
    Ponged,
    Problem,
    Refused,
    ServerSaid,
    Supports,
    Welcomed,
)
from chat.client.model import commands
from chat.client.model.changes import Appended, Change, Cleared, LineChanged, LineRemoved, Opened, Refilled
from chat.client.model.commands import NAMES
from chat.client.model.connection import Stage
from chat.client.model.network import Network
from chat.client.model.outgoing import UNDECIDED
from chat.client.model.talk import Delivery, Line, Talk

NICKS = st.sampled_from(["ana", "Ana", "ana_", "ben", "zoe", "irc.example", "", "*"])
ROOMS = st.sampled_from(["#lobby", "#LOBBY", "#cats", "&local", "#", ""])
PLACES = st.one_of(NICKS, ROOMS, st.sampled_from(["@#lobby", "+", "@"]))
TEXTS = st.one_of(
    st.sampled_from(["", "hi ana", "\x01ACTION waves\x01", "\x01VERSION\x01", "\x02bold", "hello"]), st.text(max_size=8)
)
TIMES = st.just(3.0)
PEOPLE = st.builds(Person, NICKS, st.sampled_from(["", "u"]), st.sampled_from(["", "h"]))
MEMBERS = st.builds(Member, NICKS, st.sampled_from(["", "@", "+@"]))
CAPABILITIES = st.sampled_from(
    [
        frozenset[str](),
        frozenset({"echo-message"}),
        frozenset({"echo-message", "labeled-response", "draft/chathistory"}),
    ]
)
SAYS = st.builds(Say, PEOPLE, PLACES, TEXTS, TIMES, st.sampled_from(Kind), msgid=st.sampled_from(["", "m1", "m2"]))
NEWS: st.SearchStrategy[News] = st.one_of(
    st.builds(Connecting, TEXTS),
    st.builds(Welcomed, NICKS, CAPABILITIES, TIMES),
    st.builds(Names, ROOMS, st.lists(MEMBERS, max_size=3).map(tuple)),
    st.builds(NamesEnd, ROOMS),
    st.builds(NickRefused, NICKS, TEXTS, st.booleans(), TIMES, NICKS),
    st.builds(Refused, PLACES, TEXTS, TIMES, st.sampled_from(["", "401", "404", "471"])),
    st.builds(Ponged, st.sampled_from(["", "said-1", "said-2"])),
    st.builds(
        Ranks, PEOPLE, ROOMS, TEXTS, st.lists(st.tuples(NICKS, TEXTS, st.booleans()), max_size=2).map(tuple), TIMES
    ),
    st.builds(Seen, NICKS, st.booleans()),
    st.builds(OwnAway, st.booleans(), TEXTS, TIMES),
    st.builds(TopicSetBy, ROOMS, NICKS, TIMES),
    st.builds(Invited, PEOPLE, NICKS, ROOMS, TIMES),
    st.builds(ServerSaid, TEXTS, TIMES),
    st.builds(Lost, TEXTS, TIMES, st.sampled_from(Problem)),
    SAYS,
    st.builds(HistoryCame, PLACES, st.lists(SAYS, max_size=3).map(tuple)),
    st.builds(Online, st.lists(NICKS, max_size=2).map(tuple)),
    st.builds(NickFree, NICKS),
    st.builds(Acknowledged, st.sampled_from(["", "l1"])),
    st.builds(Answered, st.just("311"), PLACES, TEXTS, TIMES),
    st.builds(Supports, st.just((("CHATHISTORY", "100"), ("MONITOR", "")))),
    st.builds(Listed, ROOMS, st.integers(0, 9), TEXTS),
    st.builds(ListEnd),
    st.builds(Join, PEOPLE, ROOMS, TIMES),
    st.builds(Leave, PEOPLE, ROOMS, TIMES, TEXTS),
    st.builds(Quit, PEOPLE, TIMES, TEXTS),
    st.builds(Kick, PEOPLE, ROOMS, PEOPLE, TIMES, TEXTS),
    st.builds(Rename, PEOPLE, NICKS, TIMES),
    st.builds(Topic, PEOPLE, ROOMS, TEXTS, TIMES),
    st.builds(Away, PEOPLE, st.one_of(st.none(), TEXTS), TIMES),
)


class Screen:
    """A window without Tk: holds what the changes tell it, and nothing else."""

    def __init__(self, network: Network) -> None:
        self.lines: dict[Talk, list[Line]] = {talk: [] for talk in network.talks}
        self.shown = network.current
        self.came: dict[Talk, int] = {}  # words that came while another talk was shown

    def draw(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if isinstance(change, Opened):
                self.shown = change.talk
                self.came[change.talk] = 0
            elif isinstance(change, Refilled):
                self.lines[change.talk] = list(change.talk.lines)
                self.came[change.talk] = change.talk.unread
            elif isinstance(change, Appended | LineChanged | LineRemoved | Cleared):
                self._draw_line(change)

    def _draw_line(self, change: Appended | LineChanged | LineRemoved | Cleared) -> None:
        lines = self.lines.setdefault(change.talk, [])
        if isinstance(change, Cleared):
            lines[:] = [line for line in lines if line.delivery is not Delivery.SENT]
            return
        places = [place for place, line in enumerate(lines) if line.id == change.line.id]
        if isinstance(change, Appended):
            assert not places
            lines.append(change.line)
            del lines[: change.pushed_out]
            if change.line.words and not change.line.mine and change.talk is not self.shown:
                self.came[change.talk] = self.came.get(change.talk, 0) + 1
        elif isinstance(change, LineChanged):
            lines[places[0]] = change.line
        else:
            del lines[places[0]]


class AnyOrder(RuleBasedStateMachine):
    """Invariant: no news and no command makes the model fail; what its changes draw is what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
        self.screen = Screen(self.network)

    @rule(news=NEWS)
    def it_takes_news(self, news: News) -> None:
        self.screen.draw(self.network.take(news))

    @rule()
    def it_comes_in(self) -> None:
        me = Person(self.network.me.nick, "ana", "h")
        for news in (Welcomed(me.nick, frozenset({"echo-message"}), 1.0), Join(me, "#lobby", 2.0)):
            self.screen.draw(self.network.take(news))

    @rule(text=st.one_of(TEXTS, st.text(string.printable, max_size=12)))
    def words_are_typed(self, text: str) -> None:
        self.screen.draw(commands.answer(self.network, text).changes)

    @rule(name=st.sampled_from(NAMES), argument=PLACES, text=TEXTS)
    def a_command_is_typed(self, name: str, argument: str, text: str) -> None:
        self.screen.draw(commands.answer(self.network, f"/{name} {argument} {text}").changes)

    @rule(number=st.integers(0, 10))
    def a_talk_is_opened(self, number: int) -> None:
        talks = list(self.network.talks)
        self.screen.draw(self.network.open(talks[number % len(talks)]))

    @rule()
    def what_is_unsent_is_sent_again(self) -> None:
        self.screen.draw(self.network.resend(*self.network.outgoing.unsent(self.network.current)))

    @rule(taken=st.booleans())
    def what_is_to_be_sent_is_taken_or_not(self, taken: bool) -> None:
        self.network.take_output()
        self.screen.draw(self.network.taken(taken))

    @rule()
    def it_connects_again(self) -> None:
        self.screen.draw(self.network.begin_again())

    @invariant()
    def the_screen_shows_what_the_model_holds(self) -> None:
        network = self.network
        assert self.screen.shown is network.current
        assert network.current in list(network.talks)
        for talk in network.talks:
            assert [(line.id, line.text, line.delivery) for line in self.screen.lines.get(talk, [])] == [
                (line.id, line.text, line.delivery) for line in talk.lines
            ]
            ids = [line.id for line in talk.lines]
            assert ids == sorted(set(ids))

    @invariant()
    def what_is_unread_is_what_came_meanwhile(self) -> None:
        for talk in self.network.talks:
            assert talk.unread == self.screen.came.get(talk, 0)
            assert 0 <= talk.calls <= talk.unread
        assert self.network.current.unread == 0

    @invariant()
    def nothing_is_pending_or_joined_without_a_connection(self) -> None:
        assert self.network.status
        if self.network.connection.stage is not Stage.ONLINE:
            assert not any(line.delivery is Delivery.PENDING for talk in self.network.talks for line in talk.lines)
            assert not any(talk.joined or len(talk.members) for talk in self.network.talks)

    @invariant()
    def all_that_is_unsent_can_be_sent_again(self) -> None:
        for talk in self.network.talks:
            unsent = [line.id for line in talk.lines if line.delivery in UNDECIDED]
            assert unsent == [line.id for line in self.network.outgoing.unsent(talk)]


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40)  # 4 s

WORDS = st.one_of(NICKS, ROOMS, TEXTS, st.sampled_from(["353", "005", "352", "PREFIX=(", "+ov", "-", "*", ":", "LS"]))
VERBS = st.sampled_from(
    [
        *["PING", "CAP", "MODE", "JOIN", "NICK", "AWAY", "INVITE", "FAIL", "ERROR", "PRIVMSG", "KICK", "TOPIC"],
        "001",
        "005",
    ]
)
NUMBERS = st.integers(0, 999).map("{:03}".format)


@given(st.lists(st.tuples(PLACES, st.one_of(VERBS, NUMBERS), st.lists(WORDS, max_size=7)), max_size=12), st.binary())
def test_any_bytes_become_news_that_the_model_takes(lines: list[tuple[str, str, list[str]]], rest: bytes) -> None:
    """Invariant: any bytes are read or skipped, and the model takes all that they say."""
    protocol, network = Protocol("ana", ["#lobby"]), Network("ana", "#lobby", "irc.example:6667")
    data = "".join(f":{source}!u@h {verb} {' '.join(words)}\r\n" for source, verb, words in lines).encode(
        "utf-8", "surrogatepass"
    )
    for news in protocol.feed(data + rest + b"\r\n"):
        network.take(news)
        commands.answer(network, "hello")
    protocol.take_output()
