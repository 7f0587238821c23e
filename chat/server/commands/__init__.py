"""What users can ask for: a table from command to handler. No sockets, and no bytes for a room."""

from chat.server.commands import info, people, registration, rooms, talk
from chat.server.commands.lobby import arrive, run_unframed
from chat.server.commands.table import run

__all__ = ["arrive", "info", "people", "registration", "rooms", "run", "run_unframed", "talk"]
