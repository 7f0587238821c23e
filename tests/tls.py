"""Certificates and clients of TLS, for the tests. An authority of their own vouches for each certificate."""

import datetime
import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chat.server.net.certificates import Certificates
from chat.settings import Settings, parse_address
from tests.support import PATIENCE, IrcClient, PlainClient, RunningServer


class Authority:
    """Signs certificates, and writes them where a server reads them."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self._folder = folder
        self.settings: dict[str, Any] = {"tls_cert": str(folder / "cert.pem"), "tls_key": str(folder / "key.pem")}
        self.renew()

    def renew(self, days: float | None = None) -> bytes:
        """Write a new certificate, which ends after so many days; returns it in DER."""
        ends = None if days is None else datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        made = self._ca.issue_cert("localhost", "127.0.0.1", not_after=ends, key_type=trustme.KeyType.ECDSA)
        chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        for name, data in (("cert.pem", chain), ("key.pem", made.private_key_pem.bytes())):
            with open(self._folder / f"{name}.new", "wb") as file:
                file.write(data)
            os.replace(self._folder / f"{name}.new", self._folder / name)
        return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())

    def write_ca(self) -> str:
        path = self._folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(path))
        return str(path)

    def write_client(self, name: str) -> str:
        """A client's certificate and its key, in one file."""
        path = self._folder / f"{name}.pem"
        self._ca.issue_cert(name, common_name=name).private_key_and_cert_chain_pem.write_to_path(str(path))
        return str(path)

    def server(self) -> ssl.SSLContext:
        """The server's own, for IRC."""
        return Certificates(Settings(listen=(parse_address("ircs://127.0.0.1:0"),), **self.settings)).context(False)

    def client(self, name: str = "") -> ssl.SSLContext:
        """A client's context that trusts this authority; with `name`, one with a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._ca.configure_trust(context)
        if name:
            self._ca.issue_cert(name, common_name=name).configure_cert(context)
        return context

    def self_signed_client(self, name: str, days: int = 1) -> ssl.SSLContext:
        """As `client`, with a certificate that nobody else vouches for, which ends after so many days."""
        context, file = self.client(), self._folder / f"{name}.pem"
        write_self_signed(file, name, days)
        context.load_cert_chain(file)
        return context


def write_self_signed(file: Path, name: str, days: int = 1) -> None:
    """A certificate as people make them for IRC, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=2)).not_valid_after(now + datetime.timedelta(days=days))
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    file.write_bytes(key.private_bytes(*form) + made.sign(key, SHA256()).public_bytes(Encoding.PEM))


def pair(
    of_server: ssl.SSLContext, of_client: ssl.SSLContext
) -> tuple[ssl.SSLObject, ssl.SSLObject, list[ssl.MemoryBIO]]:
    """A server's and a client's end that have shaken hands, and what the server's reads from and writes to."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = of_server.wrap_bio(up, down, server_side=True)
    client = of_client.wrap_bio(down, up, server_hostname="localhost")
    for end in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    with suppress(ssl.SSLWantReadError):
        client.read()
    return server, client, [up, down]


def secure(server: RunningServer, context: ssl.SSLContext, scheme: str = "ircs") -> ssl.SSLSocket:
    """A client's socket, after its handshake."""
    sock = server.connect(scheme)
    sock.settimeout(PATIENCE)
    wrapped = context.wrap_socket(sock, server_hostname="localhost")
    return server.keep(wrapped)


def secure_irc(server: RunningServer, context: ssl.SSLContext, nick: str, *rooms: str, caps: str = "") -> IrcClient:
    client = IrcClient(secure(server, context))
    client.register(nick, caps)
    for room in rooms:
        client.join(room)
    return client


def secure_plain(server: RunningServer, context: ssl.SSLContext, scheme: str) -> PlainClient:
    return PlainClient(secure(server, context, scheme))


def hurry_handshakes(server: RunningServer) -> None:
    """The handshakes that begin from now on have 4 s, and not the patience that those before had."""
    handshakes = server.server._handshakes
    assert handshakes is not None
    assert handshakes._timeout == PATIENCE
    handshakes._timeout = 4.0


def half_open(server: RunningServer) -> socket.socket:
    """A connection that has begun a handshake, and says no more."""
    sock = server.connect("ircs")
    sock.sendall(b"\x16\x03\x01\x02\x00\x01")
    return sock
