"""WebSocket: people in browsers talk with people on other wires, and cost them one send a pass."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from bench.still import UNLIMITED, counted, still_server
from chat.server.core.server_bans import Ban
from chat.wires.web_socket import WebSocketWire
from tests.support import PATIENCE, RunningServer, running_server
from tests.tls import Authority
from tests.wires.test_web_socket import REQUEST, text

PAGE = """<script>
const room = [];
const socket = new WebSocket("ws://127.0.0.1:%d/", ["text.ircv3.net"]);
socket.onopen = () => { socket.send("NICK web"); socket.send("USER web 0 * :web"); socket.send("JOIN #lobby"); };
socket.onmessage = (event) => {
  document.body.append(event.data + "\\n");
  if (event.data.includes(" 366 ")) socket.send("PRIVMSG #lobby :hello from a page");
  if (event.data.includes("see you")) socket.send("QUIT");
};
socket.onclose = (event) => { document.title = "closed " + event.code; };
</script><body></body>"""


class Web:
    """An IRC client on a WebSocket."""

    def __init__(self, connection: ClientConnection, nick: str, *rooms: str) -> None:
        self.connection = connection
        self.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}", *(f"JOIN {room}" for room in rooms))
        self.expect(" 366 " if rooms else " 422 ")

    def send(self, *lines: str) -> None:
        for line in lines:
            self.connection.send(line)

    def expect(self, words: str) -> str:
        while True:
            line = self.connection.recv(PATIENCE)
            line = line if isinstance(line, str) else line.decode()
            assert "\n" not in line
            if words in line:
                return line


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running_server(("irc", "ws", "tilde")) as running:
        yield running


def dial(server: RunningServer, scheme: str = "ws", **options: Any) -> ClientConnection:
    connection: ClientConnection = connect(
        f"{scheme}://localhost:{server.ports[scheme]}/", open_timeout=PATIENCE, **options
    )
    return connection


def test_words_go_each_way_between_websocket_irc_and_tilde(server: RunningServer) -> None:
    ana, tim = server.irc("ana", "#lobby"), server.plain("tilde")
    tim.send("tim")
    ana.expect("JOIN")
    with dial(server, subprotocols=[Subprotocol("text.ircv3.net")]) as connection:
        web = Web(connection, "web", "#lobby")
        web.send("PRIVMSG #lobby :hällo")
        assert ana.expect("PRIVMSG").params == ["#lobby", "hällo"]
        tim.expect("web~hällo")
        ana.say("#lobby", "and back")
        assert web.expect("PRIVMSG").endswith(" PRIVMSG #lobby :and back")
        tim.send("from tilde")
        assert web.expect("PRIVMSG").endswith(" PRIVMSG #lobby :from tilde")
        web.send("QUIT :bye")
        assert web.expect("ERROR") == "ERROR :Closing link: Quit: bye"
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
    assert ana.expect("QUIT").params == ["Quit: bye"]


def test_capabilities_labels_and_long_answers_come_as_lines(server: RunningServer) -> None:
    with dial(server, subprotocols=[Subprotocol("binary.ircv3.net")]) as connection:
        web = Web(connection, "web", "#lobby")
        web.send("CAP REQ :message-tags labeled-response batch server-time echo-message")
        web.expect(" ACK ")
        web.send("@label=1 PRIVMSG #lobby :labelled")
        assert "label=1" in web.expect("PRIVMSG")
        ana = server.irc("ana", "#lobby")
        ana.say("#lobby", "tagged")
        assert web.expect("tagged").startswith("@time=")
        web.send("LIST")
        web.expect(" 323 ")


def test_wss_works_and_a_client_is_known_to_be_secure(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        running_server(("irc", "wss"), **authority.settings) as server,
        dial(server, "wss", ssl=authority.client()) as connection,
    ):
        web = Web(connection, "web", "#a")
        web.send("WHOIS web")
        web.expect(" 671 ")


def test_a_page_of_another_origin_is_refused(server: RunningServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        dial(server, origin=Origin("https://elsewhere.example"))
    assert refused.value.response.status_code == 403


def test_a_plain_request_gets_a_short_answer_and_an_end(server: RunningServer) -> None:
    sock = server.connect("ws")
    sock.settimeout(PATIENCE)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = b"".join(iter(lambda: sock.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert answer.endswith(b"You need a WebSocket client.\n")


def test_a_request_that_never_ends_is_timed_out() -> None:
    with running_server(("ws",), registration_timeout=0.3) as server:
        sock = server.connect("ws")
        sock.settimeout(PATIENCE)
        sock.sendall(b"GET / HTTP/1.1\r\n")
        answer = b"".join(iter(lambda: sock.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"Registration timed out after 0.3 s\n")


def answer_to(server: RunningServer, data: bytes, scheme: str = "ws") -> bytes:
    """All that the server says to somebody who sends that."""
    sock = server.connect(scheme)
    sock.settimeout(PATIENCE)
    with suppress(ConnectionError):  # it has been refused before it could be sent
        sock.sendall(data)
    return b"".join(iter(lambda: sock.recv(4096), b""))


@pytest.mark.parametrize(
    ("settings", "status", "reason"),
    [
        ({"max_connections": 2}, 503, "server is full"),
        ({"max_per_address": 2, "exempt": ()}, 429, "too many connections from 127.0.0.1"),
        ({"rate_limit": 5.0, "connection_burst": 2, "exempt": ()}, 429, "too many new connections from 127.0.0.1"),
    ],
)
def test_the_status_says_whether_the_server_or_the_address_is_at_its_limit(
    settings: dict[str, Any], status: int, reason: str
) -> None:
    with running_server(("irc", "ws"), **settings) as server:
        server.irc("ana"), server.irc("bob")
        answer = answer_to(server, b"")
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert reason.encode() in answer


def test_a_banned_address_is_forbidden_before_its_request_is_read() -> None:
    with still_server(UNLIMITED) as server:
        server.node.state.bans.add(Ban("192.0.2.0/24", "ads", "root", 0.0, 0.0))
        banned = server.adopt(WebSocketWire(), "192.0.2.7")
        banned.said = REQUEST
        server.settle()
        answer = b"".join(banned.heard)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert answer.endswith(b"\r\n\r\nBanned: ads\n")


@pytest.mark.parametrize(
    ("data", "reason"), [(REQUEST, "begins without a PROXY header"), (b"PROXY X\r\n", "the PROXY header names no TCP")]
)
def test_a_proxy_without_a_good_header_has_made_a_bad_request(data: bytes, reason: str) -> None:
    with running_server(("irc", "ws"), proxy_from=("127.0.0.1",)) as server:
        answer = answer_to(server, data)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert reason.encode() in answer


def test_a_proxy_that_sends_no_header_is_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.server.net.proxied.TIMEOUT", 0.1)
    with running_server(("irc", "ws"), proxy_from=("127.0.0.1",)) as server:
        assert answer_to(server, b"").startswith(b"HTTP/1.1 408 ")


def test_a_plain_request_to_a_port_of_tls_is_a_bad_one(tmp_path: Path) -> None:
    with running_server(("irc", "wss"), **Authority(tmp_path).settings) as server:
        answer = answer_to(server, REQUEST, "wss")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"this port speaks TLS\n")


def test_a_closed_page_quits_its_user(server: RunningServer) -> None:
    ana = server.irc("ana", "#lobby")
    with dial(server) as connection:
        Web(connection, "web", "#lobby")
    assert ana.expect("QUIT").params == ["WebSocket closed"]


def test_a_member_costs_one_send_of_shared_bytes_and_an_event_one_encoding() -> None:
    with still_server(UNLIMITED) as server:
        ana = server.connect("ana", "#a")
        members = []
        for number in range(50):
            sock = server.adopt(WebSocketWire())
            sock.said = REQUEST + b"".join(text(line) for line in (b"NICK w%d" % number, b"USER w 0 * :w", b"JOIN #a"))
            server.settle()
            sock.heard.clear()
            members.append(sock)
        for sock in members:
            sock.heard.clear()
        with counted(server) as counts:
            server.say(ana, *(f"PRIVMSG #a :{number}" for number in range(5)))
        assert (counts["encodes"], counts["sends"]) == (10, 50)  # in ana's dialect and in the members'
        assert len({tuple(sock.heard) for sock in members}) == 1
        assert members[0].heard[0][:1] == b"\x81"


def test_a_read_full_of_the_smallest_frames_is_parsed_a_few_at_a_time() -> None:
    with still_server() as server:
        sock = server.adopt(WebSocketWire())
        sock.said = REQUEST
        server.settle()
        connection = server.connection(sock)
        sock.said = text(b"", Opcode.PING) * 2_000
        server.step()
        assert connection.wire.waiting > 6 * 1_000  # most of it waits as bytes


def test_without_the_package_a_listener_is_refused_in_one_line() -> None:
    code = (
        "import sys; sys.modules['websockets'] = None\n"
        "from chat.cli import main; sys.exit(main(['serve', '--listen', 'ws://127.0.0.1:0', '--log', 'memory:']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "fanfare: ws:// and wss:// take the package websockets: pip install 'fanfare[web]'\n",
    )


def test_a_page_in_a_browser_talks_with_people_on_irc_and_tilde(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)("no Chromium")
    with running_server(("irc", "ws", "tilde"), web_origins="*") as server:
        ana, tim = server.irc("ana", "#lobby"), server.plain("tilde")
        tim.send("tim")
        ana.expect("JOIN")
        path = tmp_path / "page.html"
        path.write_text(PAGE % server.ports["ws"])
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        with subprocess.Popen([chromium, *words, profile, path.as_uri()], stderr=subprocess.DEVNULL) as browser:
            try:
                assert ana.expect("PRIVMSG").params == ["#lobby", "hello from a page"]
                tim.expect("web~hello from a page")
                tim.send("see you")  # the page answers by QUIT
                assert ana.expect("PRIVMSG").params == ["#lobby", "see you"]
                assert ana.expect("QUIT").params[0].startswith("Quit")
            finally:
                browser.kill()


def test_resets_and_half_requests_leave_no_connection(server: RunningServer) -> None:
    for part in (b"", b"GET", REQUEST, REQUEST + b"\x81"):
        sock = server.connect("ws")
        sock.sendall(part)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    ana = server.irc("ana")
    ana.sync()
    while server.server.gate.total > 1:
        ana.sync()
