"""The server as a process: what it says at the start, and its exit status after a fault."""

import sys
from signal import Signals

from tests.ops.serving import IRC, client_of, serving

# The acceptor's listener stops accepting when the first client has come, as if the kernel had taken it away.
FAULTY = """
import socket, sys
from chat.cli import main
from chat.server.net.acceptor import Acceptor
adopting = Acceptor.__init__
def init(self, listeners, adopt, *others):
    def adopt_one(sock, host, listener, *more):
        adopt(sock, host, listener, *more)
        for queue in listener.socks:
            queue.shutdown(socket.SHUT_RDWR)
    adopting(self, listeners, adopt_one, *others)
Acceptor.__init__ = init
sys.exit(main())
"""


def test_without_rate_limits_the_server_says_so_in_one_line_at_the_start() -> None:
    with serving(*IRC, "--rate-limit", "off") as server:
        server.port()
        assert " WARNING rate limits are off: " in server.log_line("")
        server.signal(Signals.SIGTERM)
        assert server.end() == (0, "")


def test_a_fault_of_the_acceptor_ends_the_server_with_its_reason_and_status_1() -> None:
    with serving(*IRC, command=(sys.executable, "-c", FAULTY, "serve")) as server:
        client = client_of(server.port())
        assert client.rest() == ["ERROR :Closing link: Server is shutting down after an internal error"]
        client.sock.close()
        status, errors = server.end()
        assert status == 1
        last = errors.splitlines()[-1]
        assert last.endswith("ERROR the server stops: the acceptor failed: OSError: [Errno 22] Invalid argument")


def test_a_machine_without_threads_to_spare_is_one_line_and_status_2() -> None:
    script = (
        "import sys, threading\n"
        "from chat.cli import main\n"
        "from chat.server.server import Server\n"
        'def start(server): raise RuntimeError("can\'t start new thread")\n'
        "Server.start = start\n"
        "sys.exit(main())\n"
    )
    with serving(*IRC, command=(sys.executable, "-c", script, "serve")) as server:
        assert server.end() == (2, "fanfare: cannot start: can't start new thread\n")
