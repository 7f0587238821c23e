"""A server without a program: the test writes every line that a client under test gets to read."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from chat.client.irc.address import Address
from tests.support import PATIENCE, IrcClient


class ScriptedServer:
    """A listening socket. What it says to whom is up to the test."""

    def __init__(self, listener: socket.socket, connections: ExitStack, context: ssl.SSLContext | None = None) -> None:
        self._listener = listener
        self._context = context
        self._connections = connections
        listener.settimeout(PATIENCE)
        self.target = Address("127.0.0.1", listener.getsockname()[1], tls=context is not None)

    def accept(self) -> IrcClient:
        """The server's end of the next connection."""
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        return IrcClient(self._connections.enter_context(connection))

    def refused(self) -> None:
        """A connection that the client gives up while, or right after, it sees our certificate."""
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        assert self._context
        with suppress(OSError), closing(self._context.wrap_socket(connection, server_side=True)) as wrapped:
            wrapped.recv(1)
        connection.close()

    def welcome(self, capabilities: str = "") -> IrcClient:
        """The next connection, registered as `ana` and in #lobby."""
        end = self.accept()
        end.expect("USER")
        end.send(f":irc.example CAP * LS :{capabilities}")
        if capabilities:
            end.send(f":irc.example CAP * ACK :{end.expect('CAP').params[-1]}")
        end.expect("CAP")
        end.send(":irc.example 001 ana :Welcome")
        end.expect("JOIN")
        end.send(":ana!a@h JOIN #lobby", ":irc.example 353 ana = #lobby :@ben ana", ":irc.example 366 ana #lobby :End")
        return end


@contextmanager
def scripted_server(context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """One on a free port of the loopback, with TLS if given how; at the end all its connections are closed."""
    with ExitStack() as connections, closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield ScriptedServer(listener, connections, context)
