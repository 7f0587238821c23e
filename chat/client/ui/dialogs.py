"""The small windows beside the main one: opened, kept up to date, at most one of each kind. Widgets only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.client.model.network import Network
from chat.client.ui.go_to import GoTo
from chat.client.ui.help import show_help
from chat.client.ui.log_search import LogSearch
from chat.client.ui.preferences import Preferences
from chat.client.ui.room_list import RoomList
from chat.client.ui.servers import Servers

if TYPE_CHECKING:
    from chat.client.ui.window import Window


class Dialogs:
    def __init__(self, window: Window, shown: Callable[[str], str]) -> None:
        self._window = window
        self._shown = shown
        self.room_list: RoomList | None = None
        self.open_servers: Servers | None = None
        self.open_go_to: GoTo | None = None
        self.open_log_search: LogSearch | None = None

    def help(self) -> None:
        show_help(self._window.root, self._window.theme.palette)

    def servers(self) -> None:
        self.open_servers = Servers(self._window)

    def preferences(self) -> None:
        Preferences(self._window)

    def search_logs(self) -> None:
        self.open_log_search = LogSearch(self._window.root, self._window.theme.palette, self._window.logs)

    def go_to(self) -> None:
        self.open_go_to = GoTo(self._window, self._shown)

    def rooms(self, network: Network) -> None:
        """The list of rooms, which the server was just asked for."""

        def join(name: str) -> None:
            self._window.show(network.join(name))
            self._window.flush()

        if self.room_list and self.room_list.window.winfo_exists():
            self.room_list.window.destroy()
        self.room_list = RoomList(self._window.root, self._window.theme.palette, network, join, self._shown)

    def rooms_listed(self, complete: bool) -> None:
        if self.room_list and self.room_list.window.winfo_exists():
            self.room_list.draw(complete)
