"""What each client gets of one pass. The fakes keep every push apart, so that sends can be counted."""

import pytest

from chat.wires.irc import IrcDialect
from chat.wires.message import Message
from chat.wires.tilde import TILDE
from chat.wires.wire import Dialect
from tests.asking import ask_as
from tests.core.chat import IRC, Chat, CountingDialect, FakeClient

TAGGED = IrcDialect.of({"message-tags"})


def members(chat: Chat, *dialects: Dialect, room: str = "#a") -> list[FakeClient]:
    """Clients in the room, who have seen everything so far."""
    clients = [chat.member(f"user{number}", room, dialect=dialect) for number, dialect in enumerate(dialects)]
    for client in clients:
        client.take()
    return clients


def join(chat: Chat, client: FakeClient, room: str = "#a") -> None:
    """As JOIN without its answer."""
    assert client.user is not None
    chat.node.ask(client, Message("JOIN", [room], client.user.mask))


def leave(chat: Chat, client: FakeClient, room: str = "#a") -> None:
    assert client.user is not None
    chat.node.ask(client, Message("PART", [room], client.user.mask))


def test_a_pass_is_encoded_once_and_all_members_get_the_same_bytes_object_in_one_push() -> None:
    chat, dialect = Chat(), CountingDialect()
    ana, *others = members(chat, *[dialect] * 100)
    dialect.encodes = 0
    for text in ("one ", "two ", "three "):
        chat.say(ana, text)
    chat.flush()
    assert dialect.encodes == 3
    assert {len(client.pushes) for client in others} == {1}
    assert {id(client.pushes[0]) for client in others} == {id(others[0].pushes[0])}
    assert others[0].take() == b"one two three "


def test_each_dialect_is_encoded_once_and_one_without_members_never() -> None:
    chat, used, unused = Chat(), CountingDialect(), CountingDialect()
    ana, bob, _ = members(chat, used, unused, used)
    leave(chat, bob)
    chat.flush()
    used.encodes = unused.encodes = 0
    chat.say(ana, "one")
    chat.flush()
    assert (used.encodes, unused.encodes) == (1, 0)


def test_who_does_not_hear_itself_gets_all_but_its_own_words() -> None:
    chat = Chat()
    ana, bob, eve = members(chat, *[CountingDialect()] * 3)
    for text, client in (("1", ana), ("2", bob), ("3", ana), ("4", bob)):
        chat.say(client, text)
    chat.flush()
    assert (ana.take(), bob.take(), eve.take()) == (b"24", b"13", b"1234")


@pytest.mark.parametrize("framed", [True, False])
def test_who_hears_itself_gets_its_own_words_once_and_in_their_place(framed: bool) -> None:
    chat, dialect = Chat(), CountingDialect()
    dialect.echoes, dialect.framed = True, framed
    ana, bob = members(chat, dialect, dialect)
    for text, client in (("1", ana), ("2", bob), ("3", ana)):
        chat.say(client, text)
    chat.flush()
    assert (ana.take(), bob.take()) == (b"123", b"123")


def test_a_joiner_gets_its_own_join_and_what_comes_after_and_nothing_before() -> None:
    chat, dialect = Chat(), CountingDialect()
    (ana,) = members(chat, dialect)
    joiner, eve = chat.member("joiner", dialect=dialect), chat.member("eve", "#a", dialect=dialect)
    ana.take()
    chat.say(ana, "before ")
    join(chat, joiner)
    chat.say(ana, " after")
    chat.flush()
    assert joiner.take() == b"Join after"
    assert eve.take() == b"before Join after"
    assert ana.take() == b"Join"
    chat.say(ana, "later")
    chat.flush()
    assert joiner.take() == b"later"


def test_who_leaves_gets_its_leave_and_nothing_after() -> None:
    chat = Chat()
    ana, bob, eve = members(chat, *[CountingDialect()] * 3)
    chat.say(bob, "before ")
    leave(chat, ana)
    chat.say(bob, " after")
    chat.flush()
    chat.say(bob, " later")
    chat.flush()
    assert ana.take() == b"before Leave"
    assert eve.take() == b"before Leave after later"


def test_who_comes_and_goes_within_a_pass_gets_just_that_time() -> None:
    chat, dialect = Chat(), CountingDialect()
    ana, eve = members(chat, dialect, dialect)
    guest = chat.member("guest", dialect=dialect)
    for _ in range(2):
        chat.say(ana, "x")
        join(chat, guest)
        chat.say(ana, "y")
        leave(chat, guest)
        chat.say(ana, "z")
    chat.flush()
    assert guest.take() == b"JoinyLeave" * 2
    assert eve.take() == b"xJoinyLeavez" * 2


def test_a_member_who_leaves_and_comes_back_within_a_pass_misses_just_that_time() -> None:
    chat = Chat()
    ana, guest, eve = members(chat, *[CountingDialect()] * 3)
    chat.say(ana, "x")
    leave(chat, guest)
    chat.say(ana, "y")
    join(chat, guest)
    chat.say(ana, "z")
    leave(chat, guest)
    chat.say(ana, "!")
    chat.flush()
    assert guest.take() == b"xLeaveJoinzLeave"
    assert eve.take() == b"xLeaveyJoinzLeave!"
    chat.say(ana, "later")
    chat.flush()
    assert guest.take() == b""


@pytest.mark.parametrize("dialect", [IRC, TILDE])
def test_of_what_everybody_gets_nothing_counts_as_asked_for(dialect: Dialect) -> None:
    chat = Chat()
    ana, bob, leaver = members(chat, *[dialect] * 3)
    joiner = chat.member("joiner", dialect=dialect)
    ask_as(chat.node, ana, Message("PRIVMSG", ["#a", "hello"], chat.user("user0").mask))
    join(chat, joiner)
    leave(chat, leaver)
    chat.flush()
    assert [client.answers for client in (ana, bob, leaver, joiner)] == [0, 0, 0, 0]
    assert all(client.pushes for client in (bob, leaver, joiner))


def test_each_unframed_client_is_told_which_of_its_sends_tell_who_came_and_went() -> None:
    chat = Chat()
    ana, bob, leaver = members(chat, *[TILDE] * 3)
    joiner = chat.member("joiner", dialect=TILDE)
    ask_as(chat.node, ana, Message("PRIVMSG", ["#a", "hello"], chat.user("user0").mask))
    join(chat, joiner)
    leave(chat, leaver)
    chat.flush()
    assert (len(bob.pushes), bob.notices) == (3, 2)
    assert (len(leaver.pushes), leaver.notices) == (2, 1)


def test_an_answer_comes_behind_the_events_before_it_and_ahead_of_those_after() -> None:
    chat = Chat()
    ana, bob, eve = members(chat, *[CountingDialect()] * 3)
    chat.say(bob, "1")
    ana.send(b"[answer]")
    chat.say(bob, "2")
    chat.flush()
    assert (ana.answers, ana.take()) == (8, b"1[answer]2")
    assert eve.take() == b"12"


def test_an_answer_to_who_has_left_comes_behind_the_leave() -> None:
    chat = Chat()
    ana, bob = members(chat, *[CountingDialect()] * 2)
    leave(chat, ana)
    chat.say(bob, "later")
    ana.send(b"[answer]")
    chat.flush()
    assert ana.take() == b"Leave[answer]"


def test_an_unframed_member_gets_one_push_for_each_event_though_others_get_one_in_all() -> None:
    chat = Chat()
    tilde, irc, other = members(chat, TILDE, IRC, IRC)
    chat.say(irc, "one")
    ask_as(chat.node, tilde, Message("PRIVMSG", ["#a", "two"], chat.user("user0").mask))
    chat.flush()
    assert tilde.pushes == [b"user1~one", b"user0~two"]
    assert len(other.pushes) == 1


def test_an_unframed_joiner_in_the_middle_of_a_pass_gets_only_what_is_its_own() -> None:
    chat = Chat()
    (irc,) = members(chat, IRC)
    tilde = chat.member("ti", dialect=TILDE)
    chat.say(irc, "before")
    join(chat, tilde)
    chat.say(irc, "after")
    chat.flush()
    assert tilde.pushes == [b"SERVER~ti joined the chat app", b"user0~after"]


def test_a_listener_hears_the_room_from_then_on_and_nothing_before() -> None:
    chat, dialect = Chat(), CountingDialect()
    (ana,) = members(chat, dialect)
    listener = chat.client(dialect)
    chat.say(ana, "before")
    chat.node.fan_out.listen(listener, "#a")
    chat.say(ana, "after")
    chat.flush()
    assert listener.take() == b"after"
    chat.node.fan_out.forget(listener)
    chat.say(ana, "later")
    chat.flush()
    assert listener.take() == b""


def test_a_listener_who_enters_is_not_told_twice() -> None:
    chat, dialect = Chat(), CountingDialect()
    ana, eve = members(chat, dialect, dialect)
    listener = chat.member("listener", dialect=dialect)
    chat.node.fan_out.listen(listener, "#a")
    chat.say(ana, "1")
    join(chat, listener)
    chat.say(ana, "2")
    chat.flush()
    assert listener.take() == b"1Join2"
    assert eve.take() == b"1Join2"


# Several rooms


def test_who_leaves_several_rooms_at_once_hears_none_of_them_afterwards() -> None:
    chat, dialect = Chat(), CountingDialect()
    ana = chat.member("ana", "#a", "#b", "#c", dialect=dialect)
    bob = chat.member("bob", "#a", "#b", "#c", dialect=dialect)
    ana.take()
    chat.node.quit(ana, "gone")
    for room in ("#a", "#b", "#c"):
        chat.say(bob, f"in {room}", room)
    chat.flush()
    assert ana.take() == b""
    assert ana.audiences == []
    assert bob.take() == b"Quit"
    assert [chat.node.fan_out.size(room) for room in ("#a", "#b", "#c")] == [1, 1, 1]
    chat.node.quit(bob, "gone")
    chat.flush()
    assert [chat.node.fan_out.size(room) for room in ("#a", "#b", "#c")] == [0, 0, 0]
    assert not chat.node.fan_out._audiences


def test_what_spans_rooms_is_told_once_to_each_whatever_rooms_they_share() -> None:
    chat, dialect = Chat(), CountingDialect()
    ana = chat.member("ana", "#a", "#b", "#c", dialect=dialect)
    both, one = chat.member("both", "#a", "#b", dialect=dialect), chat.member("one", "#c", dialect=dialect)
    none = chat.member("none", "#d", dialect=dialect)
    ana.take(), both.take(), one.take()
    dialect.encodes = 0
    chat.run(ana, "NICK anna")
    chat.flush()
    assert [client.take() for client in (ana, both, one, none)] == [b"Rename", b"Rename", b"Rename", b""]
    assert dialect.encodes == 1


def test_members_of_the_same_several_rooms_share_one_bytes_object_in_the_logs_order() -> None:
    chat, dialect = Chat(), CountingDialect()
    ana = chat.member("ana", "#a", "#b", dialect=dialect)
    shared = [chat.member(f"user{number}", "#a", "#b", dialect=dialect) for number in range(5)]
    only = chat.member("only", "#b", dialect=dialect)
    for client in (ana, *shared):
        client.take()
    chat.say(ana, "1", "#b")
    chat.say(ana, "2", "#a")
    chat.say(ana, "3", "#b")
    chat.flush()
    assert {len(client.pushes) for client in shared} == {1}
    assert {id(client.pushes[0]) for client in shared} == {id(shared[0].pushes[0])}
    assert shared[0].take() == b"123"
    assert only.take() == b"13"


def test_what_one_user_does_in_several_rooms_is_heard_in_that_order_by_members_of_both() -> None:
    chat = Chat()
    ana, both = chat.member("ana", "#a", "#b"), chat.member("both", "#a", "#b")
    one, speaker = chat.member("one", "#b"), chat.member("speaker", "#a", "#b")
    for client in (ana, both, one):
        client.take()
    chat.run(speaker, "PRIVMSG #a :1", "PRIVMSG #b :2", "PRIVMSG #a :3")
    chat.run(speaker, "PART #b", "NICK new", "PRIVMSG #a :4")
    chat.flush()
    heard = [
        ":speaker!~u@host PRIVMSG #a :1",
        ":speaker!~u@host PRIVMSG #b :2",
        ":speaker!~u@host PRIVMSG #a :3",
        ":speaker!~u@host PART #b",
        ":speaker!~u@host NICK new",
        ":new!~u@host PRIVMSG #a :4",
    ]
    assert both.lines() == ana.lines() == heard
    assert one.lines() == [heard[1], heard[3]]
    assert speaker.lines() == heard[3:5]


def test_a_rename_and_then_a_join_are_heard_in_that_order() -> None:
    chat = Chat()
    ana, both = chat.member("ana", "#a"), chat.member("both", "#a", "#b")
    ana.take()
    chat.run(ana, "NICK new", "JOIN #b")
    chat.flush()
    renamed, joined = ":ana!~u@host NICK new", ":new!~u@host JOIN #b"
    assert both.lines() == [renamed, joined]
    assert ana.lines()[:2] == [renamed, joined]


def test_private_words_stand_between_the_events_of_rooms() -> None:
    chat = Chat()
    ana, bob = chat.member("ana", "#a"), chat.member("bob", "#a")
    ana.take()
    chat.run(ana, "PRIVMSG #a :1", "PRIVMSG bob :2", "PRIVMSG #a :3")
    assert [line.rpartition(":")[2] for line in chat.told(bob)] == ["1", "2", "3"]
    assert chat.told(ana) == []


def test_words_to_oneself_are_heard_once() -> None:
    chat = Chat()
    ana = chat.member("ana", "#a")
    chat.say(ana, "note", "ana")
    assert chat.told(ana) == [":ana!~u@host PRIVMSG ana :note"]


@pytest.mark.parametrize("rooms", [("#a",), ("#a", "#b")])
def test_an_answer_shows_the_state_at_its_place(rooms: tuple[str, ...]) -> None:
    chat = Chat()
    ana, bob = chat.member("ana", *rooms), chat.member("bob", *rooms)
    ana.take()
    chat.run(ana, "NAMES #a")
    chat.run(bob, *(f"PRIVMSG {room} :hello" for room in rooms), "PART #a")
    chat.run(ana, "NAMES #a")
    lines = [line.removeprefix(":fanfare.local ") for line in chat.told(ana)]
    end = "366 ana #a :End of /NAMES list"
    said = [f":bob!~u@host PRIVMSG {room} :hello" for room in rooms]
    assert lines == ["353 ana = #a :@ana bob", end, *said, ":bob!~u@host PART #a", "353 ana = #a :@ana", end]


def test_members_of_some_of_several_rooms_hear_these_and_no_other() -> None:
    chat = Chat()
    first, second = chat.member("first", "#a", "#b"), chat.member("second", "#b", "#c")
    talker = chat.member("talker", "#a", "#b", "#c")
    for client in (first, second, talker):
        client.take()
    chat.run(talker, *(f"PRIVMSG #{letter} :{letter}" for letter in "abcab"))
    heard = {client: [line.rpartition(":")[2] for line in chat.told(client)] for client in (first, second, talker)}
    assert heard == {first: ["a", "b", "a", "b"], second: ["b", "c", "b"], talker: []}


# Answers


def test_of_what_a_client_gets_the_answers_are_told_apart_from_words_to_it() -> None:
    chat = Chat()
    ana, bob = chat.member("ana", "#a"), chat.member("bob", "#a")
    ana.take()
    chat.say(ana, "psst", "bob")
    chat.flush()
    assert (len(bob.take()) > 0, bob.answers) == (True, 0)
    chat.run(bob, "CAP REQ :labeled-response batch echo-message")
    chat.flush()
    bob.take()
    chat.run(bob, "@label=1 PRIVMSG ana :psst")
    chat.say(ana, "psst", "bob")
    chat.flush()
    answers = bob.answers
    (echo, word) = bob.lines()
    assert answers == len(echo) + 2
    assert word == ":ana!~u@host PRIVMSG bob :psst"


@pytest.mark.parametrize("label", ["", "@label=1 "])
def test_a_labelled_event_of_ones_own_is_an_answer_and_any_other_is_none(label: str) -> None:
    chat = Chat()
    ana, bob = chat.member("ana", "#a"), chat.member("bob", "#a")
    chat.run(ana, "CAP REQ :labeled-response batch")
    chat.flush()
    ana.take()
    chat.run(ana, f"{label}NICK anna")
    chat.flush()
    assert (ana.answers > 0) is bool(label)
    assert ana.lines() == [f"{label}:ana!~u@host NICK anna"]
    assert (bob.answers, bob.lines()) == (0, [":ana!~u@host NICK anna"])


def test_an_unframed_client_with_bytes_of_its_own_loses_no_event_and_knows_which_are_notices() -> None:
    chat = Chat()
    ana, tilde = members(chat, IRC, TILDE)
    joiners = [chat.member(f"joiner{number}") for number in range(3)]
    chat.say(ana, "1")
    tilde.send(b"[own]")
    chat.say(ana, "2")
    for joiner in joiners:
        join(chat, joiner)
    chat.say(ana, "3")
    chat.flush()
    notices = tilde.notices
    assert [data for data in tilde.pushes if b"joined" not in data] == [b"user0~1", b"[own]", b"user0~2", b"user0~3"]
    assert len(tilde.pushes) == 7
    assert notices == 3


# Dialects


def test_another_dialect_holds_for_what_comes_after_it_within_a_pass() -> None:
    chat = Chat()
    ana, bob, eve = members(chat, IRC, IRC, IRC)
    chat.say(bob, "1")
    chat.node.fan_out.change_dialect(ana, TAGGED)
    chat.say(bob, "2")
    chat.flush()
    assert [line[0] for line in ana.lines()] == [":", "@"]
    assert [line[0] for line in eve.lines()] == [":", ":"]
    chat.say(bob, "3")
    assert [line[0] for line in chat.told(ana)] == ["@"]


def test_capabilities_that_change_within_a_pass_hold_from_their_place_in_every_room() -> None:
    chat = Chat()
    ana, bob = chat.member("ana", "#a", "#b"), chat.member("bob", "#a", "#b")
    ana.take()
    chat.run(bob, "PRIVMSG #a :1", "PRIVMSG #b :2")
    chat.run(ana, "CAP REQ message-tags")
    chat.run(bob, "PRIVMSG #b :3")
    chat.run(ana, "CAP REQ -message-tags")
    chat.run(bob, "PRIVMSG #a :4")
    lines = [line for line in chat.told(ana) if "PRIVMSG" in line]
    assert [line.rpartition(":")[2] for line in lines] == ["1", "2", "3", "4"]
    assert [line.startswith("@msgid=") for line in lines] == [False, False, True, False]


def test_who_joins_and_changes_its_dialect_within_a_pass_gets_each_event_once() -> None:
    chat = Chat()
    ana, bob = chat.member("ana", "#a"), chat.member("bob")
    chat.say(ana, "1")
    chat.run(bob, "JOIN #a")
    chat.say(ana, "2")
    chat.run(bob, "CAP REQ message-tags")
    chat.say(ana, "3")
    chat.run(bob, "PART #a")
    chat.say(ana, "4")
    lines = [line.rpartition(" ")[2] for line in chat.told(bob) if "fanfare.local" not in line]
    assert lines == ["#a", ":2", ":3", "#a"]


# Sizes


def test_of_a_large_pass_a_member_with_a_stream_of_its_own_loses_nothing() -> None:
    chat = Chat()
    ana, bob, eve = chat.member("ana", "#a"), chat.member("bob", "#a"), chat.member("eve", "#a")
    ana.take(), bob.take()
    texts = [f"{number} {'x' * 380}" for number in range(100)]
    for text in texts[:50]:
        chat.say(bob, text)
    ana.send(b"[answer]\r\n")
    for text in texts[50:]:
        chat.say(bob, text)
    chat.flush()
    assert ana.answers == len(b"[answer]\r\n")
    lines = [line.partition(" :")[2] or line for line in ana.lines()]
    assert lines == [*texts[:50], "[answer]", *texts[50:]]
    assert [line.partition(" :")[2] for line in eve.lines()] == texts


def test_a_pass_without_events_or_answers_pushes_nothing() -> None:
    chat = Chat()
    (ana,) = members(chat, IRC)
    chat.flush()
    assert ana.pushes == []
    chat.node.fan_out.forget(ana)
    ana.send(b"late")
    chat.node.fan_out.forget(ana)
    chat.flush()
    assert ana.pushes == []


def test_the_members_of_a_room_are_counted_by_those_who_hear_it() -> None:
    chat = Chat()
    members(chat, IRC, TILDE, TAGGED)
    assert chat.node.fan_out.size("#a") == 3
    assert chat.node.fan_out.size("#b") == 0
