"""The small windows beside the main one: opened, kept up to date, at most one of each kind. Widgets only."""

from collections.abc import Callable, Iterable

from chat.client.model.network import Network
from chat.client.ui.go_to import GoTo, Place
from chat.client.ui.help import show_help
from chat.client.ui.host import Host
from chat.client.ui.log_search import LogSearch
from chat.client.ui.preferences import Preferences
from chat.client.ui.room_list import RoomList
from chat.client.ui.servers import Servers


class Dialogs:
    def __init__(self, host: Host, shown: Callable[[str], str]) -> None:
        self._host = host
        self._shown = shown
        self.room_list: RoomList | None = None
        self.open_servers: Servers | None = None
        self.open_go_to: GoTo | None = None
        self.open_log_search: LogSearch | None = None

    def help(self) -> None:
        show_help(self._host.root, self._host.theme.palette)

    def servers(self) -> None:
        self.open_servers = Servers(self._host)

    def preferences(self) -> None:
        host = self._host
        Preferences(host.root, host.theme.palette, host.client.settings, host.apply)

    def search_logs(self) -> None:
        self.open_log_search = LogSearch(self._host.root, self._host.theme.palette, self._host.logs)

    def go_to(self, places: Iterable[Place]) -> None:
        self.open_go_to = GoTo(self._host.root, self._host.theme.palette, places, self._shown)

    def rooms(self, network: Network) -> None:
        """The list of rooms, which the server was just asked for."""

        def join(name: str) -> None:
            self._host.show(network.join(name))
            self._host.flush()

        if self.room_list and self.room_list.window.winfo_exists():
            self.room_list.window.destroy()
        self.room_list = RoomList(self._host.root, self._host.theme.palette, network, join, self._shown)

    def rooms_listed(self, complete: bool) -> None:
        if self.room_list and self.room_list.window.winfo_exists():
            self.room_list.draw(complete)
