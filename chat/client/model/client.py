"""All networks that one is on, what the person looks at, and what is kept of it for the next start. Pure state."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from chat.client.model.changes import Change, TalksChanged
from chat.client.model.connection import Reconnect
from chat.client.model.network import Network
from chat.client.model.settings import Server, Settings
from chat.client.model.talk import Line, Talk, TalkKind
from chat.client.model.talks import Attention


class Client:
    """`settings` is kept up to date by `remembered`; `recall` gives what was said at an earlier start."""

    def __init__(
        self,
        settings: Settings,
        reconnect: Callable[[], Reconnect] = Reconnect,
        clock: Callable[[], float] = time.time,
        recall: Callable[[str, str, float], list[Line]] = lambda server, talk, before: [],
    ) -> None:
        self.settings = settings
        self.attention = Attention()
        self.attention.highlights = settings.highlights
        self.networks: list[Network] = []
        self._servers: dict[Network, Server] = {}
        self._reconnect = reconnect
        self._clock = clock
        self._recall = recall

    @property
    def network(self) -> Network | None:
        """The one whose talk is shown."""
        return self.network_of(self.attention.talk) if self.attention.talk else None

    @property
    def calls(self) -> int:
        """How often somebody called, and nobody looked since."""
        return sum(talk.calls for talk in self.talks())

    def talks(self) -> Iterator[Talk]:
        for network in self.networks:
            yield from network.talks

    def network_of(self, talk: Talk) -> Network | None:
        return next((network for network in self.networks if talk in network.talks), None)

    def server_of(self, network: Network) -> Server:
        """How the person has set it up."""
        return self._servers[network]

    def find(self, address: str) -> Network | None:
        """The network at this address, if one is on it."""
        return next((network for network in self.networks if self._servers[network].address == address), None)

    def known(self, address: str) -> Server | None:
        """The earlier settings for this address."""
        return next((server for server in self.settings.servers if server.address == address), None)

    def add(self, server: Server, show: bool = True) -> Network:
        """Be on this network too, or go on where one is on it. Its first room is shown."""
        network = self.find(server.address)
        if network is None:
            network = Network(
                server.name,
                "",
                server.address,
                self._clock,
                self._reconnect(),
                self.attention,
                partial(self._recall, server.address),
            )
            network.speech.ignored = set(server.ignored)
            network.tags.enabled = self.settings.typing
            self.networks.append(network)
        self._servers[network] = server
        talks = [self._room(network, room) for room in server.rooms]
        if show:
            network.open(talks[0] if talks else network.talks.server)
        return network

    def set_up(self, network: Network, **values: object) -> None:
        """Some of a network's settings are others now."""
        self._servers[network] = replace(self._servers[network], **values)  # type: ignore[arg-type]

    def remove(self, network: Network) -> list[Change]:
        """Be on it no longer. It is not opened at the next start."""
        shown = self.network is network
        self._keep(network, opened=False)
        place = self.networks.index(network)
        self.networks.remove(network)
        del self._servers[network]
        if not shown:
            return [TalksChanged()]
        self.attention.talk = None
        if not self.networks:
            return [TalksChanged()]
        neighbour = self.networks[max(0, place - 1)]
        return [*neighbour.open(neighbour.current), TalksChanged()]

    def focus(self, focused: bool) -> list[Change]:
        """The window has got the keyboard, or lost it."""
        talk = self.attention.talk
        self.attention.focused = focused
        if talk is None:
            return []
        if focused:
            return [TalksChanged()] if talk.read() else []
        if not talk.unread:
            talk.first_unread = 0  # it was read to its end; what comes now is new
        return []

    def remembered(self) -> Settings:
        """The settings with what is open now."""
        for network in self.networks:
            self._keep(network, opened=True)
        return self.settings

    def _keep(self, network: Network, opened: bool) -> None:
        ignored = tuple(sorted(network.speech.ignored))
        server = replace(
            self._servers[network], name=network.me.wanted, rooms=network.rooms, ignored=ignored, opened=opened
        )
        self._servers[network] = server
        others = [other for other in self.settings.servers if other.address != server.address]
        place = next((at for at, other in enumerate(self.settings.servers) if other.address == server.address), 0)
        others.insert(place, server)
        self.settings = replace(self.settings, servers=tuple(others))

    def _room(self, network: Network, text: str) -> Talk:
        name, _, key = text.partition(" ")
        talk = network.talks.add(name, TalkKind.ROOM)
        talk.key = key or talk.key
        talk.reason = ""
        return talk
