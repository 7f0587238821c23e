"""Founders, operators and voices: who gives and takes a rank, and who gets it back."""

import pytest

from chat.wires.irc import IrcDialect
from chat.wires.message import Message
from tests.asking import ask_as
from tests.core.chat import Chat


@pytest.fixture
def chat() -> Chat:
    return Chat()


def test_a_clients_list_shows_the_highest_sign_or_all(chat: Chat) -> None:
    ana, bea = chat.member("ana", "#a"), chat.member("bea", "#a")
    chat.log_in(ana, "ana")
    chat.run(ana, "MODE #a +qv ana ana", "MODE #a +v bea")
    assert chat.answers(bea, "NAMES #a")[0] == "353 bea = #a :~ana +bea"
    bea.set_capabilities(frozenset({"multi-prefix"}), IrcDialect.of(()))
    assert chat.answers(bea, "NAMES #a")[0] == "353 bea = #a :~@+ana +bea"
    assert " H~@+ " in chat.answers(bea, "WHO #a")[0]
    assert "319 bea ana :~@+#a" in chat.answers(bea, "WHOIS ana")


def test_a_founder_is_deposed_and_thrown_out_by_founders_alone(chat: Chat) -> None:
    ana, bea, eve = chat.member("ana"), chat.member("bea"), chat.member("eve")
    chat.log_in(ana, "ana")
    for client in (ana, bea, eve):
        chat.run(client, "JOIN #a")
    assert chat.answers(bea, "NAMES #a")[0] == "353 bea = #a :~ana bea eve"
    chat.run(ana, "MODE #a +o bea")
    no = "482 bea #a :That is for the room's founder"
    chat.log_in(bea, "bea")
    assert chat.answers(bea, "MODE #a -o ana", "MODE #a -q ana", "KICK #a ana", "MODE #a +q bea") == [no] * 4
    assert chat.answers(ana, "MODE #a +q bea") == [":ana!~u@host MODE #a +q bea"]
    assert chat.answers(bea, "MODE #a -qo ana ana") == [":bea!~u@host MODE #a -qo ana ana"]
    assert chat.answers(bea, "KICK #a ana") == [":bea!~u@host KICK #a ana :bea"]


def test_who_comes_back_logged_in_has_the_rank_of_before(chat: Chat) -> None:
    ana, bea, eve = chat.member("ana"), chat.member("bea"), chat.member("eve", "#b")
    chat.log_in(ana, "ana")
    chat.log_in(bea, "bea")
    for client in (ana, bea):
        chat.run(client, "JOIN #a")
    chat.run(eve, "JOIN #a")
    chat.run(ana, "MODE #a +v bea")
    chat.run(ana, "PART #a")
    chat.run(bea, "PART #a")
    chat.told(eve)
    assert chat.answers(ana, "JOIN #a")[1] == "353 ana = #a :eve ~ana"
    assert chat.told(eve) == [":ana!~u@host JOIN #a", ":fanfare.local MODE #a +qo ana ana"]
    assert chat.answers(bea, "JOIN #a")[1] == "353 bea = #a :eve ~ana +bea"
    assert chat.told(eve) == [":bea!~u@host JOIN #a", ":fanfare.local MODE #a +v bea"]
    chat.run(ana, "MODE #a -v bea")
    chat.run(bea, "PART #a", "JOIN #a")
    assert chat.answers(bea, "NAMES #a")[0] == "353 bea = #a :eve ~ana bea"


def test_who_logs_in_later_gets_it_then(chat: Chat) -> None:
    ana = chat.member("ana")
    chat.log_in(ana, "ana")
    eve = chat.member("eve")
    chat.run(ana, "JOIN #a")
    chat.run(eve, "JOIN #a")
    other = chat.member("ana2", "#a")
    chat.told(eve)
    chat.node.ask(other, Message("ACCOUNT", ["ana"], "ana2!~u@host"))
    assert ":fanfare.local MODE #a +qo ana2 ana2" in chat.told(eve)


def test_a_founders_room_makes_no_stranger_its_operator(chat: Chat) -> None:
    ana, eve = chat.member("ana"), chat.member("eve")
    chat.log_in(ana, "ana")
    chat.run(ana, "JOIN #a")
    bot = chat.client(host="bot")
    ask_as(chat.node, bot, Message("USER", ["~u", "plain", "*", "bot"], "bot!~u@bot"))
    ask_as(chat.node, bot, Message("JOIN", ["#a"], "bot!~u@bot"))
    chat.run(ana, "PART #a")
    assert chat.answers(eve, "JOIN #a")[1] == "353 eve = #a :bot eve"


def test_an_account_made_again_under_the_old_name_has_nothing_of_it(chat: Chat) -> None:
    ana, eve = chat.member("ana"), chat.member("eve")
    chat.log_in(ana, "ana")
    chat.run(ana, "JOIN #a")
    chat.run(eve, "JOIN #a")
    chat.run(ana, "PART #a")
    chat.now += 10
    chat.node.ask(ana, Message("DROP", ["ana"], chat.node.name))
    chat.log_in(ana, "ana")
    assert chat.answers(ana, "JOIN #a")[1] == "353 ana = #a :eve ana"


def test_several_are_kicked_at_once_and_not_too_many(chat: Chat) -> None:
    ana, *_ = (chat.member(nick, "#a") for nick in ("ana", "b", "c", "d", "e", "f"))
    assert chat.answers(ana, "KICK #a b,c,zoe,d :out") == [
        ":ana!~u@host KICK #a b :out",
        ":ana!~u@host KICK #a c :out",
        "441 ana zoe #a :They aren't on that channel",
        ":ana!~u@host KICK #a d :out",
    ]
    assert chat.answers(ana, "KICK #a a,b,c,d,e") == ["407 ana a,b,c,d,e :Too many targets: the limit is 4"]
