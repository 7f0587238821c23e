"""Own words: pending until the server has them, unsent when it cannot, never lost and never in a wrong place."""

from collections.abc import Iterable

import pytest

from chat.client.irc.news import Join, News, Person, Rename, Say
from chat.client.irc.server_news import Connecting, Lost, Ponged, Refused, Welcomed
from chat.client.model import commands
from chat.client.model.changes import Appended, Change, LineChanged, LineRemoved
from chat.client.model.network import Network
from chat.client.model.outgoing import IN_FLIGHT, KEPT
from chat.client.model.talk import SCROLLBACK, Delivery, Line, LineKind
from chat.client.text.clean import holds_secret

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")
ECHO = frozenset({"echo-message"})


def inside(capabilities: frozenset[str] = ECHO) -> Network:
    network = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    come_in(network, capabilities)
    network.current.lines.clear()
    return network


def come_in(network: Network, capabilities: frozenset[str] = ECHO) -> None:
    take(network, Connecting("irc.example"), Welcomed("ana", capabilities, 1.0), Join(ANA, "#lobby", 2.0))


def take(network: Network, *news: News) -> list[Change]:
    return [change for one in news for change in network.take(one)]


def type_in(network: Network, *texts: str) -> list[bytes]:
    """What goes out for it; the network thread takes it all."""
    data = [data for text in texts for data in commands.answer(network, text).send]
    network.taken(True)
    return data


def resend(network: Network, *lines: Line) -> tuple[list[bytes], list[Change]]:
    changes = network.resend(*lines)
    return network.take_output(), changes


def shown(lines: Iterable[Line]) -> list[tuple[str, Delivery]]:
    return [(line.text, line.delivery) for line in lines if line.words]


def test_words_are_shown_at_once_and_their_echo_settles_them_in_place() -> None:
    network = inside()
    answer = commands.answer(network, "hello")
    assert answer.send == [b"PRIVMSG #lobby hello\r\n"]
    pending = Line(7.0, LineKind.SAY, "hello", "ana", mine=True, delivery=Delivery.PENDING)
    assert answer.changes == [Appended(network.current, pending, 0)]
    settled = Line(8.0, LineKind.SAY, "hello", "ana", mine=True)
    changes = take(network, Say(ANA, "#lobby", "hello", 8.0))
    assert changes == [LineChanged(network.current, settled)]
    assert list(network.current.lines) == [settled]
    assert isinstance(changes[0], LineChanged)
    assert isinstance(answer.changes[0], Appended)
    assert changes[0].line.id == answer.changes[0].line.id


def test_the_order_is_that_of_the_room() -> None:
    network = inside()
    type_in(network, "mine", "mine too")
    changes = take(network, Say(BEN, "#lobby", "his", 8.0), Say(ANA, "#lobby", "mine", 8.0))
    assert [type(change) for change in changes] == [Appended, LineRemoved, Appended]
    assert shown(network.current.lines) == [
        ("mine too", Delivery.PENDING),
        ("his", Delivery.SENT),
        ("mine", Delivery.SENT),
    ]
    take(network, Say(ANA, "#lobby", "mine too", 8.0))
    assert [text for text, _ in shown(network.current.lines)] == ["his", "mine", "mine too"]


def test_several_of_ones_own_settle_in_place_one_after_the_other() -> None:
    network = inside()
    type_in(network, "one", "two", "/me three")
    news = [Say(ANA, "#lobby", text, 8.0) for text in ("one", "two", "\x01ACTION three\x01")]
    assert [type(change) for change in take(network, *news)] == [LineChanged] * 3
    assert shown(network.current.lines) == [("one", Delivery.SENT), ("two", Delivery.SENT), ("three", Delivery.SENT)]


def test_an_echo_settles_the_line_that_it_is_the_echo_of() -> None:
    network = inside()
    type_in(network, "swallowed by the server", "passed on")
    take(network, Say(ANA, "#lobby", "passed on", 8.0))
    assert shown(network.current.lines) == [("swallowed by the server", Delivery.PENDING), ("passed on", Delivery.SENT)]


def test_words_that_the_server_changed_take_the_place_of_the_oldest_pending_ones() -> None:
    network = inside()
    type_in(network, "darn it")
    take(network, Say(ANA, "#lobby", "**** it", 8.0), Say(ANA, "#lobby", "from my telephone", 9.0))
    assert shown(network.current.lines) == [("**** it", Delivery.SENT), ("from my telephone", Delivery.SENT)]


def test_an_echo_after_the_scrollback_has_passed_is_appended() -> None:
    network = inside()
    type_in(network, "mine")
    take(network, *(Say(BEN, "#lobby", str(number), 8.0) for number in range(SCROLLBACK)))
    assert [type(change) for change in take(network, Say(ANA, "#lobby", "mine", 9.0))] == [Appended]
    assert shown(network.current.lines)[-1] == ("mine", Delivery.SENT)


def test_without_echo_the_answer_to_a_ping_settles_all_that_went_before_it() -> None:
    network = inside(frozenset())
    assert type_in(network, "one\ntwo", "three") == [
        b"PRIVMSG #lobby one\r\n",
        b"PRIVMSG #lobby two\r\n",
        b"PING said-1\r\n",
        b"PRIVMSG #lobby three\r\n",
        b"PING said-2\r\n",
    ]
    assert take(network, Ponged("fanfare")) == []
    assert [type(change) for change in take(network, Ponged("said-1"))] == [LineChanged] * 2
    assert shown(network.current.lines) == [("one", Delivery.SENT), ("two", Delivery.SENT), ("three", Delivery.PENDING)]
    take(network, Ponged("said-2"))
    assert shown(network.current.lines)[-1] == ("three", Delivery.SENT)


@pytest.mark.parametrize("capabilities", [ECHO, frozenset[str]()])
def test_what_is_on_its_way_when_the_connection_ends_is_perhaps_sent_and_can_be_sent_again(
    capabilities: frozenset[str],
) -> None:
    network = inside(capabilities)
    type_in(network, "hello")
    changes = take(network, Lost("cut", 8.0))
    perhaps = Line(7.0, LineKind.SAY, "hello", "ana", mine=True, delivery=Delivery.PERHAPS)
    assert LineChanged(network.current, perhaps) in changes
    assert resend(network, perhaps) == ([], [])
    network.begin_again()
    come_in(network, capabilities)
    (line,) = network.outgoing.unsent(network.current)
    send, changes = resend(network, line)
    assert send[0] == b"PRIVMSG #lobby hello\r\n"
    assert [type(change) for change in changes] == [LineRemoved, Appended]
    assert shown(network.current.lines) == [("hello", Delivery.PENDING)]
    assert network.outgoing.unsent(network.current) == []
    assert resend(network, line) == ([], [])


def test_what_is_typed_without_a_connection_stands_there_unsent_and_is_sent_in_its_order() -> None:
    network = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0)
    assert commands.answer(network, "hello").taken
    assert type_in(network, "/me waves") == []
    assert shown(network.current.lines) == [("hello", Delivery.UNSENT), ("waves", Delivery.UNSENT)]
    come_in(network)
    send, _ = resend(network, *network.outgoing.unsent(network.current))
    assert send == [b"PRIVMSG #lobby hello\r\n", b"PRIVMSG #lobby :\x01ACTION waves\x01\r\n"]


def test_what_the_server_refuses_to_pass_on_is_unsent() -> None:
    network = inside()
    type_in(network, "hello", "again")
    take(network, Refused("#lobby", "Cannot send to channel", 8.0, "404"))
    assert shown(network.current.lines) == [("hello", Delivery.UNSENT), ("again", Delivery.PENDING)]
    take(network, Refused("#lobby", "You're not channel operator", 8.0, "482"))
    assert shown(network.current.lines)[1] == ("again", Delivery.PENDING)


def test_what_the_session_does_not_take_is_unsent() -> None:
    network = inside()
    type_in(network, "this went out")
    commands.answer(network, "this did not")
    network.taken(False)
    assert shown(network.current.lines) == [("this went out", Delivery.PENDING), ("this did not", Delivery.UNSENT)]


def test_unsent_words_come_back_when_a_flood_has_pushed_them_out() -> None:
    network = inside()
    type_in(network, "hello")
    take(network, *(Say(BEN, "#lobby", str(number), 8.0) for number in range(SCROLLBACK)), Lost("cut", 9.0))
    assert ("hello", Delivery.PERHAPS) in shown(network.current.lines)
    assert [line.text for line in network.outgoing.unsent(network.current)] == ["hello"]


def test_a_person_with_another_name_gets_the_words_under_that_name() -> None:
    network = inside()
    take(network, Say(BEN, "ana", "psst", 3.0))
    ben = network.talks.find("ben")
    assert ben
    network.open(ben)
    type_in(network, "yes?")
    take(network, Refused("ben", "No such nick", 4.0, "401"), Rename(BEN, "zoe", 4.0))
    send, _ = resend(network, *network.outgoing.unsent(ben))
    assert send == [b"PRIVMSG zoe yes?\r\n"]


def test_what_cannot_be_kept_stays_in_the_box() -> None:
    network = Network("ana", "#lobby", "irc.example:6667")
    for number in range(KEPT):
        assert commands.answer(network, str(number)).taken
    assert not commands.answer(network, "one more").taken
    assert not commands.answer(network, "two\nmore").taken
    assert len(network.outgoing.unsent(network.current)) == KEPT


def test_nobody_reads_what_is_said_in_the_talk_of_the_server() -> None:
    network = inside()
    network.open(network.talks.server)
    answer = commands.answer(network, "hello")
    assert not answer.taken
    assert answer.send == []


def test_a_paste_goes_out_as_fast_as_the_server_takes_it() -> None:
    network = inside(frozenset())
    sent = type_in(network, "\n".join(map(str, range(300))))
    assert len(sent) == IN_FLIGHT + 1
    assert "292 lines waiting to be sent" in network.status
    rounds = 0
    while sent[-1].startswith(b"PING"):
        take(network, Ponged(sent[-1].decode().split()[1]))
        more = network.take_output()
        network.taken(True)
        if not more:
            break
        assert len(more) <= IN_FLIGHT + 1
        sent += more
        rounds += 1
    said = [line.split(b" ")[2].strip().decode() for line in sent if line.startswith(b"PRIVMSG")]
    assert said == list(map(str, range(300)))
    assert rounds == 37
    assert "wait" not in network.status
    assert {delivery for _, delivery in shown(network.current.lines)} == {Delivery.SENT}


def test_a_paste_to_a_server_that_echoes_goes_on_with_the_echoes() -> None:
    network = inside()
    sent = type_in(network, "\n".join(map(str, range(20))))
    said: list[str] = []
    while sent:
        words = [line.split(b" ")[2].strip().decode() for line in sent if line.startswith(b"PRIVMSG")]
        said += words
        take(network, *(Say(ANA, "#lobby", text, 8.0) for text in words))
        sent = network.take_output()
        network.taken(True)
    assert said == list(map(str, range(20)))
    assert shown(network.current.lines) == [(text, Delivery.SENT) for text in said]


def test_what_still_waits_when_the_connection_ends_is_surely_unsent_and_the_rest_perhaps() -> None:
    network = inside()
    type_in(network, "\n".join(map(str, range(20))))
    take(network, Say(ANA, "#lobby", "0", 8.0), Lost("cut", 9.0))
    states = [delivery for _, delivery in shown(network.current.lines)]
    assert states == [Delivery.SENT] + [Delivery.PERHAPS] * (IN_FLIGHT - 1) + [Delivery.UNSENT] * (20 - IN_FLIGHT)


def test_stopping_keeps_here_what_is_not_on_its_way() -> None:
    network = inside()
    type_in(network, "\n".join(map(str, range(20))))
    assert commands.answer(network, "/stop").taken
    assert len(network.outgoing.unsent(network.current)) == 20 - IN_FLIGHT
    assert network.outgoing.waiting == 0
    assert not commands.answer(network, "/stop").taken


def test_a_label_says_which_line_was_refused_and_which_was_echoed() -> None:
    network = inside(ECHO | {"labeled-response", "batch"})
    assert type_in(network, "one", "one", "three") == [
        b"@label=l1 PRIVMSG #lobby one\r\n",
        b"@label=l2 PRIVMSG #lobby one\r\n",
        b"@label=l3 PRIVMSG #lobby three\r\n",
    ]
    take(network, Refused("#lobby", "Too fast", 8.0, "404", "l2"), Say(ANA, "#lobby", "THREE", 8.0, label="l3"))
    assert shown(network.current.lines) == [
        ("one", Delivery.PENDING),
        ("one", Delivery.UNSENT),
        ("THREE", Delivery.SENT),
    ]


@pytest.mark.parametrize(
    "typed",
    ["/msg NickServ IDENTIFY hunter2", "/ns identify ana hunter2", "/ns set password hunter2", "/register hunter2"],
)
def test_a_password_for_a_service_is_sent_and_never_shown(typed: str) -> None:
    network = inside()
    (sent,) = type_in(network, typed)
    assert b"hunter2" in sent
    take(network, Say(ANA, "NickServ", sent.decode().split(" :")[-1].strip(), 8.0))
    talk = network.talks.find("nickserv")
    assert talk
    assert [(line.text.endswith("••••"), line.raw, line.delivery) for line in talk.lines] == [(True, "", Delivery.SENT)]
    assert holds_secret(typed)


@pytest.mark.parametrize("typed", ["/msg NickServ help", "hello", "/msg ben identify yourself", "/ns info ana"])
def test_other_words_are_shown_and_recalled(typed: str) -> None:
    assert not holds_secret(typed)
