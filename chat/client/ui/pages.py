"""The window's two pages: the form and the view. Which one is shown, and with what the form is filled."""

import contextlib
import tkinter
from collections.abc import Callable
from dataclasses import replace

from chat.client.irc.address import has_room, parse_address
from chat.client.irc.server_news import Problem
from chat.client.model.client import Client
from chat.client.model.connection import Stage
from chat.client.model.network import Network
from chat.client.model.settings import Server
from chat.client.ui.dialogs.form import FIRST_ROOM, Form
from chat.client.ui.display import Display
from chat.client.ui.sessions import Sessions
from chat.client.ui.view import View

_FIRST_SERVER = "127.0.0.1:6667"


class Pages:
    """`turned` is called after another page is shown. `editing` is the network whose settings the form shows."""

    def __init__(
        self,
        root: tkinter.Tk,
        client: Client,
        form: Form,
        view: View,
        display: Display,
        sessions: Sessions,
        turned: Callable[[], None],
    ) -> None:
        self._root = root
        self._client = client
        self._form = form
        self._view = view
        self._display = display
        self._sessions = sessions
        self._turned = turned
        self.editing: Network | None = None
        self._asked: set[Network] = set()  # those that the person was asked about

    def begin(self, nick: str | None) -> None:
        """The form as it is at the start: with the server used last, or the first of all."""
        servers = self._client.settings.servers
        last = servers[0] if servers else Server(_FIRST_SERVER, rooms=(FIRST_ROOM,))
        self.show_form(replace(last, name=nick or last.name))

    def edit_shown(self) -> None:
        """The form with the settings of the network that is shown."""
        if self._client.network:
            self.edit(self._client.server_of(self._client.network))

    def edit(self, server: Server) -> None:
        """The form with these settings."""
        self.editing = self._client.find(server.address)
        self.show_form(server, back=self._back(bool(self._client.networks)))

    def connect_elsewhere(self) -> None:
        """The form for one server more."""
        self.editing = None
        if not self._form.winfo_manager():
            server = Server(_FIRST_SERVER, self._name(), (FIRST_ROOM,))
            self.show_form(server, back=self._back(bool(self._client.networks)))

    def visit(self, url: str) -> None:
        """Go where a link with irc:// leads, once the person has said so."""
        with contextlib.suppress(Exception):
            address = parse_address(url)
            rooms = (address.room,) if has_room(url) else ()
            known = self._client.known(address.server)
            server = replace(known or Server(address.server, self._name()), rooms=rooms)
            self.show_form(server, back=self.show_view)

    def ask(self) -> None:
        """Ask about a network that cannot go on without the person: one at a time, and once for each attempt."""
        for network in self._client.networks:
            connection = network.connection
            wanted = {Problem.PASSWORD: "password", Problem.LOGIN: "login"}.get(connection.problem or Problem.CUT, "")
            if not (connection.stage is Stage.NAMELESS or (connection.stage is Stage.LOST and wanted)):
                self._asked.discard(network)
            elif network not in self._asked and not self._form.winfo_manager():
                self._asked.add(network)
                self._sessions.close(network)
                self.editing = network
                server = self._client.server_of(network)
                server = replace(server, name=connection.suggestion or network.me.nick)
                self.show_form(server, connection.reason, wanted, self._back(len(self._client.networks) > 1))

    def show_form(
        self, server: Server, notice: str = "", wanted: str = "", back: Callable[[], None] | None = None
    ) -> None:
        self._root.title("Fanfare")
        self._view.pack_forget()
        self._form.pack(fill="both", expand=True)
        self._form.fill(server, self._client.settings.servers, notice, wanted, back)
        self._turned()

    def show_view(self) -> None:
        self.editing = None
        self._form.pack_forget()
        self._view.pack(fill="both", expand=True)
        self._view.composer.text.focus_set()
        self._turned()
        self._root.title(self._display.title())

    def _back(self, offered: bool) -> Callable[[], None] | None:
        return self.show_view if offered else None

    def _name(self) -> str:
        """The person's name where they are now."""
        return self._client.network.me.wanted if self._client.network else ""
