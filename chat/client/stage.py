"""How far a connection is."""

from enum import Enum


class Stage(Enum):
    """Whether we are in a room, its talk says."""

    CONNECTING = "connecting"
    ONLINE = "online"
    NAMELESS = "nameless"  # the server refused the name
    LOST = "lost"
