"""Watched nicknames (MONITOR). The clients that watch one are an audience, like the members of a room.

So its watchers share the bytes, whatever their number. A second audience of a nickname gets what extended-monitor adds.

Sources: https://ircv3.net/specs/extensions/monitor, https://ircv3.net/specs/extensions/extended-monitor
"""

from chat.events import Away, Login, NewRealname, Person, Presence, Quit, Rename
from chat.server.core.change import Change
from chat.server.core.client import Client
from chat.server.core.fanout import FanOut
from chat.wires.names import fold

MOST = 100  # nicknames that one client may watch; ISUPPORT says so
TOTAL = 200_000  # that all clients of this node watch; some 100 MB
EXTENDED = "extended-monitor"

NOTED = frozenset({Quit, Rename, Away, Login, NewRealname})  # the last three are what extended-monitor shows


def _presence(key: str) -> str:
    return f"={key}"  # no room is called so


def _changes(key: str) -> str:
    return f"~{key}"


class Monitors:
    """The loop's thread only."""

    def __init__(self, fan_out: FanOut, server_name: str) -> None:
        self._fan_out = fan_out
        self._server_name = server_name

    def watch(self, client: Client, nick: str) -> bool:
        """False when the client watches as many as it may."""
        key = fold(nick)
        watched = client.monitored if client.monitored is not None else {}
        if key in watched:
            return True
        if len(watched) >= MOST or self._fan_out.monitored >= TOTAL:
            return False
        client.monitored = watched
        watched[key] = nick
        self._fan_out.monitored += 1
        self._fan_out.listen(client, _presence(key))
        if EXTENDED in client.capabilities:
            self._fan_out.listen(client, _changes(key))
        return True

    def forget(self, client: Client, nick: str) -> None:
        key = fold(nick)
        if client.monitored and client.monitored.pop(key, None) is not None:
            self._fan_out.monitored -= 1
            self._fan_out.stop_listening(client, _presence(key))
            self._fan_out.stop_listening(client, _changes(key))

    def adapt(self, client: Client) -> None:
        """The client's capabilities have changed."""
        for key in client.monitored or ():
            if EXTENDED in client.capabilities:
                self._fan_out.listen(client, _changes(key))
            else:
                self._fan_out.stop_listening(client, _changes(key))

    def came(self, person: Person, at: float) -> None:
        self._publish(Presence(person, at, self._server_name, True))

    def note(self, change: Change) -> str:
        """Before the change is shown, tell the watchers who goes. Gives where else its event is to be shown."""
        event = change.event
        if isinstance(event, Rename):
            if fold(event.nick) != fold(event.who.nick):
                self._publish(Presence(event.who, event.at, self._server_name, False))
                self._publish(Presence(change.user.person, event.at, self._server_name, True))
        elif isinstance(event, Quit):
            self._publish(Presence(event.who, event.at, self._server_name, False))
        else:
            return _changes(fold(event.who.nick))
        return ""

    def _publish(self, event: Presence) -> None:
        self._fan_out.publish(event, _presence(fold(event.who.nick)))
