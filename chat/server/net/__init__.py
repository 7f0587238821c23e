"""Sockets and threads: connections, their limits, their sends, and the loop that owns them."""
