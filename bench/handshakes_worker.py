"""The clients of `bench.handshakes`, in a process of their own: `python -m bench.handshakes_worker PORT RATE SECONDS`.

Says "ready", and begins at a line on standard input. Handshakes begin on a timetable, whether earlier ones are done or
not, and each starts from nothing: no session is resumed. The connections stay until the end, as people's do. Prints a
JSON object.
"""

import json
import selectors
import socket
import ssl
import sys
import time

from bench.process import raise_file_limit

DEADLINE = 10.0  # s for the last handshakes


class Clients:
    def __init__(self, port: int) -> None:
        self._place = ("127.0.0.1", port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self._selector = selectors.DefaultSelector()
        self._due: dict[ssl.SSLSocket, float] = {}
        self._done: list[ssl.SSLSocket] = []
        self.took: list[float] = []  # s, from when each was due
        self.late = 0.0  # s that the clients themselves began late, at most
        self.failed = 0

    def play(self, rate: float, seconds: float) -> None:
        """All handshakes of the timetable, which are done or failed when it returns."""
        began, total, begun = time.perf_counter(), int(rate * seconds), 0
        while begun < total or (self._due and time.perf_counter() < began + seconds + DEADLINE):
            now = time.perf_counter()
            while begun < total and began + begun / rate <= now:
                self._begin(began + begun / rate)
                begun += 1
            due = began + begun / rate if begun < total else now + 0.1
            for key, _ in self._selector.select(max(0.0, due - time.perf_counter())):
                assert isinstance(key.fileobj, ssl.SSLSocket)
                self._go_on(key.fileobj)
        self.failed += len(self._due)

    def _begin(self, due: float) -> None:
        self.late = max(self.late, time.perf_counter() - due)
        plain = socket.create_connection(self._place)  # loopback: the kernel connects at once
        plain.setblocking(False)
        sock = self._context.wrap_socket(plain, do_handshake_on_connect=False)
        self._due[sock] = due
        self._selector.register(sock, selectors.EVENT_READ)
        self._go_on(sock)

    def _go_on(self, sock: ssl.SSLSocket) -> None:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError:
            self.failed += 1
        else:
            self.took.append(time.perf_counter() - self._due[sock])
        self._selector.unregister(sock)
        del self._due[sock]
        self._done.append(sock)


def main() -> None:
    port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    raise_file_limit()
    clients = Clients(port)
    print("ready", flush=True)
    sys.stdin.readline()
    clients.play(rate, seconds)
    report = {"made": len(clients.took), "failed": clients.failed, "late": clients.late, "took": sorted(clients.took)}
    print(json.dumps(report), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
