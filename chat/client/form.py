"""The connect form: which server, under which name, into which room. Widgets only."""

import getpass
import tkinter
from collections.abc import Callable
from dataclasses import replace
from tkinter import messagebox, ttk

from chat.client import look
from chat.client.target import Target, nickname, parse_target, password, room_name
from chat.errors import SetupError

_WIDTH = 360  # pixels; as wide as a server's name with its port needs


class Form(ttk.Frame):
    """Calls `join` with a target and a name once both can be used."""

    def __init__(self, parent: tkinter.Misc, join: Callable[[Target, str], None]) -> None:
        super().__init__(parent, padding=look.px(parent, 16))
        self._join = join
        width = look.px(self, _WIDTH)
        box = ttk.Frame(self, width=width)
        box.place(relx=0.5, rely=0.46, anchor="center", width=width)
        box.columnconfigure(0, weight=1)
        ttk.Label(box, text="Fanfare", style="Title.TLabel").grid(sticky="w")
        self.notice = ttk.Label(box, style="Notice.TLabel", wraplength=width)
        self.notice.grid(sticky="w")
        self._labels: dict[ttk.Entry, ttk.Label] = {}
        self._errors: dict[ttk.Entry, ttk.Label] = {}
        self.server = self._field(box, "Server")
        self.name = self._field(box, "Your name")
        self.room = self._field(box, "Room")
        self.password = self._field(box, "Password", show="•")
        self.button = ttk.Button(box, text="Join", style="Accent.TButton", command=self._submit)
        self.button.grid(sticky="ew", pady=(look.px(self, 14), 0))
        for key in ("<Return>", "<KP_Enter>"):
            self.button.bind(key, lambda event: self._submit())

    def fill(self, server: str, nick: str, room: str, notice: str = "", with_password: bool = False) -> None:
        """Show these values, and a field for the password where one is wanted, with the cursor where one types."""
        for field, value in ((self.server, server), (self.name, nick or _login()), (self.room, room)):
            field.delete(0, "end")
            field.insert(0, value)
        self._complain(None, "")
        self.notice.configure(text=notice)
        self.password.delete(0, "end")
        for part in (self._labels[self.password], self.password):
            (part.grid if with_password else part.grid_remove)()
        self._point_to(self.password if with_password else self.name)

    def errors(self) -> list[ttk.Label]:
        """What stands under the fields, where something is wrong with them."""
        return list(self._errors.values())

    def _field(self, box: ttk.Frame, label: str, show: str = "") -> ttk.Entry:
        above = ttk.Label(box, text=label, style="Faint.TLabel")
        above.grid(sticky="w", pady=(look.px(self, 7), look.px(self, 2)))
        field = ttk.Entry(box, font=look.TEXT, show=show)
        field.grid(sticky="ew")
        self._labels[field] = above
        error = ttk.Label(box, style="Notice.TLabel", wraplength=look.px(self, _WIDTH))
        error.grid(sticky="w")
        error.grid_remove()
        self._errors[field] = error
        for key in ("<Return>", "<KP_Enter>"):
            field.bind(key, lambda event: self._submit())
        return field

    def _submit(self) -> None:
        self._complain(None, "")
        field = self.name
        try:
            if not self.name.get().strip():
                messagebox.showerror("Fanfare", _without_name(), parent=self)
                self._point_to(self.name)
                return
            nick = nickname(self.name.get())
            field = self.server
            target = parse_target(self.server.get())
            field = self.room
            target = replace(target, room=room_name(self.room.get()))
            field = self.password
            target = replace(target, password=password(self.password.get()))
        except SetupError as error:
            self._complain(field, str(error))
            self._point_to(field)
            return
        self._join(target, nick)

    def _complain(self, about: ttk.Entry | None, words: str) -> None:
        """Say under this field what is wrong with it, and nothing under the others."""
        for field, label in self._errors.items():
            if field is about:
                label.configure(text=words)
                label.grid()
            else:
                label.grid_remove()

    def _point_to(self, field: ttk.Entry) -> None:
        field.focus_set()
        field.selection_range(0, "end")
        field.icursor("end")


def _without_name() -> str:
    """The words for an empty name."""
    try:
        nickname("")
    except SetupError as error:
        return str(error)
    raise AssertionError("an empty name is none")


def _login() -> str:
    """The name that the system knows this person by, to begin with."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
