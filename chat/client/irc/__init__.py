"""IRC as a client speaks it: bytes to news, addresses, logins, the thread that owns the socket. Knows no model.

`session` owns the socket on a thread of its own; `protocol` is sans-IO and turns its bytes into `news`.
"""
