"""TLS: people talk over it as over TCP, handshakes hold up nobody, and certificates change while people talk."""

import ctypes
import gc
import hashlib
import logging
import random
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from chat.cli import main
from chat.errors import SetupError
from chat.server.net import client_certificates
from chat.server.net.certificates import Certificates
from chat.server.net.handshakes import TURNS, Handshake, Handshakes
from chat.server.net.listeners import listen
from chat.server.net.tls_transport import PIECE_BYTES, RECORDS, TlsTransport
from chat.settings import Settings, parse_address
from tests.ops.serving import serving
from tests.support import PATIENCE, IrcClient, RunningServer, running_server
from tests.tls import Authority, half_open, hurry_handshakes, pair, secure, secure_irc, secure_plain

BOTH = ("irc", "ircs")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[RunningServer]:
    with running_server(BOTH, **authority.settings) as running:
        yield running


def test_people_on_tls_and_on_tcp_talk_to_each_other(server: RunningServer, authority: Authority) -> None:
    ana, ben = secure_irc(server, authority.client(), "ana", "#a"), server.irc("ben", "#a")
    ben.say("#a", "hello")
    assert ana.expect("PRIVMSG").params == ["#a", "hello"]
    ana.say("#a", "hello to you")
    assert ben.expect("PRIVMSG").params == ["#a", "hello to you"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_carry_long_texts_in_many_records(
    server: RunningServer, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    ana, ben = secure_irc(server, context, "ana", "#a"), server.irc("ben", "#a")
    for number in range(300):
        ben.say("#a", f"{number} {'x' * 400}")
    texts = [ana.expect("PRIVMSG").params[1] for _ in range(300)]
    assert [int(text.split()[0]) for text in texts] == list(range(300))
    assert {len(text.split()[1]) for text in texts} == {400}
    ana.send(*(f"PRIVMSG #a :{number} {'y' * 400}" for number in range(300)))
    assert [int(ben.expect("PRIVMSG").params[1].split()[0]) for _ in range(300)] == list(range(300))


@pytest.mark.parametrize("scheme", ["relay+tls", "joined+tls", "tilde+tls", "nick+tls"])
def test_every_wire_speaks_over_tls(authority: Authority, scheme: str) -> None:
    with running_server(("irc", scheme), **authority.settings) as server:
        ana = server.irc("ana", "#lobby")
        plain = secure_plain(server, authority.client(), scheme)
        plain.send({"joined+tls": "joined:Bob", "relay+tls": "Bob: here"}.get(scheme, "Bob"))
        ana.expect("JOIN")
        ana.say("#lobby", "over here")
        plain.expect("over here")


def test_what_is_sent_with_the_end_of_the_handshake_is_read(server: RunningServer, authority: Authority) -> None:
    """The last flight and the first lines in one packet: the poller never reports those."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.client().wrap_bio(incoming, outgoing, server_hostname="localhost")
    sock = server.connect("ircs")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65_536))
    tls.write(b"NICK ana\r\nUSER ana 0 * :ana\r\n")
    sock.sendall(outgoing.read())
    text = b""
    while b" 001 ana " not in text:
        incoming.write(sock.recv(65_536))
        try:
            text += tls.read(65_536)
        except ssl.SSLWantReadError:
            continue


def test_the_end_is_told_by_close_notify(server: RunningServer, authority: Authority) -> None:
    context = authority.client()
    sock = secure(server, context)
    client = IrcClient(sock)
    client.register("ana")
    client.send("QUIT")
    sock.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # an end without close_notify is an error
    assert client.rest()[-1].startswith("ERROR :Closing link: Quit")


def test_a_close_notify_ends_the_user_though_tcp_stays_open(server: RunningServer, authority: Authority) -> None:
    ben = server.irc("ben", "#a")
    ana = secure_irc(server, authority.client(), "ana", "#a")
    ben.expect("JOIN")
    assert isinstance(ana.sock, ssl.SSLSocket)
    ana.sock.unwrap()  # returns when the server has said so too
    assert ben.expect("QUIT").params == ["Remote host closed the connection"]


def test_a_broken_record_ends_the_connection_and_nobody_else(server: RunningServer, authority: Authority) -> None:
    ben = server.irc("ben", "#a")
    ana = secure_irc(server, authority.client(), "ana", "#a")
    ben.expect("JOIN")
    socket.socket.sendall(ana.sock, b"\x17\x03\x03\x00\x20" + bytes(32))
    assert ben.expect("QUIT").params == ["Protocol error"]
    ben.sync()


def test_renegotiation_is_refused_and_old_versions_too(server: RunningServer, authority: Authority) -> None:
    certificates = server.server.certificates
    assert certificates is not None
    for web in (False, True):
        context = certificates.context(web)
        assert context.options & ssl.OP_NO_RENEGOTIATION
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_alpn_says_irc_where_it_is_offered(server: RunningServer, authority: Authority) -> None:
    context = authority.client()
    context.set_alpn_protocols(["http/1.1", "irc"])
    assert secure(server, context).selected_alpn_protocol() == "irc"


# Handshakes


def test_200_half_open_handshakes_hold_up_nobody_and_end_by_the_deadline(authority: Authority) -> None:
    with running_server(BOTH, handshake_timeout=PATIENCE, **authority.settings) as server:
        ana, ben = server.irc("ana", "#a"), secure_irc(server, authority.client(), "ben", "#a")
        ana.expect("JOIN")
        hurry_handshakes(server)
        waiting = [half_open(server) for _ in range(200)]
        for number in range(20):
            ana.say("#a", f"word {number}")
            assert ben.expect("PRIVMSG").params[1] == f"word {number}"
        for sock in waiting:
            sock.settimeout(PATIENCE)
            assert sock.recv(1) == b""
        while server.server.gate.total > 2:  # a place is given back a moment after the end is seen
            ana.sync()
        handshakes = server.server._handshakes
        assert handshakes is not None
        assert (handshakes.going, handshakes.refused["timeout"]) == (0, 200)


def test_a_crowd_of_newcomers_holds_up_no_handshake_that_has_begun(authority: Authority) -> None:
    """In one step the thread takes in a bounded number of them, and goes on with those that have something to read."""
    settings = Settings(listen=(parse_address("ircs://127.0.0.1:0"),), **authority.settings)
    adopted: list[str] = []
    with ExitStack() as stack:
        listener = stack.enter_context(closing(listen(settings.listen[0], settings)))
        handshakes = Handshakes(
            Certificates(settings), lambda *arrived: adopted.append(arrived[1]), lambda *_: None, PATIENCE, pytest.fail
        )
        stack.callback(handshakes.stop)
        clients = []
        for number in range(3 * TURNS):
            ours, theirs = socket.socketpair()
            clients.append(stack.enter_context(theirs))
            ours.setblocking(False)
            handshakes.begin(stack.enter_context(ours), str(number), listener)
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = authority.client().wrap_bio(up, down, server_hostname="localhost")
        waiting = []
        for _ in range(3):
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            clients[0].sendall(down.read())
            handshakes._step()
            waiting.append(handshakes.going)
            if not adopted:
                up.write(clients[0].recv(65_536))
        assert adopted == ["0"]
        assert waiting == [TURNS, 2 * TURNS - 1, 3 * TURNS - 1]


def test_a_client_without_tls_is_told_so(server: RunningServer) -> None:
    sock = server.connect("ircs")
    sock.settimeout(PATIENCE)
    sock.sendall(b"NICK ana\r\n")
    assert sock.recv(4096) == b"ERROR :Closing link: this port speaks TLS\r\n"


def test_random_bytes_in_a_handshake_are_refused_and_counted(server: RunningServer, authority: Authority) -> None:
    sock = server.connect("ircs")
    sock.settimeout(PATIENCE)
    sock.sendall(b"\x16\x03\x01\x00\x10" + b"\xff" * 16)
    while sock.recv(4096):
        pass
    secure_irc(server, authority.client(), "ana")
    handshakes = server.server._handshakes
    assert handshakes is not None
    assert handshakes.refused.total() == 1


def test_a_handshake_thread_that_fails_ends_the_server(server: RunningServer, authority: Authority) -> None:
    handshakes = server.server._handshakes
    assert handshakes is not None
    handshakes._mailbox.post(lambda: (_ for _ in ()).throw(RuntimeError("broken")))
    assert server.server.wait() is False
    assert server.server.failure == "the handshakes' thread failed: RuntimeError: broken"


# Slow readers


def test_a_slow_reader_on_tls_gets_everything_in_order(authority: Authority) -> None:
    with running_server(BOTH, **authority.settings) as server:
        sock = server.connect("ircs")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ana = IrcClient(server.keep(authority.client().wrap_socket(sock, server_hostname="localhost")))
        ana.register("ana")
        ana.join("#a")
        ben = server.irc("ben", "#a")
        for number in range(1_500):  # 0.7 MB, more than the kernel takes
            ben.say("#a", f"{number} {'x' * 450}")
        ben.sync()
        ana.hurry()
        assert [int(ana.expect("PRIVMSG").params[1].split()[0]) for _ in range(1_500)] == list(range(1_500))


def test_a_reader_on_tls_that_stops_is_dropped(authority: Authority) -> None:
    with running_server(BOTH, lag_limit=100_000, lag_time=0.2, **authority.settings) as server:
        sock = server.connect("ircs")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ana = IrcClient(server.keep(authority.client().wrap_socket(sock, server_hostname="localhost")))
        ana.register("ana")
        ana.join("#a")
        ben = server.irc("ben", "#a")
        for number in range(1_500):
            ben.say("#a", f"{number} {'x' * 450}")
        assert ben.expect("QUIT").params[0].startswith("Slow reader")


# Certificates


def test_a_reload_gives_newcomers_the_new_certificate_and_drops_nobody(
    server: RunningServer, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    ana = secure_irc(server, authority.client(), "ana")
    new = authority.renew()
    with caplog.at_level(logging.INFO):
        server.server.reload()
    assert "the certificate is reloaded, valid until" in caplog.text
    ben = secure_irc(server, authority.client(), "ben")
    assert isinstance(ben.sock, ssl.SSLSocket)
    assert ben.sock.getpeercert(binary_form=True) == new
    ana.sync()


def test_a_broken_file_at_a_reload_is_one_line_and_the_old_certificate_stays(
    server: RunningServer, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    path = authority.settings["tls_cert"]
    Path(path).write_text("rubbish")
    server.server.reload()
    assert caplog.messages == [
        f"the certificate is not reloaded, and the old one stays: {path}: it holds no certificate in PEM"
    ]
    secure_irc(server, authority.client(), "ana")


def complaint(**settings: Any) -> str:
    listen = (parse_address("ircs://127.0.0.1:0"),)
    with pytest.raises(SetupError) as raised:
        Certificates(Settings(listen=listen, **settings))
    return str(raised.value)


def test_each_fault_of_the_files_is_one_clear_line(authority: Authority, tmp_path: Path) -> None:
    cert = authority.settings["tls_cert"]
    rubbish, missing = tmp_path / "rubbish.pem", str(tmp_path / "missing.pem")
    rubbish.write_text("rubbish")
    assert complaint() == (
        "ircs://127.0.0.1:0 takes a certificate: give tls_cert, and tls_key where the key is in a file of its own"
    )
    assert complaint(tls_cert=missing) == f"{missing}: No such file or directory"
    assert complaint(tls_cert=cert, tls_key=missing) == f"{missing}: No such file or directory"
    assert complaint(tls_cert=str(rubbish)) == f"{rubbish}: it holds no certificate in PEM"
    assert complaint(tls_cert=cert) == f"{cert}: it holds no private key in PEM"
    assert complaint(tls_cert=cert, tls_key=str(rubbish)) == f"{rubbish}: it holds no private key in PEM"
    other = tmp_path / "other"
    other.mkdir()
    wrong = Authority(other).settings["tls_key"]
    assert complaint(tls_cert=cert, tls_key=wrong) == (
        f"{cert}: the certificate and the key in {wrong} do not belong together"
    )


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    words = f"openssl req -x509 -newkey rsa:2048 -passout pass:word -days 2 -subj /CN=x -keyout {key} -out {cert}"
    subprocess.run(words.split(), check=True, capture_output=True)
    assert complaint(tls_cert=str(cert), tls_key=str(key)) == (
        f"{key}: the key is encrypted: give one that is not, readable by the server only"
    )


def test_an_expired_certificate_is_served_with_a_warning(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    authority.renew(days=-1)
    with running_server(BOTH, **authority.settings) as server:
        path = authority.settings["tls_cert"]
        assert caplog.messages == [f"the certificate in {path} has expired: clients will refuse it"]
        context = authority.client()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        secure_irc(server, context, "ana")


def test_a_certificate_that_ends_soon_is_a_warning(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    authority.renew(days=3)
    Certificates(Settings(listen=(parse_address("ircs://127.0.0.1:0"),), **authority.settings))
    (line,) = caplog.messages
    assert "ends soon: on 2" in line


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("signed", ["by itself", "by an authority", "by itself, and expired"])
def test_a_users_certificate_is_known_by_its_fingerprint(
    authority: Authority, version: ssl.TLSVersion, signed: str
) -> None:
    with running_server(BOTH, tls_client_certificates="on", **authority.settings) as server:
        if signed == "by an authority":
            context = authority.client("ana")
        else:
            context = authority.self_signed_client("ana", days=-1 if "expired" in signed else 1)
        context.minimum_version = context.maximum_version = version
        ana, ben = secure_irc(server, context, "ana"), secure_irc(server, authority.client(), "ben")
        ana.send("WHOIS ana")
        seen = {message.verb: message.params for message in ana.until("318")}
        assert seen["671"] == ["ana", "ana", "is using a secure connection"]
        words, _, fingerprint = seen["276"][2].rpartition(" ")
        assert words == "has client certificate fingerprint"
        (connection,) = [one for one in server.server.loop.connections if one.nick == "ana"]
        assert connection.fingerprint == fingerprint
        assert len(fingerprint) == len(hashlib.sha256().hexdigest())
        ben.send("WHOIS ana")
        assert "276" not in {message.verb for message in ben.until("318")}
        ben.send("WHOIS ben")
        assert "276" not in {message.verb for message in ben.until("318")}


def test_nobody_is_asked_for_a_certificate_unless_it_is_set_and_browsers_never(authority: Authority) -> None:
    listen = (parse_address("ircs://127.0.0.1:0"),)
    for setting, asks in (("off", False), ("on", True)):
        certificates = Certificates(Settings(listen=listen, tls_client_certificates=setting, **authority.settings))
        assert (certificates.context(web=False).verify_mode is ssl.CERT_OPTIONAL) is asks
        assert certificates.context(web=True).verify_mode is ssl.CERT_NONE


def test_an_interpreter_whose_library_is_out_of_reach_says_so_at_the_start(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_certificates, "_ssl", object())
    assert complaint(tls_client_certificates="on", **authority.settings) == (
        "tls_client_certificates is on, and cannot be: this Python has its TLS library built in"
    )


def test_a_context_that_is_not_what_it_should_be_is_not_written_to() -> None:
    class Other(ssl.SSLContext):
        options = ssl.OP_NO_TICKET

    with pytest.raises(client_certificates.Unavailable, match="keeps its TLS contexts in another place"):
        client_certificates.take_any(Other(ssl.PROTOCOL_TLS_SERVER))


# Strict transport security


@pytest.mark.parametrize(("is_secure", "value"), [(False, "port=6697"), (True, "duration=600,preload")])
def test_sts_names_the_port_without_tls_and_the_duration_with_it(
    authority: Authority, is_secure: bool, value: str
) -> None:
    settings: dict[str, Any] = {"sts_port": 6697, "sts_duration": 600, "sts_preload": "on"}
    with running_server(BOTH, **settings, **authority.settings) as server:
        client = IrcClient(secure(server, authority.client())) if is_secure else server.raw()
        client.send("CAP LS 302", "CAP REQ :sts", "CAP REQ :sts=port=1")
        listed = client.expect("CAP").params[-1].split()
        assert [word for word in listed if word.startswith("sts")] == [f"sts={value}"]
        assert client.expect("CAP").params[1:] == ["NAK", "sts"]
        assert client.expect("CAP").params[1] == "NAK"
        old = server.raw()
        old.send("CAP LS")
        assert "sts" not in old.expect("CAP").params[-1]


def test_sts_takes_a_listener_with_tls() -> None:
    with pytest.raises(SetupError, match="sts_port tells clients to use TLS, and no listener is ircs://"):
        Settings(sts_port=6697)


# The transport


class Talkative:
    """A socket with what its peer has sent."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.reads = 0

    def recv(self, size: int) -> bytes:
        self.reads += 1
        data, self._data = self._data[:size], self._data[size:]
        return data


def received(authority: Authority, *texts: bytes, size: int = 65_536) -> tuple[bytes, int]:
    """What one `recv` gives of texts in records of their own, and how often it reads."""
    server, client, (up, down) = pair(authority.server(), authority.client())
    for text in texts:
        client.write(text)
    sock = Talkative(up.read())
    data = TlsTransport(sock, server, up, down).recv(size)  # type: ignore[arg-type]
    assert server.pending() == 0
    return data, sock.reads


def test_a_read_leaves_nothing_decrypted(authority: Authority) -> None:
    """Ten small records arrive together, and the poller reports them once."""
    assert received(authority, *(b"%d" % number for number in range(10))) == (b"0123456789", 1)


def test_a_read_of_small_records_ends_after_a_number_of_them(authority: Authority) -> None:
    """Little is decrypted for a peer that sends a byte in each record, and all that may be read for one with lines."""
    size = PIECE_BYTES // 24  # records of a byte, in what is read at once
    data, reads = received(authority, *[b"x"] * 1_000)
    assert (len(data) <= RECORDS + size, reads) == (True, 1)
    data, reads = received(authority, *[b"x" * 1_000] * 16, size=16_384)
    assert (len(data), reads) == (16_000, 16_384 // PIECE_BYTES)


class Narrow:
    """A socket that takes a number of bytes, and then none."""

    def __init__(self, takes: list[int]) -> None:
        self.takes = takes
        self.got = b""

    def send(self, data: bytes) -> int:
        taken = min(self.takes.pop(0), len(data)) if self.takes else 0
        if not taken:
            raise BlockingIOError
        self.got += data[:taken]
        return taken


@pytest.mark.parametrize("size", [1, 400, 8_192, 8_193, 50_000])
@pytest.mark.parametrize("seed", range(5))
def test_what_a_socket_takes_in_pieces_arrives_once_and_in_order(authority: Authority, size: int, seed: int) -> None:
    server, client, (up, down) = pair(authority.server(), authority.client())
    chance = random.Random(seed)
    sock = Narrow([])
    transport = TlsTransport(sock, server, up, down)  # type: ignore[arg-type]
    waiting, sent = b"", b""
    for turn in range(6):
        more = bytes([65 + turn]) * size
        waiting, sent = waiting + more, sent + more
        sock.takes = [chance.choice((1, 5, 700, 8_000, 9_000)) for _ in range(chance.randrange(6))]
        with suppress(BlockingIOError):
            waiting = waiting[transport.send(waiting) :]
    sock.takes = [10**6] * 1_000
    while waiting:
        waiting = waiting[transport.send(waiting) :]
    down.write(sock.got)
    got = b""
    with suppress(ssl.SSLWantReadError):
        while part := client.read(65_536):
            got += part
    assert got == sent


class MallInfo(ctypes.Structure):
    """glibc's mallinfo2: the eighth is the bytes in use."""

    _fields_ = [(f"field{number}", ctypes.c_size_t) for number in range(10)]


def allocated() -> int:
    """Bytes that libraries have allocated; the interpreter's small objects are elsewhere."""
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is None:
        pytest.skip("this C library does not tell how much it has allocated")
    mallinfo.restype = MallInfo
    gc.collect()
    info = mallinfo()
    return int(info.field7 + info.field4)  # and what is mapped by itself


def test_an_idle_connection_keeps_at_most_32_kib_of_the_librarys_memory_after_full_records(
    authority: Authority,
) -> None:
    """Of the 40 KiB that an idle user of TLS may take: the rest is for what the server itself keeps."""
    for_server, for_client = authority.server(), authority.client()
    kept: list[tuple[TlsTransport, socket.socket]] = []

    def connect() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        handshake = Handshake(ours, "", None, for_server, 0.0)  # type: ignore[arg-type]  # no listener is needed
        with for_client.wrap_socket(theirs, server_hostname="localhost", do_handshake_on_connect=False) as client:
            client.setblocking(False)
            for _ in range(2):
                with suppress(ssl.SSLWantReadError):
                    client.do_handshake()
                done = handshake.go_on()
            assert done
            client.setblocking(True)
            transport, _ = handshake.arrived()
            client.sendall(b"x" * 32_768)  # two records, as large as they can be
            read = 0
            while read < 32_768:
                with suppress(BlockingIOError):
                    read += len(transport.recv(65_536))
            assert transport.send(b"x" * 32_768) == 32_768
        kept.append((transport, ours))  # type: ignore[arg-type]

    connect()  # what is made once
    before, many = allocated(), 100
    for _ in range(many):
        connect()
    each = (allocated() - before) / many
    for _, ours in kept:
        ours.close()
    assert 4_096 < each < 32_768


def test_a_process_reads_the_certificate_again_on_sighup_and_answers_a_check_by_tls(authority: Authority) -> None:
    files = [f"--{name.replace('_', '-')}={path}" for name, path in authority.settings.items()]
    with serving("--listen", "ircs://127.0.0.1:0", *files) as process:
        port = process.port()
        assert check(f"ircs://127.0.0.1:{port}") == 0
        new = authority.renew()
        process.signal(signal.SIGHUP)
        process.log_line("the certificate is reloaded")
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        assert ssl.PEM_cert_to_DER_cert(pem) == new


def check(address: str) -> int:
    return main(["check", address])


def test_a_process_without_a_usable_certificate_ends_with_one_line_and_status_2(authority: Authority) -> None:
    path = authority.settings["tls_cert"]
    with serving("--listen", "ircs://127.0.0.1:0", "--tls-cert", path) as process:
        assert process.end() == (2, f"fanfare: {path}: it holds no private key in PEM\n")


def test_the_loop_makes_no_handshake(
    server: RunningServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()

    def noted(handshake: Handshake) -> bool:
        threads.add(threading.current_thread().name)
        return go_on(handshake)

    go_on = Handshake.go_on
    monkeypatch.setattr(Handshake, "go_on", noted)
    secure_irc(server, authority.client(), "ana")
    assert threads == {"tls"}
