"""The window under real keys and a real mouse: what a person does, and what they then see."""

import os
import socket
import sys
import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from chat.client import run
from chat.client.irc.address import Address
from chat.client.irc.session import Session
from chat.client.model import commands, settings
from chat.client.model.connection import Reconnect
from chat.client.model.settings import Server, Settings
from chat.client.model.talk import SCROLLBACK
from chat.client.text.palette import DARK, LIGHT, READABLE, contrast
from chat.client.ui import look
from chat.errors import SetupError
from tests.scripted import ScriptedServer
from tests.support import PATIENCE, RunningServer, running_server

try:
    import tkinter
    from tkinter import font

    from chat.client.ui.menus import ITEMS, THEMES, all_keys, keys_shown
    from tests.client.hands import Hands, lively_room
except ImportError:
    if os.environ.get("REQUIRE_DISPLAY"):
        raise
    pytest.skip("this Python has no Tk", allow_module_level=True)

pytestmark = pytest.mark.gui


def target_of(server: RunningServer) -> Address:
    return Address("127.0.0.1", server.ports["irc"])


def test_given_address_and_name_it_connects_with_the_cursor_in_the_message_box(
    hands: Hands, server: RunningServer
) -> None:
    ben = server.irc("ben", "#lobby")
    window = hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    hands.until(lambda: hands.members() == ("ana", "ben"))
    assert hands.root.focus_get() is window.view.composer.text
    hands.type("hello there, ben!")
    assert ben.expect("PRIVMSG").params == ["#lobby", "hello there, ben!"]
    hands.wait_for("ana  hello there, ben!")
    assert window.view.composer.get() == ""
    ben.say("#lobby", "\x02hi\x02 ana")
    hands.wait_for("ben  hi ana")
    hands.type("/me waves")
    assert ben.expect("PRIVMSG").params == ["#lobby", "\x01ACTION waves\x01"]
    hands.wait_for("•  ana waves")
    assert hands.root.title() == "#lobby - Fanfare"
    assert window.view.status["text"] == f"{target_of(server).server} · you are ana"


def test_the_form_takes_a_name_and_joins(hands: Hands, server: RunningServer) -> None:
    window = hands.open(target_of(server))
    assert hands.root.focus_get() is window.form.name
    assert window.form.server.get() == target_of(server).server
    assert all(field.winfo_viewable() for field in (window.form.server, window.form.name, window.form.room))
    assert not window.form.password.winfo_viewable()
    hands.type("zoe")
    hands.wait_for("You joined #lobby")
    assert hands.members() == ("zoe",)


def test_an_empty_name_is_an_error_and_the_cursor_goes_to_it(hands: Hands) -> None:
    window = hands.open()
    window.form.name.delete(0, "end")
    window.form.room.focus_set()
    asked: list[str] = []
    hands.answer_next_dialog("ok", asked)
    hands.click(window.form.button)
    assert asked == ["Please enter a name: the others see it beside what you write."]
    assert hands.root.focus_get() is window.form.name
    assert window.form.winfo_viewable()


def test_a_name_in_use_is_said_in_words_and_another_gets_in(hands: Hands, server: RunningServer) -> None:
    server.irc("ana", "#lobby")
    window = hands.open(target_of(server), "ana")
    hands.until(window.form.winfo_viewable)
    assert window.form.notice["text"] == "The name ana is already in use. Please choose another, as ana_."
    assert window.form.name.get() == "ana_"
    assert window.form.name.selection_present()
    hands.type("zoe")
    hands.wait_for("You joined #lobby")
    hands.until(lambda: hands.members() == ("ana", "zoe"))


def test_a_server_that_wants_a_password_gets_one(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.accept()
    end.expect("USER")
    end.send(":irc.example 464 ana :Password incorrect", "ERROR :Closing link: Bad password")
    end.sock.close()
    hands.until(window.form.password.winfo_viewable)
    assert window.form.notice["text"].endswith("wants a password")
    assert hands.root.focus_get() is window.form.password
    hands.type("secret")
    end = scripted.accept()
    assert end.expect("PASS").params == ["secret"]
    window.close()
    assert "secret" not in (settings.folder() / "client.json").read_text()


def test_what_is_wrong_in_a_field_is_said_under_it(hands: Hands) -> None:
    window = hands.open(None, "ana")
    window.form.server.delete(0, "end")
    window.form.server.insert(0, "here:there")
    hands.click(window.form.button)
    hands.root.update()
    said = [label["text"] for label in window.form.errors.values() if label.winfo_viewable()]
    assert said == ["'here:there': the port is 'there', it must be a number from 1 to 65535"]
    assert hands.root.focus_get() is window.form.server


def test_members_come_go_and_change_their_names(hands: Hands, server: RunningServer) -> None:
    hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    ben = server.irc("ben", "#lobby")
    hands.until(lambda: hands.members() == ("ana", "ben"))
    assert hands.window.view.people.count["text"] == "Members (2)"
    ben.send("NICK zoe")
    hands.until(lambda: hands.members() == ("ana", "zoe"))
    hands.type("/nick anna")
    hands.until(lambda: hands.members() == ("anna", "zoe"))
    assert hands.window.view.status["text"].endswith("you are anna")
    ben.send("QUIT :lunch")
    hands.wait_for("zoe quit (lunch)")
    assert hands.members() == ("anna",)


def test_a_lost_connection_shows_at_once_and_a_button_connects_again(hands: Hands, scripted: ScriptedServer) -> None:
    much_later = partial(Reconnect, base=3600.0, cap=3600.0, chance=lambda: 1.0)
    window = hands.open(scripted.target, "ana", Session, much_later)
    end = scripted.welcome()
    hands.wait_for("You joined #lobby")
    end.send("ERROR :Closing link: out of power")
    end.sock.close()
    hands.until(window.view.banner.winfo_viewable)
    assert window.view.why["text"] == "Connection lost: Closing link: out of power"
    assert hands.members() == ()
    assert window.view.status["text"] == "Not connected · next attempt in 3600 s"
    hands.type("anyone?")
    assert window.view.composer.get() == ""
    hands.wait_for("anyone?  Not sent. Send again")
    hands.click(window.view.again_button)
    scripted.welcome()
    hands.until(lambda: hands.members() == ("ana", "ben"))
    assert not window.view.banner.winfo_viewable()
    assert hands.root.focus_get() is window.view.composer.text
    assert "out of power" in hands.transcript()


def test_a_lost_connection_is_tried_again_by_itself(hands: Hands, scripted: ScriptedServer) -> None:
    at_once = partial(Reconnect, chance=lambda: 0.0)
    window = hands.open(scripted.target, "ana", Session, at_once)
    end = scripted.welcome()
    hands.wait_for("You joined #lobby")
    end.sock.close()
    hands.until(lambda: window.view.status["text"].startswith("Connecting"))
    scripted.welcome()
    hands.until(lambda: hands.transcript().count("You joined #lobby") == 2)
    assert hands.members() == ("ana", "ben")


def test_someone_kicked_may_join_again(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(":ben!b@h KICK #lobby ana :spam")
    hands.until(window.view.banner.winfo_viewable)
    assert window.view.why["text"] == "ben removed you from #lobby (spam)"
    hands.click(window.view.again_button)
    assert end.expect("JOIN").params == ["#lobby"]
    end.send(":ana!a@h JOIN #lobby")
    hands.until(lambda: not window.view.banner.winfo_viewable())


def test_without_echo_own_words_are_pending_until_the_server_came_by_them(
    hands: Hands, scripted: ScriptedServer
) -> None:
    hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined #lobby")
    hands.type("hello")
    hands.wait_for("ana  hello")
    assert "pending" in hands.looks("hello")
    assert end.expect("PRIVMSG").params == ["#lobby", "hello"]
    end.send(f":irc.example PONG irc.example {end.expect('PING').params[0]}")
    hands.until(lambda: "pending" not in hands.looks("hello"))


def test_a_flood_leaves_time_for_keys_and_only_the_scrollback_stays(hands: Hands, scripted: ScriptedServer) -> None:
    hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined #lobby")
    flood = b"".join(b":ben!b@h PRIVMSG #lobby :%d and some words\r\n" % number for number in range(6_000))
    flooding = threading.Thread(target=end.sock.sendall, args=(flood,))
    flooding.start()
    beats = [time.thread_time()]  # what this thread worked in between, whatever else the machine did

    def beat() -> None:
        beats.append(time.thread_time())
        if len(beats) == 10:
            hands.key("h", "i", "Return")
        hands.root.after(10, beat)

    beat()
    hands.wait_for("5999 and some words")
    flooding.join()
    assert end.expect("PRIVMSG").params == ["#lobby", "hi"]
    lines = hands.transcript().split("\n")
    assert len(lines) == SCROLLBACK
    assert lines[0].endswith(" and some words")
    assert lines[-1].endswith("5999 and some words"), "the key press came after the flood, not within it"
    longest = max(later - earlier for earlier, later in pairwise(beats))
    assert longest < 1.0, f"the window stood still for {longest:.1f} s"


def test_who_has_scrolled_back_is_left_there(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(*(f":ben!b@h PRIVMSG #lobby :line {number}" for number in range(200)))
    hands.wait_for("line 199")
    text = window.view.transcript.text
    assert text.yview()[1] == 1.0
    text.focus_set()
    hands.key("Prior", "Prior")
    hands.root.update()
    first = text.index("@0,0")
    assert text.yview()[1] < 1.0
    end.send(":ben!b@h PRIVMSG #lobby :line 200")
    hands.wait_for("line 200")
    assert text.index("@0,0") == first


def test_the_end_stays_in_sight_when_the_window_shrinks(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(*(f":ben!b@h PRIVMSG #lobby :{'wide words ' * 20}{number}" for number in range(50)))
    hands.wait_for("words 49")
    hands.root.geometry("430x310")
    hands.until(lambda: hands.root.winfo_width() == 430)
    hands.until(lambda: window.view.transcript.text.yview()[1] == 1.0)
    for widget in (window.view.composer.text, window.view.composer.button, window.view.status, window.view.sidebar):
        assert widget.winfo_viewable()
        assert widget.winfo_rooty() + widget.winfo_height() <= hands.root.winfo_rooty() + 310


def test_a_word_wider_than_the_window_begins_beside_its_name_at_any_width(
    hands: Hands, scripted: ScriptedServer
) -> None:
    text = hands.open(scripted.target, "ana").view.transcript.text
    end = scripted.welcome()
    link = f"https://ci.example/{'run/' * 9}"
    end.send(*(f":ben!b@h PRIVMSG #lobby :{words}" for words in ("x" * 400, f"{link} is green", "over")))
    hands.wait_for("over")

    def line_of(words: str) -> str:
        return text.index(f"{text.search(words, '1.0')} linestart")

    def begins_beside(words: str) -> bool:
        text.see(line_of(words))
        name, word = text.bbox(line_of(words)), text.bbox(text.search(words, "1.0"))
        return name is not None and word is not None and abs(name[1] - word[1]) < name[3]

    assert begins_beside("xxx"), "as it came, too"
    for width, broken in ((1300, ["xxx"]), (500, ["xxx", link]), (1300, ["xxx"])):
        hands.root.geometry(f"{width}x600")
        hands.until(lambda width=width: hands.root.winfo_width() == width)  # type: ignore[misc]
        assert all(begins_beside(words) for words in ("xxx", link, "over"))
        assert [words for words in ("xxx", link, "over") if text.tag_names(line_of(words)).count("broken")] == broken


def test_the_transcript_can_be_selected_and_copied_but_not_written(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(":ben!b@h PRIVMSG #lobby :copy these words")
    hands.wait_for("copy these words")
    text = window.view.transcript.text
    before = hands.transcript()
    start = text.search("these", "1.0")
    left, top, _, height = text.bbox(start) or (0, 0, 0, 0)
    right = (text.bbox(f"{start}+5c") or (0, 0, 0, 0))[0]
    y = top + height // 2
    text.event_generate("<ButtonPress-1>", x=left + 1, y=y)
    text.event_generate("<B1-Motion>", x=right, y=y)
    text.event_generate("<ButtonRelease-1>", x=right, y=y)
    hands.root.update()
    text.event_generate("<<Copy>>")
    assert hands.root.clipboard_get() == "these"
    hands.key("x", "BackSpace")
    hands.root.update()
    assert hands.transcript() == before


HARSH = [
    "😀 👩\u200d👩\u200d👧 ❤️ 🇩🇪 𝔉𝔞𝔫𝔣𝔞𝔯𝔢",
    "x" * 400,
    "日本語" * 100,
    '{tcl} [exit] $x \\ "quoted',
    "\u202eesrever \x07\x1b[2J \u0300\u0301\u0302",
]


def test_words_are_found_among_emoji_whatever_their_case(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(
        *(f":ben!b@h PRIVMSG #lobby :{text}" for text in ("👍😀 The first", "nothing", "😀 the second 🎉 THE third"))
    )
    hands.wait_for("third")
    hands.press("Control-f")
    assert hands.root.focus_get() is window.view.find.field
    hands.key("t", "h", "e")
    hands.root.update()
    text = window.view.transcript.text
    assert window.view.find.found["text"] == "3 of 3"
    assert [text.get(*place) for place in window.view.find.places()] == ["The", "the", "THE"]
    hands.key("Return", "Return", "Return")
    assert window.view.find.found["text"] == "3 of 3"
    assert text.get(*text.tag_ranges("here")) == "THE"
    hands.press("F3")
    assert window.view.find.found["text"] == "1 of 3"
    hands.key("x")
    hands.root.update()
    assert window.view.find.found["text"] == "not found"
    hands.key("Escape")
    hands.root.update()
    assert not window.view.find.winfo_viewable()
    assert hands.root.focus_get() is window.view.composer.text
    assert not text.tag_ranges("found")


def test_a_name_is_completed_after_an_emoji(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(":Benjamin!b@h JOIN #lobby")
    hands.wait_for("Benjamin joined")
    window.view.composer.set("😀 hi benj!")
    window.view.composer.text.mark_set("insert", "end-2c")
    hands.key("Tab")
    hands.root.update()
    assert window.view.composer.get().startswith("😀 hi Benjamin")
    before = window.view.composer.text.get("1.0", "insert")
    assert before.rstrip() == "😀 hi Benjamin"
    hands.key("Tab")
    assert window.view.composer.get() == "😀 hi benj!"


@pytest.mark.parametrize("text", HARSH)
def test_harsh_text_is_shown_and_harms_nothing(hands: Hands, scripted: ScriptedServer, text: str) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(f":ben!b@h PRIVMSG #lobby :{text}", f":{text[:3]}!b@h JOIN #lobby", ":ben!b@h PRIVMSG #lobby :over")
    hands.wait_for("over")
    hands.root.update()
    assert window.view.transcript.text.xview() == (0.0, 1.0)


def test_closing_asks_while_connected(hands: Hands, server: RunningServer) -> None:
    ben = server.irc("ben", "#lobby")
    window = hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    asked: list[str] = []
    hands.answer_next_dialog("no", asked)
    window.ask_to_quit()
    assert asked == ["Do you want to quit?"]
    hands.type("still here")
    assert ben.expect("PRIVMSG").params[-1] == "still here"
    hands.answer_next_dialog("yes", asked)
    window.ask_to_quit()
    assert len(asked) == 2
    assert ben.expect("QUIT").nick == "ana"
    with pytest.raises(tkinter.TclError):
        hands.root.winfo_exists()


def test_quit_leaves_with_the_last_words_and_offers_the_form(hands: Hands, server: RunningServer) -> None:
    ben = server.irc("ben", "#lobby")
    window = hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    hands.type("/quit good night")
    assert ben.expect("QUIT").params[-1].endswith("good night")
    hands.until(window.form.winfo_viewable)
    assert window.form.name.get() == "ana"
    hands.click(window.form.button)
    hands.until(lambda: hands.members() == ("ana", "ben"))
    asked: list[str] = []
    hands.answer_next_dialog("yes", asked)
    hands.press("Control-Shift-D")
    assert asked == ["Do you want to disconnect?"]
    assert ben.expect("QUIT").nick == "ana"


def test_an_unknown_command_is_explained_and_stays_in_the_box(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.wait_for("You joined #lobby")
    hands.type("/dance")
    hands.wait_for("There is no command /dance")
    assert window.view.composer.get() == "/dance"


def test_the_window_works_while_a_connection_is_slow(
    hands: Hands, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = threading.Event()
    connect = socket.create_connection

    def slow(*arguments: object) -> socket.socket:
        looked_up.wait(PATIENCE)
        return connect(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", slow)
    window = hands.open(scripted.target, "ana")
    hands.type("too early")
    hands.wait_for("too early  Not sent. Send again")
    assert window.view.status["text"] == f"Connecting to {scripted.target.server} …"
    hands.press("Control-Shift-D")
    hands.until(window.form.winfo_viewable)
    looked_up.set()


def test_without_a_display_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SetupError, match="needs a display"):
        run(None, None)


def test_without_tk_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(SetupError, match="apt-get install python3-tk"):
        run("irc://127.0.0.1/lobby", "ana")


def test_two_clients_and_a_plain_connection_talk(hands: Hands, another_root: tkinter.Tk, server: RunningServer) -> None:
    carl = server.irc("carl", "#lobby")
    hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    other = Hands(another_root)
    other.open(target_of(server), "ben")
    other.wait_for("You joined #lobby")
    other.type("hello from ben")
    hands.wait_for("ben  hello from ben")
    hands.take_keyboard()
    hands.type("hello from ana")
    other.wait_for("ana  hello from ana")
    assert [carl.expect("PRIVMSG").params[-1] for _ in range(2)] == ["hello from ben", "hello from ana"]
    carl.say("#lobby", "and from carl")
    for person in (hands, other):
        person.wait_for("carl  and from carl")
        assert person.members() == ("ana", "ben", "carl")
    other.window.close()
    hands.wait_for("ben quit")


def test_private_words_open_a_talk_of_their_own_and_each_talk_keeps_its_draft(
    hands: Hands, server: RunningServer
) -> None:
    ben = server.irc("ben", "#lobby")
    window = hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    ben.say("ana", "psst")
    hands.until(lambda: ("ben", "@1") in hands.talks() or ("ben", "1") in hands.talks())
    assert "psst" not in hands.transcript()
    hands.key("d", "r", "a", "f", "t")
    hands.press("Control-Next")
    hands.wait_for("ben  psst")
    assert ("ben", "") in hands.talks()
    assert window.view.composer.get() == ""
    assert hands.root.title().startswith("ben")
    hands.type("/me nods")
    assert ben.expect("PRIVMSG").params == ["ben", "\x01ACTION nods\x01"]
    hands.type("/query #lobby")
    hands.wait_for("You joined #lobby")
    hands.press("Control-Next")
    assert window.view.composer.get() == "", "what opened the other talk is no draft"
    hands.type("not now")
    assert ben.expect("PRIVMSG").params == ["ben", "not now"]
    hands.press("Control-Prior")
    assert window.view.composer.get() == "draft"
    hands.press("Alt-Down")
    hands.press("Control-w")
    assert [name for name, _ in hands.talks()] == [target_of(server).server, "#lobby"]


def test_a_restarted_server_is_found_again_with_all_rooms_and_nothing_that_was_written_is_lost(hands: Hands) -> None:
    with running_server() as first:
        port = first.ports["irc"]
        window = hands.open(target_of(first), "ana", reconnect=partial(Reconnect, base=0.05, cap=0.05))
        hands.wait_for("You joined #lobby")
        hands.type("/join #tea")
        hands.wait_for("You joined #tea")
        hands.key("h", "a", "l", "f")
    hands.until(window.view.banner.winfo_viewable)
    assert window.view.composer.get() == "half"
    hands.key("Return")
    hands.key("m", "o", "r", "e", "Return", "r", "e", "s", "t")
    hands.wait_for("half  Not sent. Send again")
    hands.wait_for("more  Not sent. Send again")
    with running_server(port=port) as second:
        ben = second.irc("ben", "#lobby", "#tea")
        hands.until(lambda: hands.members() == ("ana", "ben"))
        assert not window.view.banner.winfo_viewable()
        assert window.view.composer.get() == "rest"
        hands.click_at(window.view.transcript.text.search("Send again", "1.0"))
        assert ben.expect("PRIVMSG").params == ["#tea", "half"]
        hands.press("Control-r")
        assert ben.expect("PRIVMSG").params == ["#tea", "more"]
        hands.until(lambda: "Not sent" not in hands.transcript())
        ben.say("#lobby", "welcome back")
        hands.press("Control-Prior")
        hands.wait_for("ben  welcome back")
        hands.window.close()


def test_everything_is_done_without_a_mouse(hands: Hands, server: RunningServer) -> None:
    ben = server.irc("ben", "#lobby")
    window = hands.open(target_of(server))
    hands.key("a", "n", "a", "Tab")
    hands.root.update()
    assert hands.root.focus_get() is window.form.room
    hands.key("Tab")
    hands.root.update()
    assert hands.root.focus_get() is window.form.button
    hands.key("Return")
    hands.until(lambda: hands.members() == ("ana", "ben"))
    parts = [window.view.sidebar.list, window.view.transcript.text, window.view.people.list, window.view.composer.text]
    for part in parts:
        hands.press("F6")
        assert hands.root.focus_get() is part
    hands.press("F6")
    hands.key("Up")
    hands.until(lambda: hands.root.title().startswith(target_of(server).server))
    assert hands.root.focus_get() is window.view.sidebar.list
    hands.key("Down", "Return")
    hands.until(lambda: hands.root.title().startswith("#lobby"))
    assert hands.root.focus_get() is window.view.composer.text
    window.view.people.list.focus_set()
    window.view.people.list.activate(window.view.people.list.get(0, "end").index("@ben"))
    hands.key("space")
    marked = [window.view.people.list.itemcget(row, "background") for row in range(window.view.people.list.size())]
    assert marked.count(window.theme.palette.marked) == 1
    assert window.view.people.chosen == "ben"
    hands.key("Return")
    hands.until(lambda: hands.root.title().startswith("ben"))
    hands.type("hi")
    assert ben.expect("PRIVMSG").params == ["ben", "hi"]
    hands.press("Control-j")
    assert window.view.composer.get() == "/join #"
    hands.type("tea")
    hands.wait_for("You joined #tea")


def test_what_is_typed_over_the_transcript_goes_to_the_message_box(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.wait_for("You joined #lobby")
    window.view.transcript.text.focus_set()
    hands.key("h")
    hands.root.update()
    hands.key("i")
    assert window.view.composer.get() == "hi"


def test_a_second_line_is_a_message_of_its_own_and_up_brings_both_back(hands: Hands, server: RunningServer) -> None:
    ben = server.irc("ben", "#lobby")
    window = hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    box = window.view.composer
    height = box.text.winfo_height()
    hands.key("o", "n", "e")
    hands.press("Shift-Return")
    hands.key("t", "w", "o")
    hands.root.update()
    assert box.get() == "one\ntwo"
    assert box.text.winfo_height() > height
    hands.key("Return")
    assert [ben.expect("PRIVMSG").params[-1] for _ in range(2)] == ["one", "two"]
    hands.root.update()
    assert box.text.winfo_height() == height
    hands.type("three")
    hands.key("x", "Up")
    assert box.get() == "three"
    hands.key("Up")
    assert box.get() == "one\ntwo"
    hands.key("Up", "Down")  # within the two lines
    assert box.get() == "one\ntwo"
    hands.key("Down", "Down")
    assert box.get() == "x"


def test_tab_completes_names_and_commands(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.until(lambda: hands.members() == ("ana", "ben"))
    hands.key("b", "Tab")
    assert window.view.composer.get() == "ben: "
    hands.key("Tab")
    assert window.view.composer.get() == "b"
    window.view.composer.set("")
    hands.key("slash", "j", "o", "Tab")
    assert window.view.composer.get() == "/join "


def test_a_link_opens_by_mouse_and_by_keys(
    hands: Hands, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited: list[str] = []
    monkeypatch.setattr("webbrowser.open", visited.append)
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(":ben!b@h PRIVMSG #lobby :see https://one.example/a_(b), \x02http\x02://two.example. javascript:alert(1)")
    hands.wait_for("alert")
    assert "link" in hands.looks("one.example")
    assert "link" not in hands.looks("javascript")
    hands.click_at(window.view.transcript.text.search("one.example", "1.0"))
    assert visited == ["https://one.example/a_(b)"]
    hands.press("Control-l")
    offered = window.menus.context
    assert [offered.entrycget(index, "label") for index in range(2)] == [
        "https://one.example/a_(b)",
        "http://two.example",
    ]
    offered.invoke(1)
    offered.unpost()
    assert visited[-1] == "http://two.example"


def test_what_the_connection_does_not_take_is_shown_as_unsent(hands: Hands, scripted: ScriptedServer) -> None:
    class Stuck(Session):
        def send(self, data: bytes) -> bool:
            return b"PRIVMSG" not in data and super().send(data)

    hands.open(scripted.target, "ana", Stuck)
    scripted.welcome()
    hands.wait_for("You joined #lobby")
    hands.type("hello")
    hands.wait_for("hello  Not sent. Send again")


def test_formatting_codes_are_shown_and_never_as_signs(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(":ben!b@h PRIVMSG #lobby :\x02thick\x02 \x1dslanted\x1d \x0304coloured\x03 ana: \x0399,99\x04zz")
    hands.wait_for("ben  thick slanted coloured ana: zz")
    assert "bold" in hands.looks("thick")
    assert "italic" in hands.looks("slanted")
    colour = next(tag for tag in hands.looks("coloured") if tag.startswith("fg#"))
    assert contrast(colour.removeprefix("fg"), window.view.transcript.text["background"]) >= READABLE


def test_new_lines_are_announced_to_who_has_scrolled_back(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    end.send(*(f":ben!b@h PRIVMSG #lobby :line {number}" for number in range(200)))
    hands.wait_for("line 199")
    newer = window.view.transcript.newer
    assert not newer.winfo_ismapped()
    assert hands.root.focus_get() is window.view.composer.text
    hands.key("Prior", "Prior")
    hands.root.update()
    end.send(":ben!b@h PRIVMSG #lobby :line 200", ":ben!b@h PRIVMSG #lobby :line 201")
    hands.until(newer.winfo_ismapped)
    hands.until(lambda: newer["text"] == "2 new ↓")
    hands.click(newer)
    hands.root.update()
    assert window.view.transcript.text.yview()[1] == 1.0
    assert not newer.winfo_ismapped()


def test_a_long_talk_is_there_at_once_with_its_newest_lines(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    end = scripted.welcome()
    hands.wait_for("You joined #lobby")
    hands.press("Control-Prior")
    end.send(*(f":ben!b@h PRIVMSG #lobby :line {number}" for number in range(2000)))
    hands.until(lambda: ("#lobby", "2,000") in hands.talks())
    assert window.network
    window.show(window.network.open(next(iter(window.network.talks.rooms()))))
    assert hands.transcript().endswith("line 1999")
    assert hands.transcript().count("\n") < 400
    end.send(":ben!b@h PRIVMSG #lobby :after")
    hands.wait_for("line 0\n")
    hands.wait_for("after")
    said = [line.split("  ")[-1] for line in hands.transcript().split("\n") if "line" in line or "after" in line]
    assert said == [*(f"line {number}" for number in range(2000)), "after"]
    assert window.view.transcript.text.yview()[1] == 1.0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_theme_is_worn_and_remembered_with_size_and_place(hands: Hands, theme: str) -> None:
    paper = {"light": LIGHT.paper, "dark": DARK.paper}[theme]
    zoe = Server("127.0.0.1:1", "zoe", opened=False)
    settings.save(Settings((zoe,), theme=theme, font_size=14, geometry="700x500+30+40", sashes=(200, 120)))
    window = hands.open()
    assert window.view.transcript.text["background"] == paper
    assert font.nametofont("TkTextFont", hands.root).actual("size") == 14
    assert hands.root.winfo_width() == 700
    assert window.form.name.get() == "zoe"
    hands.press("Control-plus")
    other = {"light": "dark", "dark": "light"}[theme]
    window.menus.themes.invoke(list(THEMES).index(other))
    hands.root.update()
    assert window.view.transcript.text["background"] != paper
    window.close()
    kept = settings.load()
    assert (kept.theme, kept.font_size, kept.sashes) == (other, 15, (200, 120))
    assert kept.geometry.startswith("700x500+")


def test_a_place_that_the_window_manager_chose_is_not_kept_as_the_corner(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.open()
    monkeypatch.setattr(hands.root, "geometry", lambda: "700x500+0+0")
    assert look.geometry(hands.root) == "700x500+0+0", "it is in the corner"
    monkeypatch.setattr(hands.root, "winfo_rootx", lambda: 300)
    assert look.geometry(hands.root) == "700x500"
    assert look.on_screen(hands.root, "700x500") == "700x500"
    monkeypatch.undo()


def test_at_the_first_start_the_text_is_as_large_as_the_desktop_has_it(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(look._POINTS, str(hands.root.tk.call("tk", "windowingsystem")), 13)
    hands.open()
    assert font.nametofont("TkTextFont", hands.root).actual("size") == 13


def test_a_dense_screen_has_the_same_window_in_more_pixels(hands: Hands, scripted: ScriptedServer) -> None:
    hands.root.tk.call("tk", "scaling", 192 / 72)
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.wait_for("You joined #lobby")
    assert hands.root.minsize() == (840, 600)
    hands.root.geometry("840x600")
    hands.until(lambda: hands.root.winfo_width() == 840)
    for widget in (window.view.composer.button, window.view.status, window.view.title):
        assert widget.winfo_rooty() + widget.winfo_height() <= hands.root.winfo_rooty() + 600
    assert look.line_height(hands.root) > 30


def test_a_narrow_window_shows_no_members_and_a_wide_one_does(hands: Hands, scripted: ScriptedServer) -> None:
    window = hands.open(scripted.target, "ana")
    scripted.welcome()
    hands.until(lambda: hands.members() == ("ana", "ben"))
    assert window.view.people.winfo_viewable()
    hands.root.geometry("430x310")
    hands.until(lambda: not window.view.people.winfo_viewable())
    hands.until(lambda: window.view.sidebar.winfo_width() < 150)
    hands.root.geometry("900x600")
    hands.until(window.view.people.winfo_viewable)
    hands.press("Control-Prior")
    hands.until(lambda: not window.view.people.winfo_viewable())


def test_every_action_has_a_menu_its_keys_beside_it_and_a_line_in_help_and_docs(hands: Hands) -> None:
    window = hands.open()
    docs = (Path(__file__).parents[3] / "docs" / "client.md").read_text("utf-8")
    for item in ITEMS:
        menu = window.menus.menus[item.menu]
        assert menu.entrycget(item.label, "accelerator") == (keys_shown(item.keys[0]) if item.keys else "")
    hands.press("F1")
    page = hands.root.nametowidget("help")
    text = next(child for child in page.winfo_children() if isinstance(child, tkinter.Text)).get("1.0", "end")
    for item in (item for item in ITEMS if item.keys):
        assert f"{all_keys(item)}\t{item.label}\n" in text
        assert f"| {all_keys(item)} | {item.label.removesuffix(' …')} |\n" in docs
    for usage, words in commands.HELP:
        assert f"{usage}\t{words}\n" in text
        assert f"| `{usage}` | {words} |\n" in docs
    page.focus_force()
    page.event_generate("<Escape>")
    assert "help" not in hands.root.children


def test_ranks_and_absence_are_shown(hands: Hands, server: RunningServer) -> None:
    window = hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    ben = server.irc("ben", "#lobby")
    people = window.view.people.list
    hands.until(lambda: people.get(0, "end") == ("@ana", "ben"))
    ben.send("AWAY :lunch")
    hands.until(lambda: people.itemcget(1, "foreground") == LIGHT.faint)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_of_a_lively_room(hands: Hands, server: RunningServer, tmp_path: Path, theme: str) -> None:
    settings.save(Settings(theme=theme, geometry="960x600+0+0"))
    window = hands.open(target_of(server), "ana")
    hands.wait_for("You joined #lobby")
    lively_room(hands, server)
    folder = Path(os.environ.get("FANFARE_ARTIFACTS", tmp_path))
    picture = hands.picture(folder, f"client-{theme}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert 20_000 < picture.stat().st_size < 200_000, "a window with nothing in it has some 10 KB"
    assert window.view.composer.get()
