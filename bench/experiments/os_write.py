"""Is `os.write` on the descriptor quicker than `socket.send`?"""

import os
import socket

CASES = ("saturated", "steady")


def _write() -> None:
    def send(sock: socket.socket, data: bytes) -> int:
        return os.write(sock.fileno(), data)

    socket.socket.send = send  # type: ignore[method-assign,assignment]


VARIANTS = {"os.write": _write}
