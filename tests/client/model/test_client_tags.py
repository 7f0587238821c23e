"""Who is typing, replies and reactions, where the server passes on client-only tags."""

import pytest

from chat.client.irc.news import Join, Kind, Person, Say
from chat.client.irc.server_news import Welcomed
from chat.client.model import commands
from chat.client.model.changes import Change, LineChanged, TypingChanged
from chat.client.model.network import Network
from tests.scripted import ScriptedServer

ANA = Person("ana", "a", "h")
BEN = Person("ben", "b", "h")
ZOE = Person("zoe", "z", "h")
CAPS = frozenset({"echo-message", "message-tags"})


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def inside(clock: Clock, capabilities: frozenset[str] = CAPS) -> Network:
    network = Network("ana", "#lobby", "h:1", clock=clock)
    for news in (Welcomed("ana", capabilities, 1.0), Join(ANA, "#lobby", 1.0), Join(BEN, "#lobby", 1.0)):
        network.take(news)
    network.current.lines.clear()
    network.take_output()
    return network


def tags(network: Network, who: Person, text: str, at: float = 10.0) -> list[Change]:
    return network.take(Say(who, "#lobby", "", at, Kind.TAGS, text))


def test_who_types_is_told_until_they_say_something_stop_or_go_on_no_more() -> None:
    clock = Clock()
    network = inside(clock)
    assert tags(network, BEN, "+typing=active") == [TypingChanged(network.current)]
    assert network.status == "h:1 · you are ana · ben is typing …"
    tags(network, ZOE, "+typing=active")
    assert "ben and zoe are typing" in network.status
    network.take(Say(BEN, "#lobby", "here", 11.0))
    tags(network, ZOE, "+typing=done")
    assert "typing" not in network.status
    tags(network, BEN, "+typing=active")
    clock.now = 17.0
    assert "typing" not in network.status


def test_others_are_told_now_and_then_that_we_type_and_that_we_stopped() -> None:
    clock = Clock()
    network = inside(clock)
    talk = network.current
    for now in (10.0, 11.0, 13.5):
        clock.now = now
        network.tags.we_type(talk, active=True)
    assert network.take_output() == [b"@+typing=active TAGMSG #lobby\r\n"] * 2
    network.tags.we_type(talk, active=False)
    network.tags.we_type(talk, active=False)
    assert network.take_output() == [b"@+typing=done TAGMSG #lobby\r\n"]
    clock.now = 20.0
    network.tags.we_type(talk, active=True)
    commands.answer(network, "said")
    network.tags.we_type(talk, active=False)
    assert b"done" not in b"".join(network.take_output())


@pytest.mark.parametrize("capabilities", [frozenset[str](), CAPS])
def test_nobody_is_told_where_the_server_or_the_person_does_not_want_it(capabilities: frozenset[str]) -> None:
    network = inside(Clock(), capabilities)
    network.tags.enabled = not capabilities
    network.tags.we_type(network.current, active=True)
    assert network.take_output() == []


def test_a_reply_shows_what_it_answers() -> None:
    network = inside(Clock())
    network.take(Say(BEN, "#lobby", "shall we?", 2.0, msgid="m1"))
    network.take(Say(ZOE, "#lobby", "yes", 3.0, tags="+draft/reply=m1"))
    network.take(Say(ZOE, "#lobby", "no", 3.0, tags="+draft/reply=unknown"))
    assert [line.reply for line in network.current.lines] == ["", "ben: shall we?", ""]


def test_our_reply_is_sent_with_what_it_answers_and_shown_so() -> None:
    network = inside(Clock())
    network.take(Say(BEN, "#lobby", "shall we?", 2.0, msgid="m1"))
    network.current.reply_to = network.current.lines[-1]
    assert commands.answer(network, "yes").send == [b"@+draft/reply=m1 PRIVMSG #lobby yes\r\n"]
    assert commands.answer(network, "and more").send == [b"PRIVMSG #lobby :and more\r\n"]
    network.take(Say(ANA, "#lobby", "yes", 3.0, tags="+draft/reply=m1", msgid="m2"))
    assert [line.reply for line in network.current.lines] == [
        "ben: shall we?" if t == "yes" else "" for t in ("", "yes", "")
    ]


def test_reactions_are_counted_by_person() -> None:
    network = inside(Clock())
    network.take(Say(BEN, "#lobby", "it works", 2.0, msgid="m1"))
    (changed,) = tags(network, ZOE, "+draft/react=👍;+draft/reply=m1")
    assert isinstance(changed, LineChanged)
    tags(network, ZOE, "+draft/react=👍;+draft/reply=m1")
    tags(network, ANA, "+draft/react=👍;+draft/reply=m1")
    tags(network, ANA, "+draft/react=x;+draft/reply=gone")
    assert network.current.lines[-1].reactions == (("👍", ("zoe", "ana")),)
    network.tags.react(network.current, network.current.lines[-1], "❤")
    assert network.take_output() == ["@+draft/react=❤;+draft/reply=m1 TAGMSG #lobby\r\n".encode()]


def test_tags_from_strangers_open_no_talk() -> None:
    network = inside(Clock())
    assert network.take(Say(ZOE, "ana", "", 3.0, Kind.TAGS, "+typing=active")) == []
    assert network.talks.find("zoe") is None


@pytest.mark.gui
def test_replies_reactions_and_typing_at_the_window(scripted: ScriptedServer, request: pytest.FixtureRequest) -> None:
    hands = request.getfixturevalue("hands")
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome("message-tags echo-message")
    hands.wait_for("You joined")
    end.send("@msgid=m1 :ben!b@h PRIVMSG #lobby :shall we?", "@+typing=active :ben!b@h TAGMSG #lobby")
    hands.until(lambda: "ben is typing" in window.view.status["text"])
    line = window.network.current.lines[-1]
    window.actions.text_menu(line, "", 5, 5)
    menu = window.menus.context
    place = menu.index("Reply")
    menu.unpost()
    menu.invoke(place)
    hands.until(window.view.composer.reply.winfo_ismapped)
    assert window.view.composer.replied["text"] == "Reply to ben: shall we?"
    hands.key("y")
    hands.root.update()
    assert end.expect("TAGMSG").params == ["#lobby"]
    hands.type("es")
    said = end.expect("PRIVMSG")
    assert (said.params[1], said.tag("+draft/reply")) == ("yes", "m1")
    hands.until(lambda: not window.view.composer.reply.winfo_ismapped())
    hands.wait_for("↪ ben: shall we?  yes")
    end.send("@+draft/react=x;+draft/reply=m1 :ben!b@h TAGMSG #lobby")
    hands.wait_for("shall we?   x ")
    window.actions.text_menu(line, "", 5, 5)
    place = menu.index("React 👍")
    menu.unpost()
    menu.invoke(place)
    reaction = end.expect("TAGMSG")
    assert reaction.tag("+draft/react") == "👍"
