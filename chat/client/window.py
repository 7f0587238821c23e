"""The window: brings session, model and views together. All of it runs on Tk's thread.

The session's news wait on a queue; `after` looks at it every tick and takes a bounded batch, so that a flood of
messages leaves time for keys and mouse.
"""

import queue
import tkinter
from collections.abc import Callable, Iterable
from itertools import groupby
from tkinter import messagebox

from chat.client import commands, look
from chat.client.changes import Appended, Change, LineChanged, LineRemoved, MembersChanged
from chat.client.form import Form
from chat.client.glyphs import draws_emoji, spell_out
from chat.client.model import Model
from chat.client.reconnect import Reconnect
from chat.client.session import Session
from chat.client.stage import Stage
from chat.client.target import Target
from chat.client.view import Actions, View

_TICK = 40  # ms between looks at the queue; shorter than anybody notices
_BATCH = 200  # news in one tick; drawing them takes some 10 ms


class Window:
    """One conversation at a time. `connect` makes a session, so that a test may pass its own."""

    def __init__(
        self,
        root: tkinter.Tk,
        target: Target | None = None,
        nick: str | None = None,
        connect: Callable[..., Session] = Session,
        reconnect: Callable[[], Reconnect] = Reconnect,
    ) -> None:
        self.root = root
        self._connect = connect
        self._reconnect = reconnect
        self._target = target
        self._session: Session | None = None
        self._model: Model | None = None
        self._closed = False
        look.dress(root)
        root.title("Fanfare")
        root.geometry("900x600")
        root.minsize(420, 300)
        root.protocol("WM_DELETE_WINDOW", self.ask_to_quit)
        shown = str if draws_emoji(root.tk.call("tk", "windowingsystem")) else spell_out
        self.form = Form(root, self.join)
        self.view = View(root, Actions(self._typed, self.leave, self._again), shown)
        if target and nick:
            self.join(target, nick)
        else:
            self._show_form(nick)
        self._timer = root.after(_TICK, self._poll)

    def join(self, target: Target, nick: str) -> None:
        """Begin a conversation, or go on with the one that lacked only a name."""
        if self._model is None or target != self._target:
            self._target = target
            self._model = Model(nick, target.room, target.server, reconnect=self._reconnect())
            self.view.clear()
        self.root.title(f"{target.room} - Fanfare")
        self.form.pack_forget()
        self.view.pack(fill="both", expand=True)
        self.view.message.focus_set()
        self._open_session(self._model.begin_again(nick))

    def leave(self, words: str = "") -> None:
        """End the conversation, and offer another."""
        nick = self._model.nick if self._model else None
        self._close_session(words)
        self._model = None
        self._show_form(nick)

    def ask_to_quit(self) -> None:
        connected = self._model is not None and self._model.connected
        if not connected or messagebox.askyesno("Fanfare", "Do you want to quit?", parent=self.root):
            self.close()

    def close(self) -> None:
        """End the conversation and the window, once."""
        if self._closed:
            return
        self._closed = True
        self.root.after_cancel(self._timer)
        session = self._session
        self._close_session()
        self.root.destroy()
        if session:
            session.join(2.0)  # the window is gone already, and the goodbye should still go out

    def _show_form(self, nick: str | None, notice: str = "") -> None:
        self.root.title("Fanfare")
        self.view.pack_forget()
        self.form.pack(fill="both", expand=True)
        self.form.fill(self._target, nick, notice)

    def _open_session(self, changes: Iterable[Change]) -> None:
        assert self._target
        assert self._model
        self._session = self._connect(
            self._target, self._model.nick, rooms=self._model.rooms, instead=self._model.instead
        )
        self._session.start()
        self._show(changes)

    def _close_session(self, words: str = "") -> None:
        if self._session:
            self._session.close(words)
        self._session = None

    def _again(self) -> None:
        """What the banner's button offers."""
        if self._model and self._model.stage is Stage.LOST:
            self._open_session(self._model.begin_again())
        elif self._model:
            send, changes = self._model.join()
            self._send(send)
            self._show(changes)
        self.view.message.focus_set()

    def _typed(self, text: str) -> bool:
        assert self._model
        answer = commands.answer(self._model, text)
        if answer.leave is not None:
            self.leave(answer.leave)
            return True
        self._show(answer.changes)
        if not self._send(answer.send):
            self._show(self._model.take_back(answer.changes))
        return answer.taken

    def _send(self, lines: Iterable[bytes]) -> bool:
        data = b"".join(lines)
        return not data or bool(self._session and self._session.send(data))

    def _poll(self) -> None:
        full = False
        try:
            full = self._take_news()
            if self._model and self._model.due:
                self._open_session(self._model.begin_again())
            elif self._model and self._model.stage is Stage.LOST:
                self.view.show_stage(self._model)  # the seconds to the next attempt
        finally:  # whatever went wrong with one batch, the next is looked at
            self._timer = self.root.after(1 if full else _TICK, self._poll)

    def _take_news(self) -> bool:
        """Show what happened; whether more is likely to wait."""
        changes: list[Change] = []
        taken = 0
        while self._session and self._model and taken < _BATCH:
            try:
                changes += self._model.take(self._session.news.get_nowait())
            except queue.Empty:
                break
            taken += 1
            if self._model.stage is Stage.NAMELESS:
                self._close_session()
                self._show_form(self._model.suggestion, self._model.reason)
        self._show(changes)
        return taken == _BATCH

    def _show(self, changes: Iterable[Change]) -> None:
        """Draw what changed, each part of the window once."""
        changes = list(changes)
        if not (changes and self._model):
            return
        for lines, run in groupby(changes, lambda change: isinstance(change, Appended)):
            if lines:
                appended = [change for change in run if isinstance(change, Appended)]
                self.view.transcript.append([a.line for a in appended], sum(a.pushed_out for a in appended))
                continue
            for change in run:
                if isinstance(change, LineChanged | LineRemoved):
                    self.view.transcript.replace(change.line, gone=isinstance(change, LineRemoved))
        if any(isinstance(change, MembersChanged) for change in changes):
            self.view.show_members(self._model.current.members.nicks())
        if not all(isinstance(change, Appended) for change in changes):
            self.view.show_stage(self._model)
