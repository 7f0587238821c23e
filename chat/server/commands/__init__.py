"""The commands: a table from verb to handler. No sockets, and no bytes for a room."""

from chat.server.commands import (
    about,
    accounts,
    info,
    listing,
    markers,
    modes,
    monitor,
    operators,
    people,
    registration,
    rooms,
    sasl,
    statistics,
    talk,
)
from chat.server.commands.lobby import run_unframed
from chat.server.commands.table import finish, run
from chat.server.commands.talk import is_word_to_room

__all__ = [
    "about",
    "accounts",
    "finish",
    "info",
    "is_word_to_room",
    "listing",
    "markers",
    "modes",
    "monitor",
    "operators",
    "people",
    "registration",
    "rooms",
    "run",
    "run_unframed",
    "sasl",
    "statistics",
    "talk",
]
