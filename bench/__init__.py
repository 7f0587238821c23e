"""Measure IRC servers side by side, turn by turn in one run, with a generator in C.

Run it with `python -m bench`. Knows the servers only as programs that listen on a port: it imports nothing from `chat`,
except in `still` and `experiments`, which run or change the server, `history_file`, which makes a log's file, and
`client_load_window`, which opens the client.
"""
