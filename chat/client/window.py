"""The window: brings session, model and views together. All of it runs on Tk's thread.

The session's news wait on a queue; `after` looks at it every tick and takes a bounded batch, so that a flood of
messages leaves time for keys and mouse.
"""

import queue
import tkinter
from collections.abc import Callable, Iterable
from dataclasses import replace
from tkinter import messagebox

from chat.client import commands, look, memory
from chat.client.appearance import Appearance
from chat.client.changes import Change
from chat.client.deeds import Deeds
from chat.client.desktop import Desktop
from chat.client.display import Display
from chat.client.form import Form
from chat.client.glyphs import draws_emoji, spell_out
from chat.client.menus import Menus
from chat.client.model import Model
from chat.client.palette import Palette
from chat.client.problem import Problem
from chat.client.reconnect import Reconnect
from chat.client.session import Session
from chat.client.stage import Stage
from chat.client.target import Target
from chat.client.view import View

_TICK = 40  # ms between looks at the queue; shorter than anybody notices
_BATCH = 80  # news in one tick: to draw them takes some 20 ms, and twice that where others want the processor too
_SMALLEST = (420, 300)  # pixels at 96 dpi
_TO_BEGIN_WITH = (960, 640)


class Window:
    """One connection at a time. `connect` makes a session, `desktop` tells the colours: a test may pass its own."""

    def __init__(
        self,
        root: tkinter.Tk,
        target: Target | None = None,
        nick: str | None = None,
        connect: Callable[..., Session] = Session,
        reconnect: Callable[[], Reconnect] = Reconnect,
        desktop: Callable[[], Desktop] = Desktop,
    ) -> None:
        self.root = root
        self.model: Model | None = None
        self._connect = connect
        self._reconnect = reconnect
        self._target = target
        self._session: Session | None = None
        self.closed = False
        self._memory = memory.load()
        look.fit_density(root)
        look.make_fonts(root)
        root.title("Fanfare")
        root.protocol("WM_DELETE_WINDOW", self.ask_to_quit)
        shown = str if draws_emoji(root.tk.call("tk", "windowingsystem")) else spell_out
        self.appearance = Appearance(root, desktop(), self._paint, self._refit)
        deeds = Deeds(self)
        self.form = Form(root, self.join)
        self.view = View(root, deeds.for_view(), shown)
        self.display = Display(self.view)
        self.menus = Menus(root, deeds.for_menus(), self.appearance.theme)
        self.menus.reach(root)
        first = self._memory == memory.Memory()  # then the text is as large as this desktop's programs have it
        self.appearance.begin(self._memory.theme, look.usual_points(root) if first else self._memory.font_size)
        self._place()
        if target and nick:
            self.join(target, nick)
        else:
            self.show_form(nick)
        self._timer = root.after(_TICK, self._poll)

    def join(self, target: Target, nick: str) -> None:
        """Begin a conversation, or go on with the one that lacked only a name."""
        if self.model is None or target != self._target:
            self.model = Model(nick, target.room, target.server, reconnect=self._reconnect())
            self.display.begin(self.model)
        self._target = target
        self._memory = replace(self._memory, server=target.server, name=nick, room=target.room)
        self.form.pack_forget()
        self.view.pack(fill="both", expand=True)
        self.view.composer.text.focus_set()
        self._open_session(self.model.begin_again(nick))

    def leave(self, words: str = "") -> None:
        """End the conversation, and offer another."""
        nick = self.model.nick if self.model else None
        self._close_session(words)
        self.model = None
        self.show_form(nick)

    def again(self) -> None:
        """Connect once more, or join the room that is shown once more: whichever is lacking."""
        if self.model and self.model.stage is Stage.LOST:
            self._open_session(self.model.begin_again())
        elif self.model and self.model.outside:
            self.do(*self.model.join())
        self.view.composer.text.focus_set()

    def ask_to_quit(self) -> None:
        if not self.connected or messagebox.askyesno("Fanfare", "Do you want to quit?", parent=self.root):
            self.close()

    @property
    def connected(self) -> bool:
        return self.model is not None and self.model.connected

    def close(self) -> None:
        """End the conversation and the window, once."""
        if self.closed:
            return
        self.closed = True
        self.root.after_cancel(self._timer)
        self._remember()
        session = self._session
        self._close_session()
        self.root.destroy()
        if session:
            session.join(2.0)  # the window is gone already, and the goodbye should still go out

    def show_form(self, nick: str | None, notice: str = "") -> None:
        self.root.title("Fanfare")
        self.view.pack_forget()
        self.form.pack(fill="both", expand=True)
        known = self._memory
        server = self._target.server if self._target else known.server or Target("127.0.0.1").server
        room = self._target.room if self._target else known.room or Target("127.0.0.1").room
        self.form.fill(server, nick or known.name, room, notice, with_password=self._wants_password)

    def typed(self, text: str) -> bool:
        """Do what the person wrote; whether the message box may be emptied."""
        if not self.model:
            return False
        answer = commands.answer(self.model, text)
        if answer.leave is not None:
            self.leave(answer.leave)
            return True
        self.do(answer.send, answer.changes)
        return answer.taken

    def do(self, send: Iterable[bytes], changes: Iterable[Change]) -> None:
        """Send this and show that, as the model says; what cannot be sent is shown as unsent."""
        changes = list(changes)
        self.show(changes)
        data = b"".join(send)
        if self.model and data and not (self._session and self._session.send(data)):
            self.show(self.model.take_back(changes))

    def show(self, changes: Iterable[Change]) -> None:
        """Draw what changed."""
        if self.model:
            self.root.title(self.display.show(self.model, changes))

    @property
    def _wants_password(self) -> bool:
        return bool(self.model and self.model.stage is Stage.LOST and self.model.problem is Problem.PASSWORD)

    def _open_session(self, changes: Iterable[Change]) -> None:
        assert self._target
        assert self.model
        model = self.model
        self._session = self._connect(self._target, model.nick, rooms=model.rooms, instead=model.instead)
        self._session.start()
        self.show(changes)

    def _close_session(self, words: str = "") -> None:
        if self._session:
            self._session.close(words)
        self._session = None

    def _poll(self) -> None:
        full = False
        try:
            full = self._take_news()
            if self.model and self.model.due:
                self._open_session(self.model.begin_again())
            elif self.model and self.model.stage is Stage.LOST:
                self.view.show_status(self.model.status)  # the seconds to the next attempt
        finally:  # whatever went wrong with one batch, the next is looked at
            self._timer = self.root.after(1 if full else _TICK, self._poll)

    def _take_news(self) -> bool:
        """Show what happened; whether more is likely to wait."""
        changes: list[Change] = []
        taken = 0
        while self._session and self.model and taken < _BATCH:
            try:
                changes += self.model.take(self._session.news.get_nowait())
            except queue.Empty:
                break
            taken += 1
            if self.model.stage is Stage.NAMELESS or self._wants_password:
                self._close_session()
                self.show_form(self.model.suggestion or self.model.nick, self.model.reason)
        if changes:
            self.show(changes)
        return taken == _BATCH

    def _paint(self, palette: Palette) -> None:
        self.view.paint(palette)
        self.menus.paint(palette)

    def _refit(self) -> None:
        self.view.transcript.refit()

    def _place(self) -> None:
        """The window as large and where it was, if that is still on the screen."""
        width, height = (look.px(self.root, size) for size in _SMALLEST)
        self.root.minsize(width, height)
        usual = "x".join(str(look.px(self.root, size)) for size in _TO_BEGIN_WITH)
        self.root.geometry(look.on_screen(self.root, self._memory.geometry) or usual)
        self.view.place_sashes(self._memory.sashes)

    def _remember(self) -> None:
        self._memory = replace(
            self._memory,
            geometry=self.root.geometry(),
            sashes=self.view.sashes if self.view.winfo_ismapped() else self._memory.sashes,
            theme=self.appearance.theme.get(),
            font_size=self.appearance.points,
        )
        memory.save(self._memory)
