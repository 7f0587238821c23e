"""The chat server of the tutorials: a thread for each client, a list behind a lock, and `sendall` in a loop.

The first peer of the comparison. It speaks just enough IRC (NICK, USER, JOIN, PRIVMSG, PING) to be measured by the same
generator as the others, and is kept as simple as its models: no limits, and a slow reader stops everybody.
"""

import socket
import sys
import threading
from contextlib import suppress

rooms: dict[bytes, list[socket.socket]] = {}
lock = threading.Lock()  # guards `rooms`; held across sendall, as in the tutorials: this is what is being measured


def broadcast(room: bytes, data: bytes, sender: socket.socket | None = None) -> None:
    """Send to everybody in the room but the sender. The caller holds the lock."""
    for client in rooms[room]:
        if client is sender:
            continue
        with suppress(OSError):  # its thread sees the end of the connection and removes it
            client.sendall(data)


def join(client: socket.socket, nick: bytes, room: bytes) -> None:
    with lock:
        rooms.setdefault(room, []).append(client)
        broadcast(room, b":%s!b@thread JOIN %s\r\n" % (nick, room))
        client.sendall(b":thread 366 %s %s :End of /NAMES list.\r\n" % (nick, room))


def handle(client: socket.socket) -> None:
    nick = b"*"
    try:
        for line in client.makefile("rb"):
            command, _, rest = line.rstrip(b"\r\n").partition(b" ")
            if command == b"PRIVMSG":
                with lock:
                    broadcast(rest.partition(b" ")[0], b":%s!b@thread PRIVMSG %s\r\n" % (nick, rest), sender=client)
            elif command == b"NICK":
                nick = rest
            elif command == b"USER":
                client.sendall(b":thread 001 %s :Welcome\r\n" % nick)
            elif command == b"PING":
                client.sendall(b"PONG %s\r\n" % rest)
            elif command == b"JOIN":
                for room in rest.split(b","):
                    join(client, nick, room)
    except OSError:
        pass
    finally:
        with lock:
            for members in filter(lambda members: client in members, rooms.values()):
                members.remove(client)
        client.close()


def main() -> None:
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=socket.SOMAXCONN)
    while True:
        client, _ = server.accept()
        threading.Thread(target=handle, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
