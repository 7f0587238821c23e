"""The connect form: which server, under which name, into which rooms, with which login. Widgets only."""

import getpass
import tkinter
from collections.abc import Callable, Sequence
from dataclasses import replace
from tkinter import filedialog, messagebox, ttk

from chat.client.irc.address import has_room, nickname, parse_address, password, room_name
from chat.client.irc.login import Login
from chat.client.model.settings import Server
from chat.client.ui import look
from chat.errors import SetupError

_WIDTH = 380  # pixels; as wide as a server's name with its port needs
_INSET = 16
FIRST_ROOM = "#lobby"


class Form(ttk.Frame):
    """Calls `join` with a server and a login once both can be used. Scrolls where the window is too small for it."""

    def __init__(
        self, parent: tkinter.Misc, join: Callable[[Server, Login, bool], None], keyring: Callable[[], bool]
    ) -> None:
        super().__init__(parent)
        self._join = join
        self._known: dict[str, Server] = {}
        self._canvas = tkinter.Canvas(self, borderwidth=0, highlightthickness=0)
        self._canvas.pack(fill="both", expand=True)
        self._bar = ttk.Scrollbar(self, command=self._canvas.yview)
        self._canvas.configure(yscrollcommand=self._scrolled)
        self._box = ttk.Frame(self._canvas)
        self._box.columnconfigure(0, weight=1)
        self._place = self._canvas.create_window(0, 0, window=self._box, anchor="nw")
        self._rows = 0
        self.errors: dict[ttk.Entry, ttk.Label] = {}  # under the fields, where something is wrong with them
        self._more: list[tkinter.Misc] = []
        self._labels: dict[ttk.Entry, ttk.Label] = {}
        self._shown_name = ttk.Label(self._box, text="Fanfare", style="Title.TLabel")
        self._add(self._shown_name, pady=(0, 4))
        self.notice = ttk.Label(self._box, style="Notice.TLabel", wraplength=look.px(self, _WIDTH))
        self._add(self.notice)
        self._keyring = keyring  # whether there is one; to find out takes a moment
        self._make_fields()
        for widget in (self._canvas, self._box):
            widget.bind("<Configure>", self._arrange)
        for wheel, step in (("<Button-4>", -1), ("<Button-5>", 1)):
            self._canvas.bind_all(wheel, lambda event, step=step: self._wheel(step), add=True)  # type: ignore[misc]

    def _make_fields(self) -> None:
        self.server = self._field("Server", ttk.Combobox(self._box, font=look.TEXT))
        self.server.bind("<<ComboboxSelected>>", self._chosen)
        self.name = self._field("Your name")
        self.room = self._field("Rooms")
        self.password = self._field("Server password", show="•")
        self.account = self._field("Account", more=True)
        self.secret = self._field("Password of the account", more=True, show="•")
        self.certificate = self._field("File of your certificate, if you have one", more=True)
        self._choose = ttk.Button(self._box, text="Choose …", command=self._choose_file)
        self._add(self._choose, more=True, sticky="w", pady=(4, 0))
        self.keep = tkinter.BooleanVar(self, value=False)
        self._keep = ttk.Checkbutton(self._box, text="Keep passwords in the desktop's keyring", variable=self.keep)
        self._add(self._keep, pady=(8, 0))
        self._keep.grid_remove()
        self.button = ttk.Button(self._box, text="Join", style="Accent.TButton", command=self._submit)
        self._add(self.button, pady=(14, 0))
        self.more = ttk.Button(self._box, text="Login …", style="Flat.TButton", command=self._offer_login)
        self._add(self.more, sticky="w", pady=(6, 0))
        self.back = ttk.Button(self._box, text="Back", style="Flat.TButton")
        self._add(self.back, sticky="w", pady=(2, 0))
        self.back.grid_remove()
        for key in ("<Return>", "<KP_Enter>"):
            self.button.bind(key, lambda event: self._submit())

    def paint(self, surface: str) -> None:
        self._canvas.configure(background=surface)

    def fill(
        self,
        server: Server,
        known: Sequence[Server],
        notice: str = "",
        wanted: str = "",
        back: Callable[[], None] | None = None,
    ) -> None:
        """Show these values, with the cursor where one types. `wanted`: "password" or "login" is to be asked for."""
        self._known = {other.address: other for other in known}
        self.server["values"] = list(self._known)
        self._show(server)
        self._complain(None, "")
        self.notice.configure(text=notice)
        (self.notice.grid if notice else self.notice.grid_remove)()
        for field in (self.password, self.secret):
            field.delete(0, "end")
        self.keep.set(server.keyring)
        self.open_more(wanted == "login" or bool(server.account or server.certificate))
        if wanted == "password":
            self._labels[self.password].grid()
            self.password.grid()
        (self.back.grid if back else self.back.grid_remove)()
        self.back.configure(command=back or (lambda: None))
        self._point_to({"password": self.password, "login": self.secret}.get(wanted, self.name))

    def open_more(self, opened: bool) -> None:
        """Show the fields of passwords and accounts, or hide them."""
        for widget in (self._labels[self.password], self.password, *self._more):
            (widget.grid if opened else widget.grid_remove)()  # type: ignore[attr-defined]
        (self._keep.grid if opened and self._keyring() else self._keep.grid_remove)()
        (self.more.grid_remove if opened else self.more.grid)()
        if not opened:
            self._complain(None, "")

    def _offer_login(self) -> None:
        self.open_more(True)
        self._point_to(self.account)

    def _show(self, server: Server) -> None:
        for field, value in (
            (self.server, server.address),
            (self.name, server.name or _login()),
            (self.room, ", ".join(server.rooms)),
            (self.account, server.account),
            (self.certificate, server.certificate),
        ):
            field.delete(0, "end")
            field.insert(0, value)

    def _chosen(self, event: object) -> None:
        self._show(self._known[self.server.get()])

    def _field(self, label: str, field: ttk.Entry | None = None, more: bool = False, show: str = "") -> ttk.Entry:
        """A label, the field below it, and below that a place for what is wrong with it: three rows of the grid."""
        above = ttk.Label(self._box, text=label, style="Faint.TLabel")
        self._add(above, more, pady=(7, 2))
        field = field or ttk.Entry(self._box, font=look.TEXT, show=show)
        self._add(field, more)
        error = ttk.Label(self._box, style="Notice.TLabel", wraplength=look.px(self, _WIDTH))
        self._add(error)
        error.grid_remove()
        self._labels[field] = above
        self.errors[field] = error
        for key in ("<Return>", "<KP_Enter>"):
            field.bind(key, lambda event: self._submit())
        field.bind("<FocusIn>", lambda event: self._see(field), add=True)
        return field

    def _add(
        self, widget: tkinter.Widget, more: bool = False, sticky: str = "ew", pady: tuple[int, int] = (0, 0)
    ) -> None:
        high, low = (look.px(self, size) if size else 0 for size in pady)
        widget.grid(row=self._rows, column=0, sticky=sticky, pady=(high, low))
        self._rows += 1
        if more:
            self._more.append(widget)

    def _submit(self) -> None:
        self._complain(None, "")
        field: ttk.Entry = self.name
        try:
            if not self.name.get().strip():
                messagebox.showerror("Fanfare", _without_name(), parent=self)
                self._point_to(self.name)
                return
            nick = nickname(self.name.get())
            field = self.server
            address = parse_address(self.server.get())
            field = self.room
            rooms = _rooms(self.room.get())
            if has_room(self.server.get()):
                rooms = (address.room, *(room for room in rooms if room.partition(" ")[0] != address.room))
            field = self.password
            word = password(self.password.get())
            field = self.secret
            secret = password(self.secret.get())
        except SetupError as error:
            self._complain(field, str(error))
            self._point_to(field)
            return
        account, certificate = self.account.get().strip(), self.certificate.get().strip()
        server = replace(
            self._known.get(address.server, Server(address.server)), name=nick, rooms=rooms, account=account
        )
        server = replace(server, certificate=certificate)
        login = Login(word, account, secret, certificate, server.trusted)
        self._join(server, login, self.keep.get())

    def _choose_file(self) -> None:
        file = filedialog.askopenfilename(parent=self, title="Your certificate, with its key (PEM)")
        if file:
            self.certificate.delete(0, "end")
            self.certificate.insert(0, str(file))

    def _complain(self, about: ttk.Entry | None, words: str) -> None:
        """Say under this field what is wrong with it, and nothing under the others."""
        for field, label in self.errors.items():
            if field is about:
                label.configure(text=words)
                label.grid()
            else:
                label.grid_remove()

    def _point_to(self, field: ttk.Entry) -> None:
        field.focus_set()
        field.selection_range(0, "end")
        field.icursor("end")
        self.after_idle(self._see, field)

    def _see(self, field: ttk.Entry) -> None:
        """Bring the field into sight, with what is said under it."""
        whole, high = self._box.winfo_reqheight(), self._canvas.winfo_height()
        if not field.winfo_ismapped() or whole <= high:
            return
        top, bottom = field.winfo_y() - look.px(self, 30), field.winfo_y() + 3 * field.winfo_height()
        seen = self._canvas.canvasy(0)
        if top < seen or bottom > seen + high:
            self._canvas.yview_moveto(max(0, min(top, whole - high)) / whole)

    def _arrange(self, event: object = None) -> None:
        """In the middle, a little above; at the top and scrolled where it does not fit."""
        wide, high = self._canvas.winfo_width(), self._canvas.winfo_height()
        inset = look.px(self, _INSET)
        width = min(look.px(self, _WIDTH), wide - 2 * inset)
        whole = self._box.winfo_reqheight()
        top = max(inset, int((high - whole) * 0.45))
        self._canvas.coords(self._place, max(inset, (wide - width) // 2), top)
        self._canvas.itemconfigure(self._place, width=width)
        self._canvas.configure(scrollregion=(0, 0, wide, max(high, whole + 2 * inset)))
        for label in (self.notice, *self.errors.values()):
            if int(str(label.cget("wraplength"))) != width:
                label.configure(wraplength=width)

    def _scrolled(self, first: float, last: float) -> None:
        self._bar.set(first, last)
        if float(first) > 0 or float(last) < 1:
            self._bar.place(relx=1.0, rely=0, relheight=1.0, anchor="ne")
        else:
            self._bar.place_forget()

    def _wheel(self, step: int) -> None:
        if self.winfo_ismapped() and self._bar.winfo_manager():
            self._canvas.yview_scroll(step, "units")


def _rooms(text: str) -> tuple[str, ...]:
    """Names with commas between them, each with its key after a space if it has one. Raises SetupError."""
    found = []
    for part in text.split(","):
        name, _, key = part.strip().partition(" ")
        if name:
            found.append(f"{room_name(name)} {key.strip()}".strip())
    return tuple(dict.fromkeys(found))


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
