"""The window under real keys and a real mouse: what a person does, and what they then see."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import pytest

from chat.client import memory, run
from chat.client.members import RANKS
from chat.client.reconnect import Reconnect
from chat.client.session import Session
from chat.client.talk import SCROLLBACK
from chat.client.target import Target
from chat.errors import SetupError
from tests.scripted import ScriptedServer, scripted_server
from tests.support import PATIENCE, RunningServer

try:
    import tkinter

    from chat.client.desktop import Desktop
    from chat.client.window import Window
except ImportError:
    if os.environ.get("REQUIRE_DISPLAY"):
        raise
    pytest.skip("this Python has no Tk", allow_module_level=True)

pytestmark = pytest.mark.gui

_KEYSYMS = {" ": "space", "/": "slash", ",": "comma", ".": "period", "!": "exclam", "?": "question"}

# Tk aborts when an interpreter is freed by another thread than its own, as any thread's garbage collection may do it.
_roots: list[tkinter.Tk] = []


class Hands:
    """A person at the window: types, clicks, and waits until something is to be seen."""

    def __init__(self, root: tkinter.Tk) -> None:
        self.root = root
        self.window: Window

    def open(
        self,
        target: Target | None = None,
        nick: str | None = None,
        connect: Callable[..., Session] = Session,
        reconnect: Callable[[], Reconnect] = Reconnect,
    ) -> Window:
        self.window = Window(self.root, target, nick, connect, reconnect, desktop=partial(Desktop, bool))
        self.root.update()
        cursor = self.root.focus_lastfor()
        assert cursor
        cursor.focus_force()  # as a window manager would: the keyboard is ours
        return self.window

    def until(self, seen: Callable[[], object]) -> None:
        """Let Tk work until this holds. Its own tick makes sure that it never waits for ever."""
        deadline = time.monotonic() + PATIENCE
        while not seen():
            assert time.monotonic() < deadline, f"not seen; the transcript is:\n{self.transcript()}"
            self.root.tk.dooneevent(0)
        self.root.update()

    def key(self, *keysyms: str) -> None:
        """Press keys; they go where the cursor is."""
        for keysym in keysyms:
            self.root.event_generate("<KeyPress>", keysym=keysym)
            self.root.event_generate("<KeyRelease>", keysym=keysym)

    def press(self, chord: str) -> None:
        """Press keys together, as `Control-f`; they go where the cursor is."""
        self.root.event_generate(f"<{chord}>")
        self.root.update()

    def type(self, text: str) -> None:
        self.key(*(_KEYSYMS.get(letter, letter) for letter in text), "Return")
        self.root.update()

    def click(self, widget: tkinter.Misc) -> None:
        self.root.update()
        assert widget.winfo_viewable()
        x, y = widget.winfo_width() // 2, widget.winfo_height() // 2
        for what in ("<Enter>", "<ButtonPress-1>", "<ButtonRelease-1>"):
            widget.event_generate(what, x=x, y=y)

    def answer_next_dialog(self, button: str, asked: list[str]) -> None:
        """Once a message box is open, note what it asks, and press this button of it."""
        tk = self.root.tk

        def press() -> None:
            parents = (".", str(self.window.form))
            children = [path for parent in parents for path in tk.splitlist(tk.call("winfo", "children", parent))]
            box = next((str(path) for path in children if str(path).endswith("__tk__messagebox")), None)
            if box is None:
                self.root.after(20, press)
                return
            asked.append(str(tk.call(f"{box}.msg", "cget", "-text")))
            for what in ("<Enter>", "<ButtonPress-1>", "<ButtonRelease-1>"):
                tk.call("event", "generate", f"{box}.{button}", what, "-x", 5, "-y", 5)

        self.root.after(20, press)

    def transcript(self) -> str:
        return self.window.view.transcript.text.get("1.0", "end-1c")

    def members(self) -> tuple[str, ...]:
        """Their names in the order of the alphabet, without their ranks."""
        return tuple(sorted(shown.lstrip(RANKS) for shown in self.window.view.people.list.get(0, "end")))

    def looks(self, words: str) -> tuple[str, ...]:
        """The tags of these words in the transcript."""
        text = self.window.view.transcript.text
        place = text.search(words, "1.0")
        return text.tag_names(place) if place else ()

    def wait_for(self, words: str) -> None:
        self.until(lambda: words in self.transcript())


@pytest.fixture
def hands() -> Iterator[Hands]:
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        (pytest.fail if os.environ.get("REQUIRE_DISPLAY") else pytest.skip)("no display: run it with xvfb-run -a")
    root = tkinter.Tk()
    _roots.append(root)
    failures: list[BaseException] = []
    root.report_callback_exception = lambda kind, error, trace: failures.append(error)
    person = Hands(root)
    yield person
    person.window.close()
    assert not failures, failures


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def target_of(server: RunningServer) -> Target:
    return Target("127.0.0.1", server.ports["irc"])


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
    hands.wait_for("• ana waves")
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
    assert "secret" not in (memory.folder() / "client.json").read_text()


def test_what_is_wrong_in_a_field_is_said_under_it(hands: Hands) -> None:
    window = hands.open(None, "ana")
    window.form.server.delete(0, "end")
    window.form.server.insert(0, "here:there")
    hands.click(window.form.button)
    hands.root.update()
    said = [label["text"] for label in window.form.errors() if label.winfo_viewable()]
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
    flood = b"".join(b":ben!b@h PRIVMSG #lobby :%d and some words\r\n" % number for number in range(15_000))
    flooding = threading.Thread(target=end.sock.sendall, args=(flood,))
    flooding.start()
    beats = [time.monotonic()]

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 10:
            hands.key("h", "i", "Return")
        hands.root.after(10, beat)

    beat()
    hands.wait_for("14999 and some words")
    flooding.join()
    assert end.expect("PRIVMSG").params == ["#lobby", "hi"]
    lines = hands.transcript().split("\n")
    assert len(lines) == SCROLLBACK
    assert lines[0].endswith(" and some words")
    assert lines[-1].endswith("14999 and some words"), "the key press came after the flood, not within it"
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
