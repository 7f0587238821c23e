"""A client that asks for the newest messages of rooms, for `bench.history`.

`python -m bench.history_asker PORT AT_ONCE ROOM...` asks one question, prints how many messages its answer has, and
goes on asking until its input has a line. Then it prints how long each answer, or so many at once, took, in seconds.
"""

import json
import random
import select
import socket
import sys
import time
from collections.abc import Iterable

LENGTH = 100  # entries of an answer, which is the most that the server gives
PATIENCE = 60.0  # s for an answer
END = b" BATCH -"


def main(port: str, at_once: str, *rooms: str) -> None:
    with socket.create_connection(("127.0.0.1", int(port)), PATIENCE) as sock, sock.makefile("rb") as lines:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = ["CAP REQ :batch message-tags server-time draft/chathistory", "NICK asker", "USER u 0 * :u", "CAP END"]
        sock.sendall("".join(f"{line}\r\n" for line in (*hello, *(f"JOIN {room}" for room in rooms))).encode())
        read_until(lines, b" 366 ", len(rooms))
        questions = [f"CHATHISTORY LATEST {room} * {LENGTH}\r\n".encode() for room in rooms]
        sock.sendall(questions[0])
        print(read_until(lines, END, 1), flush=True)
        chance = random.Random(1)
        delays: list[float] = []
        while not delays or not select.select([sys.stdin], [], [], 0.0)[0]:
            asked = b"".join(chance.choices(questions, k=int(at_once)))
            began = time.perf_counter()
            sock.sendall(asked)
            read_until(lines, END, int(at_once))
            delays.append(time.perf_counter() - began)
        print(json.dumps(delays), flush=True)


def read_until(lines: Iterable[bytes], text: bytes, times: int) -> int:
    """Read up to the line that is the last of so many with the text; gives how many messages came meanwhile."""
    messages = 0
    for line in lines:
        messages += b" PRIVMSG " in line
        times -= text in line
        if not times:
            return messages
    raise EOFError


if __name__ == "__main__":
    main(*sys.argv[1:])
