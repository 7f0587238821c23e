"""What was missed comes into its place, without doubles, and tells which of our own lines arrived."""

import pytest

from chat.client.irc.news import HistoryCame, Join, News, Person, Say
from chat.client.irc.protocol import Protocol
from chat.client.irc.server_news import HistoryRefused, Lost, Supports, Welcomed
from chat.client.model import commands
from chat.client.model.changes import Change, Refilled
from chat.client.model.network import Network
from chat.client.model.talk import Delivery, Line, LineKind

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
CAPS = frozenset({"echo-message", "server-time", "batch", "draft/chathistory"})


def take(network: Network, *news: News) -> list[Change]:
    return [change for one in news for change in network.take(one)]


def come_in(network: Network, capabilities: frozenset[str] = CAPS) -> list[bytes]:
    take(network, Welcomed("ana", capabilities, 1.0), Supports((("CHATHISTORY", "100"),)), Join(ANA, "#lobby", 1000.0))
    return network.take_output()


def inside(**more: object) -> Network:
    return Network("ana", "#lobby", "irc.example:6667", clock=lambda: 500.0, **more)  # type: ignore[arg-type]


def said(*texts: str, who: Person = BEN, at: float = 600.0) -> HistoryCame:
    lines = (Say(who, "#lobby", text, at + number, msgid=f"m{text}") for number, text in enumerate(texts))
    return HistoryCame("#lobby", tuple(lines))


def texts(network: Network) -> list[str]:
    return [line.text for line in network.current.lines if line.words]


def test_who_comes_in_asks_for_the_newest_lines_and_shows_them_above_the_join() -> None:
    network = inside()
    assert come_in(network) == [b"CHATHISTORY LATEST #lobby * 100\r\n"]
    assert any(isinstance(change, Refilled) for change in take(network, said("one", "two")))
    assert [line.text for line in network.current.lines] == ["one", "two", "You joined #lobby"]
    assert network.current.unread == 0
    assert network.current.first_unread == 0


def test_what_was_missed_is_asked_for_from_the_last_line_on_and_stands_below_new() -> None:
    network = inside()
    come_in(network)
    take(network, said("one", "two"), Lost("cut", 700.0))
    network.begin_again()
    assert come_in(network) == [b"CHATHISTORY LATEST #lobby timestamp=1970-01-01T00:08:01.000Z 100\r\n"]
    network.talks.attention.focused = False
    take(network, said("one", "two"), said("two", "ana: three", at=601.0))
    assert texts(network) == ["one", "two", "ana: three"], "no line stands there twice"
    first = next(line for line in network.current.lines if line.text == "ana: three")
    assert network.current.first_unread == first.id
    assert (network.current.unread, network.current.calls) == (1, 1)
    assert network.current.was_away
    ids = [line.id for line in network.current.lines]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("arrived", [True, False])
def test_the_history_tells_which_of_our_lines_arrived(arrived: bool) -> None:
    network = inside()
    come_in(network)
    take(network, said("one"))
    commands.answer(network, "mine")
    network.taken(True)
    take(network, Lost("cut", 700.0))
    assert [line.delivery for line in network.current.lines if line.mine] == [Delivery.PERHAPS]
    network.begin_again()
    come_in(network)
    take(network, HistoryCame("#lobby", said("one").lines + (said("mine", who=ANA, at=501.0).lines if arrived else ())))
    (mine,) = [line for line in network.current.lines if line.mine]
    assert mine.delivery is (Delivery.SENT if arrived else Delivery.UNSENT)
    assert bool(network.outgoing.unsent(network.current)) is not arrived


def test_a_history_that_does_not_reach_back_far_enough_decides_nothing() -> None:
    network = inside()
    come_in(network)
    commands.answer(network, "mine")
    network.taken(True)
    take(network, Lost("cut", 700.0))
    network.begin_again()
    come_in(network)
    take(network, said(*map(str, range(100)), at=2000.0))
    (mine,) = [line for line in network.current.lines if line.mine]
    assert mine.delivery is Delivery.PERHAPS


def test_scrolling_up_loads_more_until_there_is_no_more() -> None:
    network = inside()
    come_in(network)
    take(network, said("three", at=600.0))
    assert network.history.load_more(network.current) == []
    assert network.take_output() == [b"CHATHISTORY BEFORE #lobby timestamp=1970-01-01T00:10:00.000Z 100\r\n"]
    network.history.load_more(network.current)
    assert network.take_output() == [], "one question at a time"
    take(network, said("one", "two", at=100.0))
    assert texts(network) == ["one", "two", "three"]
    assert network.current.first_unread == 0
    network.history.load_more(network.current)
    network.take_output()
    take(network, HistoryCame("#lobby", ()))
    network.history.load_more(network.current)
    assert network.take_output() == []


def test_without_a_servers_history_the_logs_give_what_there_is() -> None:
    older = [Line(10.0, LineKind.SAY, "long ago", "ben"), Line(11.0, LineKind.SAY, "mine", "ana")]
    asked: list[tuple[str, float]] = []

    def recall(talk: str, before: float) -> list[Line]:
        asked.append((talk, before))
        return [line for line in older if line.at < before]

    network = inside(recall=recall)
    assert texts(network) == ["long ago", "mine"]
    assert [line.mine for line in network.current.lines] == [False, True]
    come_in(network, frozenset())
    older.insert(0, Line(5.0, LineKind.SAY, "longer ago", "ben"))
    assert any(isinstance(change, Refilled) for change in network.history.load_more(network.current))
    assert texts(network) == ["longer ago", "long ago", "mine"]
    assert network.history.load_more(network.current) == []
    assert asked[-1] == ("#lobby", 5)


def test_a_history_that_the_server_does_not_tell_is_no_trouble_and_the_logs_give_it() -> None:
    older = [Line(10.0, LineKind.SAY, "long ago", "ben")]
    network = inside(recall=lambda talk, before: [line for line in older if line.at < before])
    come_in(network)
    take(network, Say(BEN, "ana", "psst", 600.0), Lost("cut", 700.0))
    network.begin_again()
    assert any(b"LATEST ben " in line for line in come_in(network))
    talk = network.talks.find("ben")
    assert talk
    shown = len(talk.lines), len(network.current.lines)
    assert take(network, HistoryRefused("ben", "not told", 701.0, "INVALID_TARGET")) == []
    older.insert(0, Line(5.0, LineKind.SAY, "longer ago", "ben"))
    network.history.load_more(talk)
    assert [line.text for line in talk.lines if line.words] == ["longer ago", "long ago", "psst"]
    assert network.take_output() == [], "it is not asked for again"
    assert (len(talk.lines), len(network.current.lines)) == (shown[0] + 1, shown[1])


@pytest.mark.parametrize(("about", "code"), [("#lobby", "MESSAGE_ERROR"), ("ben", "INVALID_TARGET")])
def test_a_history_that_fails_is_told_where_it_was_asked_for(about: str, code: str) -> None:
    network = inside()
    come_in(network)
    take(network, HistoryRefused(about, "no disk", 701.0, code))
    last = network.current.lines[-1]
    assert (last.text, last.kind) == (f"{about}: no disk", LineKind.TROUBLE)
    take(network, said("three", at=600.0))
    network.history.load_more(network.current)
    assert len(network.take_output()) == 1, "it may be asked for again"


def test_a_bouncer_is_asked_to_play_what_was_missed() -> None:
    network = inside()
    come_in(network)
    take(network, said("one"), Lost("cut", 700.0))
    network.begin_again()
    assert come_in(network, frozenset({"znc.in/playback"}))[0] == b"PRIVMSG *playback :PLAY * 600.000\r\n"


def test_a_batch_of_history_is_one_news_and_its_joins_are_none() -> None:
    protocol = Protocol("ana", [], lambda: 5.0)
    news = protocol.feed(
        b":s BATCH +1 chathistory #lobby\r\n"
        b"@batch=1;msgid=a;time=2011-10-19T16:40:51.000Z :ben!b@there.example PRIVMSG #lobby hi\r\n"
        b"@batch=1;time=1970-01-01T00:01:40.000Z :ben!b@h JOIN #lobby\r\n"
        b":s BATCH -1\r\n:s BATCH +2 netsplit a b\r\n@batch=2 :ben!b@h QUIT :a b\r\n:s BATCH -2\r\n"
    )
    assert news[0] == HistoryCame("#lobby", (Say(BEN, "#lobby", "hi", 1319042451.0, msgid="a"),))
    assert len(news) == 2


def test_words_that_arrived_before_do_not_stand_for_the_same_words_said_again() -> None:
    network = inside()
    come_in(network)
    commands.answer(network, "ok")
    network.taken(True)
    take(network, Say(ANA, "#lobby", "ok", 490.0, msgid="m1"))
    commands.answer(network, "ok")
    network.taken(True)
    take(network, Lost("cut", 700.0))
    network.begin_again()
    come_in(network)
    take(network, HistoryCame("#lobby", (Say(ANA, "#lobby", "ok", 490.0, msgid="m1"),)))
    assert [line.delivery for line in network.current.lines if line.mine] == [Delivery.SENT, Delivery.UNSENT]


def test_the_ignored_are_not_heard_in_the_history_either() -> None:
    network = inside()
    network.speech.ignored.add("ben!*@*")
    come_in(network)
    take(network, said("one"))
    assert texts(network) == []


def test_what_was_missed_is_told_so_that_it_can_be_kept() -> None:
    network = inside()
    come_in(network)
    (refilled,) = [change for change in take(network, said("one", "two")) if isinstance(change, Refilled)]
    assert [line.text for line in refilled.new] == ["one", "two"]


def test_a_message_is_known_by_its_id_whatever_the_clocks_say() -> None:
    network = inside()
    come_in(network)
    take(network, Say(BEN, "#lobby", "one", 500.0, msgid="mone"), said("one", at=600.0))
    assert texts(network) == ["one"]
