"""Small windows with a list to choose from: places to go to, rooms of a server, servers. Widgets only."""

import tkinter
from collections.abc import Callable, Iterable
from dataclasses import replace
from tkinter import ttk

from chat.client.irc.login import Login
from chat.client.model.network import Network
from chat.client.model.settings import Server
from chat.client.text.clean import clean
from chat.client.text.palette import Palette
from chat.client.ui import look
from chat.client.ui.actions import Host
from chat.client.ui.widgets import dialog

_PLACES = 10

Place = tuple[str, str, Callable[[], object]]  # what it is called, what it is, how to get there


class GoTo:
    """Up and Down choose, Enter goes there, Escape stays."""

    def __init__(
        self, root: tkinter.Tk, palette: Palette, places: Iterable[Place], shown: Callable[[str], str]
    ) -> None:
        self._shown = shown
        self._places = list(places)
        self.found: list[Place] = []
        self.window = dialog(root, "go", "Go to", palette.surface)
        self.words = tkinter.StringVar(self.window)
        self.field = ttk.Entry(self.window, textvariable=self.words, font=look.TEXT, width=44)
        gap = look.px(root, 12)
        self.field.pack(fill="x", padx=gap, pady=gap)
        self.list = tkinter.Listbox(self.window, height=_PLACES, relief="flat", activestyle="none", takefocus=False)
        self.list.configure(
            background=palette.surface, foreground=palette.ink, highlightthickness=0, borderwidth=gap // 2
        )
        self.list.configure(selectbackground=palette.marked, selectforeground=palette.ink, font="TkDefaultFont")
        self.list.pack(fill="both", expand=True, padx=gap // 2, pady=(0, gap // 2))
        self.words.trace_add("write", lambda *_: self._draw())
        self.list.bind("<ButtonRelease-1>", lambda event: self.go())
        self.field.bind("<Up>", lambda event: self._step(-1))
        self.field.bind("<Down>", lambda event: self._step(1))
        for key in ("<Return>", "<KP_Enter>"):
            self.field.bind(key, lambda event: self.go())
        left = root.winfo_rootx() + (root.winfo_width() - self.window.winfo_reqwidth()) // 2
        self.window.geometry(f"+{max(0, left)}+{root.winfo_rooty() + 3 * gap}")
        self._draw()
        self.field.focus_set()

    def go(self) -> None:
        chosen = self.list.curselection()  # type: ignore[no-untyped-call]
        self.window.destroy()
        if chosen:
            self.found[chosen[0]][2]()

    def _draw(self) -> None:
        words = self.words.get().strip().casefold()
        begin = [place for place in self._places if place[0].casefold().lstrip("#/&").startswith(words.lstrip("#/&"))]
        within = [place for place in self._places if words in place[0].casefold() and place not in begin]
        self.found = (begin + within)[:_PLACES]
        self.list.delete(0, "end")
        self.list.insert("end", *(self._shown(f"{name}    {what}") for name, what, _ in self.found))
        self.list.selection_set(0)

    def _step(self, step: int) -> str:
        chosen = self.list.curselection()  # type: ignore[no-untyped-call]
        at = min(max(0, (chosen[0] if chosen else 0) + step), len(self.found) - 1)
        self.list.selection_clear(0, "end")
        self.list.selection_set(at)
        self.list.see(at)
        return "break"


_SHOWN = 1_000  # rooms at a time; who looks for one among more, types a part of its name
_NAME = (160, 330)  # pixels for the names of rooms: at least, at most


class RoomList:
    """`join` is called with the room that the person chooses."""

    def __init__(
        self,
        root: tkinter.Tk,
        palette: Palette,
        network: Network,
        join: Callable[[str], None],
        shown: Callable[[str], str],
    ) -> None:
        self._network = network
        self._enter = join
        self._shown = shown
        self._complete = False
        self.window = dialog(root, "rooms", f"Rooms of {network.server}", palette.surface)
        inset = look.px(root, 12)
        self.words = tkinter.StringVar(self.window)
        self.field = ttk.Entry(self.window, textvariable=self.words, font=look.TEXT)
        self.field.pack(fill="x", padx=inset, pady=(inset, inset // 2))
        foot = ttk.Frame(self.window)
        foot.pack(side="bottom", fill="x", padx=inset, pady=(inset // 2, inset))
        self.count = ttk.Label(foot, style="Faint.TLabel")
        self.count.pack(side="left", fill="x", expand=True)
        ttk.Button(foot, text="Join", style="Accent.TButton", command=self.join).pack(side="right")
        self.list = ttk.Treeview(self.window, columns=("room", "members", "topic"), show="headings", height=14)
        for column, width in (("room", _NAME[0]), ("members", 100), ("topic", 340)):
            self.list.heading(column, text=column.capitalize(), anchor="w")
            self.list.column(column, width=look.px(root, width), anchor="w", stretch=column == "topic")
        bar = ttk.Scrollbar(self.window, command=self.list.yview)
        self.list.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        self.list.pack(fill="both", expand=True, padx=(inset, 0))
        self.words.trace_add("write", lambda *_: self.draw(self._complete))
        for key in ("<Return>", "<KP_Enter>", "<Double-Button-1>"):
            self.list.bind(key, lambda event: self.join())
        self.field.bind("<Return>", lambda event: self.join())
        self.field.bind("<Down>", lambda event: self.list.focus_set())
        self.field.focus_set()
        self.draw(complete=False)

    def draw(self, complete: bool) -> None:
        """Those that hold the words, the fullest first."""
        self._complete = complete
        words = self.words.get().strip().casefold()
        rooms = self._network.room_list
        found = [one for one in rooms if words in one.room.casefold() or words in one.topic.casefold()]
        found.sort(key=lambda one: (-one.members, one.room))
        self.list.delete(*self.list.get_children())
        for one in found[:_SHOWN]:
            self.list.insert("", "end", values=(one.room, one.members, self._shown(clean(one.topic))))
        longest = max((one.room for one in found[:_SHOWN]), key=len, default="")
        least, most = (look.px(self.list, pixels) for pixels in _NAME)
        wanted = look.width(self.list, longest, "TkDefaultFont") + look.px(self.list, 16)
        self.list.column("room", width=max(least, min(wanted, most)))
        first = self.list.get_children()[:1]
        self.list.selection_set(first)
        self.list.focus(first[0] if first else "")
        more = f", of which the first {_SHOWN:,} are shown" if len(found) > _SHOWN else ""
        waiting = "" if complete else " so far …"
        self.count.configure(text=f"{len(found):,} of {len(rooms):,} rooms{more}{waiting}")

    def join(self) -> None:
        for row in self.list.selection()[:1]:
            room = str(self.list.item(row, "values")[0])
            self.window.destroy()
            self._enter(room)


class Servers:
    def __init__(self, host: Host) -> None:
        self._host = host
        root = host.root
        self.window = dialog(root, "servers", "Servers", host.theme.palette.surface)
        inset = look.px(root, 12)
        self.list = ttk.Treeview(self.window, columns=("address", "name", "rooms", "state"), show="headings", height=8)
        for column, text, width in (
            ("address", "Server", 180),
            ("name", "Your name", 110),
            ("rooms", "Rooms", 200),
            ("state", "", 260),
        ):
            self.list.heading(column, text=text, anchor="w")
            self.list.column(column, width=look.px(root, width), stretch=column == "rooms")
        buttons = ttk.Frame(self.window)
        buttons.pack(side="bottom", fill="x", padx=inset, pady=inset)
        for text, act in (
            ("Add …", self._add),
            ("Edit …", self._edit),
            ("Forget", self.forget),
            ("Open at start: yes or no", self.toggle),
        ):
            ttk.Button(buttons, text=text, command=act).pack(side="left", padx=(0, inset // 2))
        ttk.Button(buttons, text="Connect", style="Accent.TButton", command=self.connect).pack(side="right")
        self.notice = ttk.Label(self.window, style="Notice.TLabel")
        self.notice.pack(side="bottom", fill="x", padx=inset)
        self.list.pack(fill="both", expand=True, padx=inset, pady=(inset, 0))
        for key in ("<Return>", "<KP_Enter>", "<Double-Button-1>"):
            self.list.bind(key, lambda event: self.connect())
        self._draw()
        self.list.focus_set()

    def _draw(self) -> None:
        chosen = self.list.selection()
        self.list.delete(*self.list.get_children())
        self._host.client.remembered()
        for server in self._host.client.settings.servers:
            network = self._host.client.find(server.address)
            state = "connected" if network and network.online else "open" if network else ""
            state = ", ".join(word for word in (state, "opened at the start" if server.opened else "") if word)
            rooms = ", ".join(room.partition(" ")[0] for room in server.rooms)
            self.list.insert("", "end", iid=server.address, values=(server.address, server.name, rooms, state))
        rows = self.list.get_children()
        kept = [row for row in chosen if row in rows] or list(rows[:1])
        self.list.selection_set(kept)
        self.list.focus(kept[0] if kept else "")

    def _chosen(self) -> Server | None:
        selected = self.list.selection()
        return self._host.client.known(selected[0]) if selected else None

    def connect(self) -> None:
        server = self._chosen()
        if server is None:
            return
        self.window.destroy()
        network = self._host.client.find(server.address)
        if network:
            self._host.show(network.open(network.current))
        elif server.name:
            self._host.join(server, Login())
        else:
            self._host.pages.edit(server)

    def _add(self) -> None:
        self.window.destroy()
        self._host.pages.connect_elsewhere()

    def _edit(self) -> None:
        server = self._chosen()
        if server:
            self.window.destroy()
            self._host.pages.edit(server)

    def forget(self) -> None:
        """It is known no longer."""
        server = self._closed()
        if server:
            self._replace(server, None)

    def toggle(self) -> None:
        server = self._closed()
        if server:
            self._replace(server, replace(server, opened=not server.opened))

    def _closed(self) -> Server | None:
        """The chosen one, if it is not open: what is open at the end is kept, and opened at the start."""
        server = self._chosen()
        if server and self._host.client.find(server.address):
            self.notice.configure(text=f"You are on {server.address}: disconnect first.")
            return None
        self.notice.configure(text="")
        return server

    def _replace(self, server: Server, changed: Server | None) -> None:
        known = self._host.client.settings
        servers = [changed if one is server or one == server else one for one in known.servers]
        self._host.apply(replace(known, servers=tuple(one for one in servers if one)))
        self._draw()
