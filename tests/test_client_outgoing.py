"""Own words: pending until the server has them, unsent when it cannot, never lost and never in a wrong place."""

from collections.abc import Iterable

import pytest

from chat.client import commands
from chat.client.changes import Appended, Change, LineChanged, LineRemoved
from chat.client.model import Model
from chat.client.news import Connecting, Lost, News, Ponged, Refused, Welcomed
from chat.client.outgoing import UNSENT
from chat.client.talk import SCROLLBACK, Line, Look, State
from chat.events import Join, Person, Rename, Say

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
ECHO = frozenset({"echo-message"})


def inside(capabilities: frozenset[str] = ECHO) -> Model:
    model = Model("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    come_in(model, capabilities)
    model.current.lines.clear()
    return model


def come_in(model: Model, capabilities: frozenset[str] = ECHO) -> None:
    take(model, Connecting("irc.example"), Welcomed("ana", capabilities, 1.0), Join(ANA, "#lobby", 2.0))


def take(model: Model, *news: News) -> list[Change]:
    return [change for one in news for change in model.take(one)]


def type_in(model: Model, *texts: str) -> list[bytes]:
    return [data for text in texts for data in commands.answer(model, text).send]


def shown(lines: Iterable[Line]) -> list[tuple[str, State]]:
    return [(line.text, line.state) for line in lines if line.words]


def test_words_are_shown_at_once_and_their_echo_settles_them_in_place() -> None:
    model = inside()
    answer = commands.answer(model, "hello")
    assert answer.send == [b"PRIVMSG #lobby hello\r\n"]
    pending = Line(7.0, Look.SAY, "hello", "ana", mine=True, state=State.PENDING)
    assert answer.changes == [Appended(model.current, pending, 0)]
    settled = Line(8.0, Look.SAY, "hello", "ana", mine=True)
    changes = take(model, Say(ANA, "#lobby", "hello", 8.0))
    assert changes == [LineChanged(model.current, settled)]
    assert list(model.current.lines) == [settled]
    assert isinstance(changes[0], LineChanged)
    assert isinstance(answer.changes[0], Appended)
    assert changes[0].line.id == answer.changes[0].line.id


def test_the_order_is_that_of_the_room() -> None:
    model = inside()
    type_in(model, "mine", "mine too")
    changes = take(model, Say(BEN, "#lobby", "his", 8.0), Say(ANA, "#lobby", "mine", 8.0))
    assert [type(change) for change in changes] == [Appended, LineRemoved, Appended]
    assert shown(model.current.lines) == [
        ("mine too", State.PENDING),
        ("his", State.SENT),
        ("mine", State.SENT),
    ]
    take(model, Say(ANA, "#lobby", "mine too", 8.0))
    assert [text for text, _ in shown(model.current.lines)] == ["his", "mine", "mine too"]


def test_several_of_ones_own_settle_in_place_one_after_the_other() -> None:
    model = inside()
    type_in(model, "one", "two", "/me three")
    news = [Say(ANA, "#lobby", text, 8.0) for text in ("one", "two", "\x01ACTION three\x01")]
    assert [type(change) for change in take(model, *news)] == [LineChanged] * 3
    assert shown(model.current.lines) == [("one", State.SENT), ("two", State.SENT), ("three", State.SENT)]


def test_an_echo_settles_the_line_that_it_is_the_echo_of() -> None:
    model = inside()
    type_in(model, "swallowed by the server", "passed on")
    take(model, Say(ANA, "#lobby", "passed on", 8.0))
    assert shown(model.current.lines) == [("swallowed by the server", State.PENDING), ("passed on", State.SENT)]


def test_words_that_the_server_changed_take_the_place_of_the_oldest_pending_ones() -> None:
    model = inside()
    type_in(model, "darn it")
    take(model, Say(ANA, "#lobby", "**** it", 8.0), Say(ANA, "#lobby", "from my telephone", 9.0))
    assert shown(model.current.lines) == [("**** it", State.SENT), ("from my telephone", State.SENT)]


def test_an_echo_after_the_scrollback_has_passed_is_appended() -> None:
    model = inside()
    type_in(model, "mine")
    take(model, *(Say(BEN, "#lobby", str(number), 8.0) for number in range(SCROLLBACK)))
    assert [type(change) for change in take(model, Say(ANA, "#lobby", "mine", 9.0))] == [Appended]
    assert shown(model.current.lines)[-1] == ("mine", State.SENT)


def test_without_echo_the_answer_to_a_ping_settles_all_that_went_before_it() -> None:
    model = inside(frozenset())
    assert type_in(model, "one\ntwo", "three") == [
        b"PRIVMSG #lobby one\r\n",
        b"PRIVMSG #lobby two\r\n",
        b"PING said-1\r\n",
        b"PRIVMSG #lobby three\r\n",
        b"PING said-2\r\n",
    ]
    assert take(model, Ponged("fanfare")) == []
    assert [type(change) for change in take(model, Ponged("said-1"))] == [LineChanged] * 2
    assert shown(model.current.lines) == [("one", State.SENT), ("two", State.SENT), ("three", State.PENDING)]
    take(model, Ponged("said-2"))
    assert shown(model.current.lines)[-1] == ("three", State.SENT)


@pytest.mark.parametrize("capabilities", [ECHO, frozenset[str]()])
def test_what_is_pending_when_the_connection_ends_is_unsent_and_can_be_sent_again(capabilities: frozenset[str]) -> None:
    model = inside(capabilities)
    type_in(model, "hello")
    changes = take(model, Lost("cut", 8.0))
    unsent = Line(7.0, Look.SAY, "hello", "ana", mine=True, state=State.UNSENT)
    assert LineChanged(model.current, unsent) in changes
    assert model.resend(unsent) == ([], [])
    model.begin_again()
    come_in(model, capabilities)
    (line,) = model.outgoing.unsent(model.current)
    send, changes = model.resend(line)
    assert send[0] == b"PRIVMSG #lobby hello\r\n"
    assert [type(change) for change in changes] == [LineRemoved, Appended]
    assert shown(model.current.lines) == [("hello", State.PENDING)]
    assert model.outgoing.unsent(model.current) == []
    assert model.resend(line) == ([], [])


def test_what_is_typed_without_a_connection_stands_there_unsent_and_is_sent_in_its_order() -> None:
    model = Model("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    assert commands.answer(model, "hello").taken
    assert type_in(model, "/me waves") == []
    assert shown(model.current.lines) == [("hello", State.UNSENT), ("waves", State.UNSENT)]
    come_in(model)
    send, _ = model.resend(*model.outgoing.unsent(model.current))
    assert send == [b"PRIVMSG #lobby hello\r\n", b"PRIVMSG #lobby :\x01ACTION waves\x01\r\n"]


def test_what_the_server_refuses_to_pass_on_is_unsent() -> None:
    model = inside()
    type_in(model, "hello", "again")
    take(model, Refused("#lobby", "Cannot send to channel", 8.0, "404"))
    assert shown(model.current.lines) == [("hello", State.UNSENT), ("again", State.PENDING)]
    take(model, Refused("#lobby", "You're not channel operator", 8.0, "482"))
    assert shown(model.current.lines)[1] == ("again", State.PENDING)


def test_what_the_session_does_not_take_is_unsent() -> None:
    model = inside()
    type_in(model, "this went out")
    answer = commands.answer(model, "this did not")
    model.take_back(answer.changes)
    assert shown(model.current.lines) == [("this went out", State.PENDING), ("this did not", State.UNSENT)]


def test_unsent_words_come_back_when_a_flood_has_pushed_them_out() -> None:
    model = inside()
    type_in(model, "hello")
    take(model, *(Say(BEN, "#lobby", str(number), 8.0) for number in range(SCROLLBACK)), Lost("cut", 9.0))
    assert ("hello", State.UNSENT) in shown(model.current.lines)
    assert [line.text for line in model.outgoing.unsent(model.current)] == ["hello"]


def test_a_person_with_another_name_gets_the_words_under_that_name() -> None:
    model = inside()
    take(model, Say(BEN, "ana", "psst", 3.0))
    ben = model.talks.find("ben")
    assert ben
    model.open(ben)
    type_in(model, "yes?")
    take(model, Refused("ben", "No such nick", 4.0, "401"), Rename(BEN, "zoe", 4.0))
    send, _ = model.resend(*model.outgoing.unsent(ben))
    assert send == [b"PRIVMSG zoe yes?\r\n"]


def test_what_cannot_be_kept_stays_in_the_box() -> None:
    model = Model("ana", "#lobby", "irc.example:6667")
    for number in range(UNSENT):
        assert commands.answer(model, str(number)).taken
    assert not commands.answer(model, "one more").taken
    assert not commands.answer(model, "two\nmore").taken
    assert len(model.outgoing.unsent(model.current)) == UNSENT


def test_nobody_reads_what_is_said_in_the_talk_of_the_server() -> None:
    model = inside()
    model.open(model.talks.server)
    answer = commands.answer(model, "hello")
    assert not answer.taken
    assert answer.send == []
