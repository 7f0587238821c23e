"""The servers that are known: connect, edit, forget, and which are opened at the start. Widgets only."""

from dataclasses import replace
from tkinter import ttk

from chat.client.irc.login import Login
from chat.client.model.settings import Server
from chat.client.ui import fonts
from chat.client.ui.host import Host
from chat.client.ui.widgets import dialog


class Servers:
    def __init__(self, host: Host) -> None:
        self._host = host
        root = host.root
        self.window = dialog(root, "servers", "Servers", host.theme.palette.surface)
        inset = fonts.px(root, 12)
        self.list = ttk.Treeview(self.window, columns=("address", "name", "rooms", "state"), show="headings", height=8)
        for column, text, width in (
            ("address", "Server", 180),
            ("name", "Your name", 110),
            ("rooms", "Rooms", 200),
            ("state", "", 260),
        ):
            self.list.heading(column, text=text, anchor="w")
            self.list.column(column, width=fonts.px(root, width), stretch=column == "rooms")
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
            self._host.edit(server)

    def _add(self) -> None:
        self.window.destroy()
        self._host.connect_elsewhere()

    def _edit(self) -> None:
        server = self._chosen()
        if server:
            self.window.destroy()
            self._host.edit(server)

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
