"""Measure IRC servers side by side, turn by turn in one run, with a generator of its own in C.

Run it with `python -m bench`. Knows the servers only as programs that listen on a port: it imports nothing from `chat`,
but for `client_load_window`, which opens the desktop client's window.
"""
