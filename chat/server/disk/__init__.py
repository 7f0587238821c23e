"""The log on disk: an SQLite file, the thread that writes it, and the one that reads it."""
