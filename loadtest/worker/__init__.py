"""One generator process: its users, what they do and say, its part of a window, its own health."""
