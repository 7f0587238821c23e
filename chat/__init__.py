"""Fanfare's chat: the server, the desktop client, and the wires and events that they share."""

__version__ = "0.1.0"
