"""Somebody calls the person, who does not look: tell them, by whatever means they have chosen."""

import tkinter
from collections.abc import Callable

from chat.client.model.changes import Called
from chat.client.model.client import Client
from chat.client.model.talk import Talk
from chat.client.ui import notify


class Calls:
    """`opened` is called with the talk of a notification that was clicked; `wake` by another thread, before that."""

    def __init__(
        self, root: tkinter.Tk, client: Client, opened: Callable[[Talk], None], wake: Callable[[], None]
    ) -> None:
        self._root = root
        self._client = client
        self._open = opened
        self._wake = wake
        self._urgent = False
        self._clicked: list[int] = []  # notifications that were clicked, noted by another thread
        self.notifier = notify.Notifier(self.clicked)

    def call(self, change: Called) -> None:
        line, talk, chosen = change.line, change.talk, self._client.settings
        if not self._client.attention.focused:
            self._urgent = True
            notify.set_urgent(self._root, True)
        if chosen.notify:
            title = line.nick if line.private else f"{line.nick} in {talk.name}"
            self.notifier.notify(id(talk), title, line.text)
        if chosen.sound:
            notify.play_sound(self._root)

    def calm(self) -> None:
        """The person looks, or nobody calls any more."""
        if self._urgent and (self._client.attention.focused or not self._client.calls):
            self._urgent = False
            notify.set_urgent(self._root, False)

    def clicked(self, about: int) -> None:
        """A notification was. By any thread."""
        self._clicked.append(about)
        self._wake()

    def open_clicked(self) -> None:
        while self._clicked:
            about = self._clicked.pop(0)
            talk = next((talk for talk in self._client.talks() if id(talk) == about), None)
            if talk:
                self._open(talk)
                self._root.deiconify()
                self._root.lift()
                self._root.focus_force()
