"""The hosts of a run, as `--host` names them, and which of its users is on which. Knows no sockets.

Several hosts are the nodes of one network: a room spans them.
"""

from dataclasses import dataclass
from math import lcm

from chat.errors import SetupError
from loadtest.wires import Wire, wire_of


@dataclass(frozen=True, slots=True)
class Hosts:
    urls: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Hosts":
        """Of URLs separated by commas. Raises SetupError."""
        urls = tuple(each.strip() for each in text.split(","))
        if "" in urls:
            raise SetupError(f"--host {text}: there is nothing beside a comma")
        if twice := [url for url in dict.fromkeys(urls) if urls.count(url) > 1]:
            raise SetupError(f"--host {text}: {twice[0]} is there twice")
        schemes = dict.fromkeys(wire_of(url).scheme for url in urls)
        if len(schemes) > 1:
            raise SetupError(f"--host {text}: all hosts must have one scheme, got {' and '.join(schemes)}")
        return cls(urls)

    @property
    def count(self) -> int:
        return len(self.urls)

    @property
    def wire(self) -> type[Wire]:
        return wire_of(self.urls[0])

    def node_of(self, user: int, processes: int) -> int:
        """In turn, and after a whole round one further: else, of as many processes, each would have users of one node.

        Of the first users, however many, no node has more than one more than another.
        """
        return (user + user // lcm(self.count, processes)) % self.count
