"""The rules without sockets: who is here, what changes, and what each is told in which order."""

import pytest

from chat.server.commands import run_unframed
from chat.server.commands.lobby import free_name
from chat.server.core.state import Refusal
from chat.wires.irc import LINE_BYTES
from chat.wires.message import Message, parse
from chat.wires.names import NICK_LENGTH
from chat.wires.numerics import ERR_NOPRIVILEGES
from chat.wires.relay import RelayWire
from chat.wires.wire import Enter, Speak, TakeName
from tests.core.chat import START, Chat, FakeClient


def guest(chat: Chat) -> FakeClient:
    return chat.client(RelayWire().dialect)


def enter(chat: Chat, name: str) -> FakeClient:
    client = guest(chat)
    run_unframed(chat.node, client, Enter(name))
    return client


@pytest.mark.parametrize("caps", ["", "userhost-in-names"])
def test_a_thousand_names_come_over_full_lines_and_none_is_lost(caps: str) -> None:
    chat = Chat()
    nicks = [f"member{number}" + "x" * (number % 20) for number in range(1000)]
    for nick in nicks:
        chat.member(nick, "#big")
    reader = chat.member("reader")
    chat.run(reader, f"CAP REQ :{caps}", "JOIN #big")
    chat.told(reader)
    chat.run(reader, "NAMES #big")
    *lines, end = chat.told(reader)
    assert end == ":fanfare.local 366 reader #big :End of /NAMES list"
    spare = NICK_LENGTH + 60  # all readers share the lines, so each leaves room for the longest nickname; and one mask
    assert all(LINE_BYTES - spare < len(line) + 2 <= LINE_BYTES for line in lines[:-1])
    names = [name for line in lines for name in parse(line).params[3].split(" ")]
    assert [name.partition("!")[0] for name in names] == ["@" + nicks[0], *nicks[1:], "reader"]
    assert all(("!" in name) is bool(caps) for name in names)


# Names


def test_a_name_has_one_holder_in_any_case() -> None:
    chat = Chat()
    ana, other = chat.member("ana"), chat.member("other")
    for nick in ("ana", "ANA"):
        chat.run(other, f"NICK {nick}")
        assert chat.told(other) == [f":fanfare.local 433 other {nick} :Nickname is already in use"]
    chat.run(ana, "NICK Ana")
    assert chat.told(ana) == [":ana!~u@host NICK Ana"]
    assert chat.user("aNa").nick == "Ana"
    assert len(chat.node.state.users) == 2


def test_a_nickname_belongs_to_nobody_until_somebody_has_registered_with_it() -> None:
    chat = Chat()
    first, second = chat.client(), chat.client()
    chat.run(first, "NICK ana")
    assert chat.node.state.find_user("ana") is None
    chat.run(second, "NICK ana", "USER b 0 * :B")
    assert second.user is chat.user("ana")
    chat.told(second)
    chat.run(first, "USER a 0 * :A")
    assert chat.told(first) == [":fanfare.local 433 * ana :Nickname is already in use"]
    assert first.user is None
    chat.run(first, "NICK anna")
    assert first.user is chat.user("anna")
    assert chat.told(first)[0].endswith("anna!~a@host")


def test_a_refused_rename_changes_nothing() -> None:
    chat = Chat()
    ana, bea = chat.member("ana", "#a"), chat.member("bea", "#a")
    ana.take()
    for nick in ("bea", "a\u00a0b", ":", "x" * 31, "server"):
        chat.run(ana, f"NICK {nick}")
    assert [line.split(" ")[1] for line in chat.told(ana)] == ["433", "432", "431", "432", "432"]
    assert ana.nick == "ana"
    assert chat.user("ana") is ana.user
    assert chat.told(bea) == []


def test_a_rename_to_the_same_name_is_told_to_nobody_and_to_another_case_to_everybody() -> None:
    chat = Chat()
    ana, bea = chat.member("ana", "#a"), chat.member("bea", "#a")
    ana.take()
    chat.run(ana, "NICK ana", "NICK ANA")
    assert chat.told(bea) == chat.told(ana) == [":ana!~u@host NICK ANA"]


def test_unframed_names_in_use_get_a_number_and_the_nameless_are_guests() -> None:
    chat = Chat()
    chat.member("ana")
    names = ("ana", "ANA", "", "", "x" * 30, "x" * 30)
    assert [enter(chat, name).nick for name in names] == [
        "ana2",
        "ANA3",
        "guest1",
        "guest2",
        "x" * 30,
        "x" * 29 + "2",
    ]


def test_guests_are_counted_on_and_skip_a_name_that_somebody_has() -> None:
    chat = Chat()
    chat.member("guest2")
    first = enter(chat, "")
    chat.node.quit(first, "gone")
    assert [first.nick, enter(chat, "").nick, enter(chat, "").nick] == ["", "guest3", "guest4"]


def test_a_user_name_of_an_unframed_guest_keeps_the_promised_length() -> None:
    chat = Chat()
    enter(chat, "Ana-with-a-long-name")
    assert chat.user("Ana-with-a-long-name").person.user == "~ana-with-"


def test_an_unframed_guest_enters_once_and_may_take_another_name() -> None:
    chat = Chat()
    ana = chat.member("ana", "#lobby")
    client = guest(chat)
    for command in (Enter("bea"), Enter("carl"), TakeName("dora")):
        run_unframed(chat.node, client, command)
    assert client.nick == "dora"
    assert client.user is not None
    assert [room.name for room in client.user.rooms] == ["#lobby"]
    assert [line.partition(" ")[2] for line in chat.told(ana)] == ["JOIN #lobby", "NICK dora"]


def test_words_before_entering_go_nowhere() -> None:
    chat = Chat()
    ana = chat.member("ana", "#lobby")
    chat.run(ana, "MODE #lobby -n")
    chat.told(ana)
    run_unframed(chat.node, guest(chat), Speak("hello"))
    run_unframed(chat.node, guest(chat), TakeName("bea"))
    assert chat.told(ana) == []


def test_a_room_on_an_unframed_wire_is_the_lobby_alone() -> None:
    chat = Chat(lobby="#hall")
    ana = chat.member("ana", "#hall")
    bea = enter(chat, "bea")
    run_unframed(chat.node, bea, Speak("hello"))
    assert chat.told(ana) == [":bea!~bea@host JOIN #hall", ":bea!~bea@host PRIVMSG #hall :hello"]


# Being here


def test_users_are_counted_while_they_are_registered() -> None:
    chat = Chat()
    ana, bea = chat.member("ana"), chat.member("bea")
    chat.run(chat.client(), "NICK carl")
    state = chat.node.state
    assert (list(state.users.values()), state.most_users) == ([ana.user, bea.user], 2)
    chat.node.quit(ana, "gone")
    chat.node.quit(ana, "gone again")
    assert (list(state.users.values()), state.most_users) == ([bea.user], 2)
    assert ana.user is None


def test_who_quits_is_out_of_every_room_and_each_is_told_once() -> None:
    chat = Chat()
    ana, bea = chat.member("ana", "#a", "#b", "#c"), chat.member("bea", "#a", "#b")
    user = chat.user("ana")
    ana.take(), bea.take()
    chat.node.quit(ana, "gone")
    assert chat.told(bea) == [":ana!~u@host QUIT :gone"]
    assert [room.name for room in chat.node.state.rooms.values()] == ["#a", "#b"]
    assert [[member.nick for member in room.members] for room in chat.node.state.rooms.values()] == [["bea"], ["bea"]]
    assert not user.rooms
    assert user not in chat.node.fan_out.clients


def test_a_stopping_server_tells_nobody_who_goes() -> None:
    chat = Chat()
    ana, bea = chat.member("ana", "#a"), chat.member("bea", "#a")
    chat.node.silent = True
    chat.node.quit(ana, "Server stopped")
    assert chat.told(bea) == []
    assert list(chat.node.state.users.values()) == [bea.user]


# Rooms


def test_the_log_keeps_what_happened_in_its_order_and_no_more_than_the_setting_says() -> None:
    chat = Chat(memory_length=3)
    ana, bea = chat.member("ana", "#a", "#b"), chat.member("bea", "#a")
    chat.say(ana, "one")
    chat.say(bea, "two")
    chat.run(ana, "NICK anna")
    chat.node.quit(bea, "gone")
    assert [entry.line.partition(" :")[2] for entry in chat.node.log.entries] == [  # type: ignore[attr-defined]
        "bea!~u@host PRIVMSG #a two",
        "ana!~u@host NICK anna",
        "bea!~u@host QUIT gone",
    ]


def test_a_refused_request_is_in_no_log_and_changes_nothing() -> None:
    chat = Chat()
    chat.member("ana", "#a")
    bea = chat.member("bea", "#a")
    before, length = chat.node.state.dump(), len(chat.node.log.entries)  # type: ignore[attr-defined]
    for line in ("TOPIC #a :mine", "MODE #a -n", "KICK #a ana", "JOIN a", "PART #b", "NICK ana", "PRIVMSG #c :x"):
        chat.run(bea, line)
    numerics = [line.split(" ")[1] for line in chat.told(bea)]
    assert numerics == ["482", "482", "482", "476", "403", "433", "401"]
    assert chat.node.state.dump() == before
    assert len(chat.node.log.entries) == length  # type: ignore[attr-defined]


def test_only_words_count_as_a_sign_that_somebody_is_there() -> None:
    chat = Chat()
    ana = chat.member("ana", "#a")
    chat.now = START + 60.0
    chat.run(ana, "TAGMSG #a", "AWAY :lunch", "TOPIC #a :x", "WHOIS ana")
    assert chat.user("ana").spoke == START
    assert any(" 317 ana ana 60 1000 " in line for line in chat.told(ana))
    chat.say(ana, "hello")
    assert chat.user("ana").spoke == START + 60.0
    chat.now += 5.9
    chat.run(ana, "WHOIS ana")
    assert any(" 317 ana ana 5 1000 " in line for line in chat.told(ana))


def test_who_is_away_already_is_not_announced_again() -> None:
    chat = Chat()
    ana, bea = chat.member("ana", "#a"), chat.client()
    chat.run(bea, "CAP REQ away-notify", "NICK bea", "USER b 0 * :B", "CAP END", "JOIN #a")
    chat.told(bea)
    chat.run(ana, *(f"AWAY :{text}" for text in ("lunch", "lunch", "tea")), "AWAY", "AWAY")
    assert chat.told(bea) == [":ana!~u@host AWAY :lunch", ":ana!~u@host AWAY :tea", ":ana!~u@host AWAY"]


def test_who_is_kicked_on_a_wire_without_commands_is_disconnected() -> None:
    chat = Chat()
    ana, bea, carl = chat.member("ana", "#lobby"), enter(chat, "bea"), chat.member("carl", "#lobby")
    chat.run(ana, "KICK #lobby bea :out", "KICK #lobby carl :out")
    assert bea.hung_up == "kicked by ana: out"
    assert chat.node.state.find_user("bea") is None
    assert carl.hung_up == ""
    assert chat.node.state.find_user("carl") is carl.user


def test_the_first_who_can_use_an_operators_rights_gets_them_where_nobody_else_could() -> None:
    chat = Chat()
    enter(chat, "bea")
    ana, carl = chat.member("ana", "#lobby"), chat.member("carl", "#lobby")
    chat.run(ana, "NAMES #lobby")
    names = next(line for line in chat.told(ana) if " 353 " in line).rpartition(":")[2]
    assert names == "bea @ana carl"
    chat.run(ana, "MODE #lobby -o ana")
    chat.member("dora", "#lobby")
    assert not any(chat.room("#lobby").members.values())  # the members decided so
    assert carl.user is not None


def test_a_request_of_somebody_who_is_not_here_is_refused() -> None:
    chat = Chat()
    with pytest.raises(Refusal, match="No such nick"):
        chat.user("ana")
    refusals: list[Refusal] = []
    client = chat.client()
    chat.node.ask(client, Message("JOIN", ["#a"], "ana!~u@host"), refused=refusals.append)
    assert [refusal.numeric.code for refusal in refusals] == ["401"]
    assert not chat.node.state.rooms


def test_a_name_that_is_the_servers_makes_a_guest_and_no_endless_search() -> None:
    chat = Chat()
    assert free_name(chat.node, chat.client(), "Server") == "guest1"


def test_users_cannot_have_histories_purged() -> None:
    chat = Chat()
    ana, refusals = chat.member("ana", "#a"), list[Refusal]()
    chat.node.ask(ana, Message("PURGE", ["1", "*", "*"], chat.user("ana").mask), refused=refusals.append)
    assert [refusal.numeric for refusal in refusals] == [ERR_NOPRIVILEGES]
