"""What was missed comes into its place, without doubles, and tells which of our own lines arrived."""

import pytest

from chat.client.irc.news import HistoryCame, Join, Lost, News, Person, Say, Supports, Welcomed
from chat.client.irc.protocol import Protocol
from chat.client.model import commands
from chat.client.model.changes import Change, Refilled
from chat.client.model.network import Network
from chat.client.model.talk import Delivery, Line, LineKind

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
CAPS = frozenset({"echo-message", "server-time", "batch", "draft/chathistory"})


def take(model: Network, *news: News) -> list[Change]:
    return [change for one in news for change in model.take(one)]


def come_in(model: Network, capabilities: frozenset[str] = CAPS) -> list[bytes]:
    take(model, Welcomed("ana", capabilities, 1.0), Supports((("CHATHISTORY", "100"),)), Join(ANA, "#lobby", 1000.0))
    return model.take_output()


def inside(**more: object) -> Network:
    return Network("ana", "#lobby", "irc.example:6667", clock=lambda: 500.0, **more)  # type: ignore[arg-type]


def said(*texts: str, who: Person = BEN, at: float = 600.0) -> HistoryCame:
    lines = (Say(who, "#lobby", text, at + number, msgid=f"m{text}") for number, text in enumerate(texts))
    return HistoryCame("#lobby", tuple(lines))


def texts(model: Network) -> list[str]:
    return [line.text for line in model.current.lines if line.words]


def test_who_comes_in_asks_for_the_newest_lines_and_shows_them_above_the_join() -> None:
    model = inside()
    assert come_in(model) == [b"CHATHISTORY LATEST #lobby * 100\r\n"]
    assert any(isinstance(change, Refilled) for change in take(model, said("one", "two")))
    assert [line.text for line in model.current.lines] == ["one", "two", "You joined #lobby"]
    assert model.current.unread == 0
    assert model.current.first_unread == 0


def test_what_was_missed_is_asked_for_from_the_last_line_on_and_stands_below_new() -> None:
    model = inside()
    come_in(model)
    take(model, said("one", "two"), Lost("cut", 700.0))
    model.begin_again()
    assert come_in(model) == [b"CHATHISTORY LATEST #lobby timestamp=1970-01-01T00:08:01.000Z 100\r\n"]
    model.talks.attention.focused = False
    take(model, said("one", "two"), said("two", "ana: three", at=601.0))
    assert texts(model) == ["one", "two", "ana: three"], "no line stands there twice"
    first = next(line for line in model.current.lines if line.text == "ana: three")
    assert model.current.first_unread == first.id
    assert (model.current.unread, model.current.calls) == (1, 1)
    assert model.current.was_away
    ids = [line.id for line in model.current.lines]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("arrived", [True, False])
def test_the_history_tells_which_of_our_lines_arrived(arrived: bool) -> None:
    model = inside()
    come_in(model)
    take(model, said("one"))
    commands.answer(model, "mine")
    model.taken(True)
    take(model, Lost("cut", 700.0))
    assert [line.delivery for line in model.current.lines if line.mine] == [Delivery.PERHAPS]
    model.begin_again()
    come_in(model)
    take(model, HistoryCame("#lobby", said("one").lines + (said("mine", who=ANA, at=501.0).lines if arrived else ())))
    (mine,) = [line for line in model.current.lines if line.mine]
    assert mine.delivery is (Delivery.SENT if arrived else Delivery.UNSENT)
    assert bool(model.outgoing.unsent(model.current)) is not arrived


def test_a_history_that_does_not_reach_back_far_enough_decides_nothing() -> None:
    model = inside()
    come_in(model)
    commands.answer(model, "mine")
    model.taken(True)
    take(model, Lost("cut", 700.0))
    model.begin_again()
    come_in(model)
    take(model, said(*map(str, range(100)), at=2000.0))
    (mine,) = [line for line in model.current.lines if line.mine]
    assert mine.delivery is Delivery.PERHAPS


def test_scrolling_up_loads_more_until_there_is_no_more() -> None:
    model = inside()
    come_in(model)
    take(model, said("three", at=600.0))
    assert model.history.load_more(model.current) == []
    assert model.take_output() == [b"CHATHISTORY BEFORE #lobby timestamp=1970-01-01T00:10:00.000Z 100\r\n"]
    model.history.load_more(model.current)
    assert model.take_output() == [], "one question at a time"
    take(model, said("one", "two", at=100.0))
    assert texts(model) == ["one", "two", "three"]
    assert model.current.first_unread == 0
    model.history.load_more(model.current)
    model.take_output()
    take(model, HistoryCame("#lobby", ()))
    model.history.load_more(model.current)
    assert model.take_output() == []


def test_without_a_servers_history_the_logs_give_what_there_is() -> None:
    older = [Line(10.0, LineKind.SAY, "long ago", "ben"), Line(11.0, LineKind.SAY, "mine", "ana")]
    asked: list[tuple[str, float]] = []

    def recall(talk: str, before: float) -> list[Line]:
        asked.append((talk, before))
        return [line for line in older if line.at < before]

    model = inside(recall=recall)
    assert texts(model) == ["long ago", "mine"]
    assert [line.mine for line in model.current.lines] == [False, True]
    come_in(model, frozenset())
    older.insert(0, Line(5.0, LineKind.SAY, "longer ago", "ben"))
    assert any(isinstance(change, Refilled) for change in model.history.load_more(model.current))
    assert texts(model) == ["longer ago", "long ago", "mine"]
    assert model.history.load_more(model.current) == []
    assert asked[-1] == ("#lobby", 5)


def test_a_bouncer_is_asked_to_play_what_was_missed() -> None:
    model = inside()
    come_in(model)
    take(model, said("one"), Lost("cut", 700.0))
    model.begin_again()
    assert come_in(model, frozenset({"znc.in/playback"}))[0] == b"PRIVMSG *playback :PLAY * 600.000\r\n"


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
    model = inside()
    come_in(model)
    commands.answer(model, "ok")
    model.taken(True)
    take(model, Say(ANA, "#lobby", "ok", 490.0, msgid="m1"))
    commands.answer(model, "ok")
    model.taken(True)
    take(model, Lost("cut", 700.0))
    model.begin_again()
    come_in(model)
    take(model, HistoryCame("#lobby", (Say(ANA, "#lobby", "ok", 490.0, msgid="m1"),)))
    assert [line.delivery for line in model.current.lines if line.mine] == [Delivery.SENT, Delivery.UNSENT]


def test_the_ignored_are_not_heard_in_the_history_either() -> None:
    model = inside()
    model.speech.ignored.add("ben!*@*")
    come_in(model)
    take(model, said("one"))
    assert texts(model) == []


def test_what_was_missed_is_told_so_that_it_can_be_kept() -> None:
    model = inside()
    come_in(model)
    (refilled,) = [change for change in take(model, said("one", "two")) if isinstance(change, Refilled)]
    assert [line.text for line in refilled.new] == ["one", "two"]


def test_a_message_is_known_by_its_id_whatever_the_clocks_say() -> None:
    model = inside()
    come_in(model)
    take(model, Say(BEN, "#lobby", "one", 500.0, msgid="mone"), said("one", at=600.0))
    assert texts(model) == ["one"]
