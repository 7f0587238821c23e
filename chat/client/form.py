"""The connect form: which server, under which name, into which room. Widgets only."""

import getpass
import tkinter
from collections.abc import Callable
from dataclasses import replace
from tkinter import messagebox, ttk

from chat.client import look
from chat.client.target import Target, nickname, parse_target, room_name
from chat.errors import SetupError

_WIDTH = 380  # pixels; as wide as a server's name with its port needs


class Form(ttk.Frame):
    """Calls `join` with a target and a name once both can be used."""

    def __init__(self, parent: tkinter.Misc, join: Callable[[Target, str], None]) -> None:
        super().__init__(parent, padding=2 * look.GAP)
        self._join = join
        box = ttk.Frame(self, width=_WIDTH)
        box.place(relx=0.5, rely=0.45, anchor="center", width=_WIDTH)
        box.columnconfigure(0, weight=1)
        ttk.Label(box, text="Fanfare", style="Title.TLabel").grid(sticky="w")
        self.notice = ttk.Label(box, style="Notice.TLabel", wraplength=_WIDTH)
        self.notice.grid(sticky="w", pady=(look.GAP // 2, 0))
        self.server = self._field(box, "Server")
        self.name = self._field(box, "Your name")
        self.room = self._field(box, "Room")
        self.button = ttk.Button(box, text="Join", style="Main.TButton", command=self._submit)
        self.button.grid(sticky="ew", pady=(2 * look.GAP, 0))

    def fill(self, target: Target | None, nick: str | None, notice: str = "") -> None:
        """Show these values; the cursor goes to the first that is still to be given."""
        target = target or Target("127.0.0.1")
        for field, value in ((self.server, target.server), (self.name, nick or _login()), (self.room, target.room)):
            field.delete(0, "end")
            field.insert(0, value)
        self.notice.configure(text=notice)
        self._point_to(self.name)

    def _field(self, box: ttk.Frame, label: str) -> ttk.Entry:
        ttk.Label(box, text=label, style="Faint.TLabel").grid(sticky="w", pady=(look.GAP, 2))
        field = ttk.Entry(box, font="TkTextFont")
        field.grid(sticky="ew")
        field.bind("<Return>", lambda event: self._submit())
        field.bind("<KP_Enter>", lambda event: self._submit())
        return field

    def _submit(self) -> None:
        field = self.name
        try:
            nick = nickname(self.name.get())
            field = self.server
            target = parse_target(self.server.get())
            field = self.room
            target = replace(target, room=room_name(self.room.get()))
        except SetupError as error:
            messagebox.showerror("Fanfare", str(error), parent=self)
            self._point_to(field)
            return
        self._join(target, nick)

    def _point_to(self, field: ttk.Entry) -> None:
        field.focus_set()
        field.selection_range(0, "end")
        field.icursor("end")


def _login() -> str:
    """The name that the system knows this person by, to begin with."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
