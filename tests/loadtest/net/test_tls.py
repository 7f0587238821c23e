"""Over TLS a run is what it is without: the certificate is checked, and arrivals stay the kernel's."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from chat.errors import SetupError
from loadtest.net.tls import context_of
from tests.loadtest.runs import QUICK, UNHURRIED, run, summary
from tests.support import running_server

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="it takes openssl to make a certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate in one file, for `localhost`."""
    folder = tmp_path_factory.mktemp("tls")
    both, key = folder / "both.pem", folder / "key.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([*words.split(), "-keyout", str(key), "-out", str(both)], check=True, capture_output=True)
    both.write_text(both.read_text() + key.read_text())
    return both


class Front:
    """Speaks TLS on a port of its own, before a server's."""

    def __init__(self, port: int, certificate: Path) -> None:
        self._behind = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                try:
                    user = self._context.wrap_socket(plain, server_side=True)
                except OSError:
                    plain.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._behind))
                self._sockets += [user, server]
                for pair in ((user, server), (server, user)):
                    self._threads.append(threading.Thread(target=_pass_on, args=pair))
                    self._threads[-1].start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    for sock in (one, other):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def secured(port: int, certificate: Path) -> Iterator[int]:
    front = Front(port, certificate)
    try:
        yield front.port
    finally:
        front.close()


def test_every_delivery_is_accounted_for_over_tls(certificate: Path, tmp_path: Path) -> None:
    with running_server() as server, secured(server.ports["irc"], certificate) as port:
        place = ("--host", f"ircs://localhost:{port}", "--tls-ca", str(certificate), "--report", str(tmp_path))
        done = run(0, *QUICK, *UNHURRIED, *place)
    assert done.returncode == 0, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["delivered"], messages["expected_deliveries"], messages["corrupt"]) == (190, 190, 0)


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with running_server() as server, secured(server.ports["irc"], certificate) as port:
        done = run(0, *QUICK, "--host", f"ircs://localhost:{port}")
    assert done.returncode == 3
    assert "certificate verify failed" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


def test_a_file_of_authorities_that_is_none_is_one_line() -> None:
    with pytest.raises(SetupError, match="--tls-ca /no/where: No such file"):
        context_of("/no/where")
