"""Own words: pending until the server has them, unsent when it cannot, never lost and never in a wrong place."""

from collections.abc import Iterable

import pytest

from chat.client.irc.news import Connecting, Join, Lost, News, Person, Ponged, Refused, Rename, Say, Welcomed
from chat.client.model import commands
from chat.client.model.changes import Appended, Change, LineChanged, LineRemoved
from chat.client.model.network import Network
from chat.client.model.outgoing import IN_FLIGHT, KEPT
from chat.client.model.talk import SCROLLBACK, Delivery, Line, LineKind
from chat.client.text.secrets import holds_secret

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
ECHO = frozenset({"echo-message"})


def inside(capabilities: frozenset[str] = ECHO) -> Network:
    model = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    come_in(model, capabilities)
    model.current.lines.clear()
    return model


def come_in(model: Network, capabilities: frozenset[str] = ECHO) -> None:
    take(model, Connecting("irc.example"), Welcomed("ana", capabilities, 1.0), Join(ANA, "#lobby", 2.0))


def take(model: Network, *news: News) -> list[Change]:
    return [change for one in news for change in model.take(one)]


def type_in(model: Network, *texts: str) -> list[bytes]:
    """What goes out for it; the network thread takes it all."""
    data = [data for text in texts for data in commands.answer(model, text).send]
    model.taken(True)
    return data


def resend(model: Network, *lines: Line) -> tuple[list[bytes], list[Change]]:
    changes = model.resend(*lines)
    return model.take_output(), changes


def shown(lines: Iterable[Line]) -> list[tuple[str, Delivery]]:
    return [(line.text, line.delivery) for line in lines if line.words]


def test_words_are_shown_at_once_and_their_echo_settles_them_in_place() -> None:
    model = inside()
    answer = commands.answer(model, "hello")
    assert answer.send == [b"PRIVMSG #lobby hello\r\n"]
    pending = Line(7.0, LineKind.SAY, "hello", "ana", mine=True, delivery=Delivery.PENDING)
    assert answer.changes == [Appended(model.current, pending, 0)]
    settled = Line(8.0, LineKind.SAY, "hello", "ana", mine=True)
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
        ("mine too", Delivery.PENDING),
        ("his", Delivery.SENT),
        ("mine", Delivery.SENT),
    ]
    take(model, Say(ANA, "#lobby", "mine too", 8.0))
    assert [text for text, _ in shown(model.current.lines)] == ["his", "mine", "mine too"]


def test_several_of_ones_own_settle_in_place_one_after_the_other() -> None:
    model = inside()
    type_in(model, "one", "two", "/me three")
    news = [Say(ANA, "#lobby", text, 8.0) for text in ("one", "two", "\x01ACTION three\x01")]
    assert [type(change) for change in take(model, *news)] == [LineChanged] * 3
    assert shown(model.current.lines) == [("one", Delivery.SENT), ("two", Delivery.SENT), ("three", Delivery.SENT)]


def test_an_echo_settles_the_line_that_it_is_the_echo_of() -> None:
    model = inside()
    type_in(model, "swallowed by the server", "passed on")
    take(model, Say(ANA, "#lobby", "passed on", 8.0))
    assert shown(model.current.lines) == [("swallowed by the server", Delivery.PENDING), ("passed on", Delivery.SENT)]


def test_words_that_the_server_changed_take_the_place_of_the_oldest_pending_ones() -> None:
    model = inside()
    type_in(model, "darn it")
    take(model, Say(ANA, "#lobby", "**** it", 8.0), Say(ANA, "#lobby", "from my telephone", 9.0))
    assert shown(model.current.lines) == [("**** it", Delivery.SENT), ("from my telephone", Delivery.SENT)]


def test_an_echo_after_the_scrollback_has_passed_is_appended() -> None:
    model = inside()
    type_in(model, "mine")
    take(model, *(Say(BEN, "#lobby", str(number), 8.0) for number in range(SCROLLBACK)))
    assert [type(change) for change in take(model, Say(ANA, "#lobby", "mine", 9.0))] == [Appended]
    assert shown(model.current.lines)[-1] == ("mine", Delivery.SENT)


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
    assert shown(model.current.lines) == [("one", Delivery.SENT), ("two", Delivery.SENT), ("three", Delivery.PENDING)]
    take(model, Ponged("said-2"))
    assert shown(model.current.lines)[-1] == ("three", Delivery.SENT)


@pytest.mark.parametrize("capabilities", [ECHO, frozenset[str]()])
def test_what_is_on_its_way_when_the_connection_ends_is_perhaps_sent_and_can_be_sent_again(
    capabilities: frozenset[str],
) -> None:
    model = inside(capabilities)
    type_in(model, "hello")
    changes = take(model, Lost("cut", 8.0))
    perhaps = Line(7.0, LineKind.SAY, "hello", "ana", mine=True, delivery=Delivery.PERHAPS)
    assert LineChanged(model.current, perhaps) in changes
    assert resend(model, perhaps) == ([], [])
    model.begin_again()
    come_in(model, capabilities)
    (line,) = model.outgoing.unsent(model.current)
    send, changes = resend(model, line)
    assert send[0] == b"PRIVMSG #lobby hello\r\n"
    assert [type(change) for change in changes] == [LineRemoved, Appended]
    assert shown(model.current.lines) == [("hello", Delivery.PENDING)]
    assert model.outgoing.unsent(model.current) == []
    assert resend(model, line) == ([], [])


def test_what_is_typed_without_a_connection_stands_there_unsent_and_is_sent_in_its_order() -> None:
    model = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    assert commands.answer(model, "hello").taken
    assert type_in(model, "/me waves") == []
    assert shown(model.current.lines) == [("hello", Delivery.UNSENT), ("waves", Delivery.UNSENT)]
    come_in(model)
    send, _ = resend(model, *model.outgoing.unsent(model.current))
    assert send == [b"PRIVMSG #lobby hello\r\n", b"PRIVMSG #lobby :\x01ACTION waves\x01\r\n"]


def test_what_the_server_refuses_to_pass_on_is_unsent() -> None:
    model = inside()
    type_in(model, "hello", "again")
    take(model, Refused("#lobby", "Cannot send to channel", 8.0, "404"))
    assert shown(model.current.lines) == [("hello", Delivery.UNSENT), ("again", Delivery.PENDING)]
    take(model, Refused("#lobby", "You're not channel operator", 8.0, "482"))
    assert shown(model.current.lines)[1] == ("again", Delivery.PENDING)


def test_what_the_session_does_not_take_is_unsent() -> None:
    model = inside()
    type_in(model, "this went out")
    commands.answer(model, "this did not")
    model.taken(False)
    assert shown(model.current.lines) == [("this went out", Delivery.PENDING), ("this did not", Delivery.UNSENT)]


def test_unsent_words_come_back_when_a_flood_has_pushed_them_out() -> None:
    model = inside()
    type_in(model, "hello")
    take(model, *(Say(BEN, "#lobby", str(number), 8.0) for number in range(SCROLLBACK)), Lost("cut", 9.0))
    assert ("hello", Delivery.PERHAPS) in shown(model.current.lines)
    assert [line.text for line in model.outgoing.unsent(model.current)] == ["hello"]


def test_a_person_with_another_name_gets_the_words_under_that_name() -> None:
    model = inside()
    take(model, Say(BEN, "ana", "psst", 3.0))
    ben = model.talks.find("ben")
    assert ben
    model.open(ben)
    type_in(model, "yes?")
    take(model, Refused("ben", "No such nick", 4.0, "401"), Rename(BEN, "zoe", 4.0))
    send, _ = resend(model, *model.outgoing.unsent(ben))
    assert send == [b"PRIVMSG zoe yes?\r\n"]


def test_what_cannot_be_kept_stays_in_the_box() -> None:
    model = Network("ana", "#lobby", "irc.example:6667")
    for number in range(KEPT):
        assert commands.answer(model, str(number)).taken
    assert not commands.answer(model, "one more").taken
    assert not commands.answer(model, "two\nmore").taken
    assert len(model.outgoing.unsent(model.current)) == KEPT


def test_nobody_reads_what_is_said_in_the_talk_of_the_server() -> None:
    model = inside()
    model.open(model.talks.server)
    answer = commands.answer(model, "hello")
    assert not answer.taken
    assert answer.send == []


def test_a_paste_goes_out_as_fast_as_the_server_takes_it() -> None:
    model = inside(frozenset())
    sent = type_in(model, "\n".join(map(str, range(300))))
    assert len(sent) == IN_FLIGHT + 1
    assert "292 lines waiting to be sent" in model.status
    rounds = 0
    while sent[-1].startswith(b"PING"):
        take(model, Ponged(sent[-1].decode().split()[1]))
        more = model.take_output()
        model.taken(True)
        if not more:
            break
        assert len(more) <= IN_FLIGHT + 1
        sent += more
        rounds += 1
    said = [line.split(b" ")[2].strip().decode() for line in sent if line.startswith(b"PRIVMSG")]
    assert said == list(map(str, range(300)))
    assert rounds == 37
    assert "wait" not in model.status
    assert {delivery for _, delivery in shown(model.current.lines)} == {Delivery.SENT}


def test_a_paste_to_a_server_that_echoes_goes_on_with_the_echoes() -> None:
    model = inside()
    sent = type_in(model, "\n".join(map(str, range(20))))
    said: list[str] = []
    while sent:
        words = [line.split(b" ")[2].strip().decode() for line in sent if line.startswith(b"PRIVMSG")]
        said += words
        take(model, *(Say(ANA, "#lobby", text, 8.0) for text in words))
        sent = model.take_output()
        model.taken(True)
    assert said == list(map(str, range(20)))
    assert shown(model.current.lines) == [(text, Delivery.SENT) for text in said]


def test_what_still_waits_when_the_connection_ends_is_surely_unsent_and_the_rest_perhaps() -> None:
    model = inside()
    type_in(model, "\n".join(map(str, range(20))))
    take(model, Say(ANA, "#lobby", "0", 8.0), Lost("cut", 9.0))
    states = [delivery for _, delivery in shown(model.current.lines)]
    assert states == [Delivery.SENT] + [Delivery.PERHAPS] * (IN_FLIGHT - 1) + [Delivery.UNSENT] * (20 - IN_FLIGHT)


def test_stopping_keeps_here_what_is_not_on_its_way() -> None:
    model = inside()
    type_in(model, "\n".join(map(str, range(20))))
    assert commands.answer(model, "/stop").taken
    assert len(model.outgoing.unsent(model.current)) == 20 - IN_FLIGHT
    assert model.outgoing.waiting == 0
    assert not commands.answer(model, "/stop").taken


def test_a_label_says_which_line_was_refused_and_which_was_echoed() -> None:
    model = inside(ECHO | {"labeled-response", "batch"})
    assert type_in(model, "one", "one", "three") == [
        b"@label=l1 PRIVMSG #lobby one\r\n",
        b"@label=l2 PRIVMSG #lobby one\r\n",
        b"@label=l3 PRIVMSG #lobby three\r\n",
    ]
    take(model, Refused("#lobby", "Too fast", 8.0, "404", "l2"), Say(ANA, "#lobby", "THREE", 8.0, label="l3"))
    assert shown(model.current.lines) == [
        ("one", Delivery.PENDING),
        ("one", Delivery.UNSENT),
        ("THREE", Delivery.SENT),
    ]


@pytest.mark.parametrize(
    "typed", ["/msg NickServ IDENTIFY hunter2", "/ns identify ana hunter2", "/ns set password hunter2"]
)
def test_a_password_for_a_service_is_sent_and_never_shown(typed: str) -> None:
    model = inside()
    (sent,) = type_in(model, typed)
    assert b"hunter2" in sent
    take(model, Say(ANA, "NickServ", sent.decode().split(" :")[-1].strip(), 8.0))
    talk = model.talks.find("nickserv")
    assert talk
    assert [(line.text.endswith("••••"), line.raw, line.delivery) for line in talk.lines] == [(True, "", Delivery.SENT)]
    assert holds_secret(typed)


@pytest.mark.parametrize("typed", ["/msg NickServ help", "hello", "/msg ben identify yourself", "/ns info ana"])
def test_other_words_are_shown_and_recalled(typed: str) -> None:
    assert not holds_secret(typed)
