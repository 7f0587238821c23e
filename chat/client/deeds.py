"""What the menus and the view's parts ask for, done. Between widgets and model; opens no connection by itself."""

from __future__ import annotations

import tkinter
import webbrowser
from collections.abc import Callable, Mapping
from tkinter import messagebox
from typing import TYPE_CHECKING

from chat.client import commands
from chat.client.changes import TalksChanged
from chat.client.completion import Candidates, by_speech
from chat.client.help import show_help
from chat.client.links import links
from chat.client.talk import Line, State, Talk, TalkKind
from chat.client.transcript import Wishes
from chat.client.view import Actions

if TYPE_CHECKING:
    from chat.client.window import Window

_LINKS = 12  # of the newest that the menu of links offers


class Deeds:
    def __init__(self, window: Window) -> None:
        self._window = window

    def for_view(self) -> Actions:
        window = self._window
        wishes = Wishes(webbrowser.open, self._resend, self._post_context)
        return Actions(window.typed, self._candidates, self._open, self._query, window.again, wishes)

    def for_menus(self) -> Mapping[str, Callable[[], object]]:
        window = self._window
        return {
            "connect": self._leave,
            "again": window.again,
            "disconnect": self._leave,
            "quit": window.ask_to_quit,
            "copy": self._copy,
            "select_all": self._select_all,
            "find": lambda: self._look(window.view.find.open),
            "find_next": lambda: self._look(window.view.find.next),
            "find_previous": lambda: self._look(window.view.find.previous),
            "links": self._post_links,
            "resend": lambda: self._resend_those(lambda line: True),
            "larger": lambda: window.appearance.resize(1),
            "smaller": lambda: window.appearance.resize(-1),
            "usual": lambda: window.appearance.resize(0),
            "theme": window.appearance.wear,
            "part": lambda: self._look(window.view.next_part),
            "join": lambda: self._begin_to_type("/join #"),
            "query": lambda: self._begin_to_type("/query "),
            "next": lambda: self._step(1),
            "previous": lambda: self._step(-1),
            "unread": self._next_unread,
            "close": self._close,
            "help": lambda: show_help(window.root, window.appearance.palette),
        }

    def _look(self, act: Callable[[], None]) -> None:
        """Where there is a talk to look at: the form has none."""
        if self._window.model:
            act()

    def _leave(self) -> None:
        """Back to the form; whoever is connected is asked first."""
        window = self._window
        if window.model and (not window.connected or self._sure("Do you want to disconnect?")):
            window.leave()

    def _sure(self, question: str) -> bool:
        return messagebox.askyesno("Fanfare", question, parent=self._window.root)

    def _open(self, talk: Talk) -> None:
        window = self._window
        if window.model and talk is not window.model.current:
            window.show(window.model.open(talk))
            if window.root.focus_get() is not window.view.sidebar.list:  # who goes through the talks by keys goes on
                window.view.composer.text.focus_set()

    def _query(self, nick: str) -> None:
        model = self._window.model
        if model:
            talk = model.talks.add(nick, TalkKind.PERSON)
            self._window.show([*model.open(talk), TalksChanged()])
            self._window.view.composer.text.focus_set()

    def _step(self, step: int) -> None:
        model = self._window.model
        if model:
            talks = list(model.talks)
            self._open(talks[(talks.index(model.current) + step) % len(talks)])

    def _next_unread(self) -> None:
        """The talk where somebody called us, else where anything is unread; the next after the one that is shown."""
        model = self._window.model
        if model:
            talks = list(model.talks)
            here = talks.index(model.current)
            following = talks[here + 1 :] + talks[:here]
            unread = [talk for talk in following if talk.mentions] or [talk for talk in following if talk.unread]
            if unread:
                self._open(unread[0])

    def _close(self) -> None:
        """Leave the room that is shown, or put the talk away."""
        model = self._window.model
        if model:
            self._window.typed("/close")

    def _begin_to_type(self, command: str) -> None:
        if self._window.model:
            self._window.view.composer.set(command)
            self._window.view.composer.text.focus_set()

    def _candidates(self) -> Candidates:
        model = self._window.model
        if not model:
            return Candidates()
        talk = model.current
        others = [nick for nick in talk.members.nicks() if not model.is_me(nick)]
        if talk.kind is TalkKind.PERSON:
            others.append(talk.name)
        spoke = [line.nick for line in talk.lines if line.words]
        return Candidates(by_speech(others, spoke), commands.NAMES, [room.name for room in model.talks.rooms()])

    def _resend(self, line: int) -> None:
        """This unsent line of the talk that is shown."""
        self._resend_those(lambda unsent: unsent.id == line)

    def _resend_those(self, wanted: Callable[[Line], bool]) -> None:
        model = self._window.model
        if model:
            lines = [line for line in model.current.lines if line.state is State.UNSENT and wanted(line)]
            self._window.do(*model.resend(*lines))

    def _copy(self) -> None:
        """What is selected where the keyboard is, or else in the transcript."""
        root = self._window.root
        here = root.focus_get()
        text = self._window.view.transcript.text
        if isinstance(here, tkinter.Entry) or (isinstance(here, tkinter.Text) and here.tag_ranges("sel")):
            here.event_generate("<<Copy>>")
        elif text.tag_ranges("sel"):
            text.event_generate("<<Copy>>")

    def _select_all(self) -> None:
        """Of the message box or field where the keyboard is, or else of the transcript."""
        here = self._window.root.focus_get()
        view = self._window.view
        if isinstance(here, tkinter.Entry):
            here.selection_range(0, "end")
        elif here is view.composer.text:
            view.composer.text.tag_add("sel", "1.0", "end-1c")
        else:
            view.transcript.complete()
            view.transcript.text.tag_add("sel", "1.0", "end-1c")

    def _post_context(self, x: int, y: int) -> None:
        self._window.menus.context.tk_popup(x, y)

    def _post_links(self) -> None:
        """A menu of the talk's newest links, for the keyboard."""
        model = self._window.model
        if not model:
            return
        urls = dict.fromkeys(link.url for line in reversed(model.current.lines) for link in links(line.text))
        text = self._window.view.transcript.text
        self._window.menus.post_links(list(urls)[:_LINKS], webbrowser.open, text.winfo_rootx(), text.winfo_rooty())
