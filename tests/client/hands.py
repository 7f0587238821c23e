"""A person at the client's window: what the tests of the window do with keys and mouse, and what they see."""

import re
import time
import tkinter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chat.client.irc.address import Address
from chat.client.irc.reading import RANKS
from chat.client.irc.session import Session
from chat.client.model.connection import Reconnect
from chat.client.ui.desktop import Desktop
from chat.client.ui.window import Window
from tests.client.screenshot import save_screenshot
from tests.support import PATIENCE, RunningServer

_MARK = re.compile("  [✓…]$")
_KEYSYMS = {" ": "space", "/": "slash", ",": "comma", ".": "period", "!": "exclam", "?": "question"}
_KEYSYMS |= {"#": "numbersign", ":": "colon"}


class Hands:
    """A person at the window: types, clicks, and waits until something is to be seen."""

    def __init__(self, root: tkinter.Tk) -> None:
        self.root = root
        self.window: Window

    def open(
        self,
        target: Address | None = None,
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

    def take_keyboard(self) -> None:
        """As when one changes from another window to this one."""
        cursor = self.root.focus_lastfor()
        assert cursor
        cursor.focus_force()
        self.root.update()

    def until(self, seen: Callable[[], object]) -> None:
        """Let Tk work until this holds."""
        deadline = time.monotonic() + PATIENCE
        while not seen():
            assert time.monotonic() < deadline, f"not seen; the transcript is:\n{self.transcript()}"
            tick = self.root.after(50, lambda: None)  # the window itself may have nothing to do
            self.root.tk.dooneevent(0)
            self.root.after_cancel(tick)
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
        """As one reads it: the time, whose words, the words; the marks of own lines left out."""
        rows = self.window.view.transcript.text.get("1.0", "end-1c").split("\n")
        return "\n".join(_MARK.sub("", re.sub("\t+", "  ", row)) for row in rows)

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

    def talks(self) -> list[tuple[str, str]]:
        """The names in the list of talks, each with what stands beside it."""
        return self.window.view.sidebar.rows()

    def click_at(self, index: str) -> None:
        """Click on this place of the transcript's text."""
        text = self.window.view.transcript.text
        text.see(index)
        self.root.update()
        left, top, width, height = text.bbox(index) or (0, 0, 0, 0)
        for what in ("<Motion>", "<ButtonPress-1>", "<ButtonRelease-1>"):
            text.event_generate(what, x=left + width // 2, y=top + height // 2)
        self.root.update()

    def picture(self, folder: Path, name: str) -> Path:
        """Keep what is to be seen now."""
        folder.mkdir(parents=True, exist_ok=True)
        save_screenshot(self.root, folder / f"{name}.png")
        return folder / f"{name}.png"


_LONG = (
    "a rather long line that has to wrap because it says so many things at once, and none of them could be left out "
    "without the whole losing its sense, or so its author thinks while writing it"
)
_SAID = (
    ("chloe", "good morning! is the release still on for this afternoon?"),
    ("ben", "yes, the last tests went through, see https://ci.example/run/4711?log=full."),
    ("noor", "one small thing: \x02please\x02 read the \x1dchangelog\x1d before you tag, \x0304red\x03 lines are new"),
    ("the_one_with_a_long_name", "ana: could you look at the screenshots?"),
    ("Zacharias", "שלום לכולם, מה שלומכם היום?"),
    ("li", _LONG),
    ("olu", "the command is \x11make up\x11, and the page is \x1funder\x1f docs/quickstart.md"),
    ("ben", "\x01ACTION puts the kettle on\x01"),
)


def lively_room(hands: Hands, server: RunningServer) -> None:
    """Have some people talk in the lobby, one of them in private too, while a message is being written."""
    hands.type("/topic Release day: 1.4 goes out at 16:00, notes at https://fanfare.example/1.4")
    people = {nick: server.irc(nick, "#lobby", "#random") for nick in dict(_SAID)}
    for nick in ("guest1", "guest2", "guest3", "guest4"):
        server.irc(nick, "#lobby")
    hands.type("/join #random")
    hands.type("/join #help")
    hands.wait_for("You joined #help")
    hands.press("Control-Prior")
    hands.press("Control-Prior")
    for nick, text in _SAID:
        people[nick].say("#lobby", text)
        people[nick].sync()
    people["olu"].send("AWAY :lunch")
    people["noor"].say("ana", "do you have a minute?")
    people["li"].say("#random", "has anybody seen my umbrella?")
    people["li"].sync()
    hands.wait_for("puts the kettle on")
    hands.type("I will, in five minutes")
    hands.type("/me looks at the screenshots")
    hands.wait_for("ana looks at the screenshots")
    hands.until(lambda: {"noor", "#random"} <= {name for name, unread in hands.talks() if unread})
    hands.until(lambda: "pending" not in hands.looks("looks at the screenshots"))
    hands.window.view.composer.set("They look good to me")
    hands.root.update()
