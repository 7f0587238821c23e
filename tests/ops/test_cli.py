"""The command: what it prints, and its exit status, as a process and as a function."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import chat
from chat.cli import main
from chat.server.server import Server
from chat.settings import Settings, parse_address
from tests.support import running_server


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.strip()


def test_a_busy_port_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--listen", "irc://127.0.0.1:0", "--listen", f"irc://127.0.0.1:{port}"]) == 2
    assert one_line(capsys) == f"fanfare: cannot listen on irc://127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--workers", "2"], "fanfare: there is no setting workers any longer: one loop thread owns all connections"),
        (["--outbox-limit", "1"], "fanfare: there is no setting outbox_limit any longer: lag_limit and lag_time"),
        (["--listen", "telnet://x"], "fanfare: 'telnet://x' is not an address like irc://127.0.0.1:6667"),
        (["--listen", "irc://no-such-host.invalid"], "fanfare: cannot listen on irc://no-such-host.invalid:6667: "),
        (["--listen", "irc://" + "a" * 64], "fanfare: cannot listen on irc://" + "a" * 64 + ":6667: '" + "a" * 64),
        (["--listen", "irc://a..b"], "fanfare: cannot listen on irc://a..b:6667: 'a..b' is not a host name"),
        (["--config", "/nowhere.toml"], "fanfare: /nowhere.toml: No such file or directory"),
        (["--config", "/no\nwhere\x1b[31m"], "fanfare: /no\\nwhere\\x1b[31m: No such file or directory"),
        (["--config", "/dev/zero"], "fanfare: /dev/zero: it is longer than 1,048,576 bytes, the limit"),
        (["--password-file", "/nowhere"], "fanfare: /nowhere: No such file or directory"),
        (["--helpers", "1000000000"], "fanfare: helpers is 1000000000, the most is 64"),
        (["--network", "a\r\nb"], "fanfare: network is 'a\\r\\nb', not a name"),
    ],
)
def test_a_bad_option_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(["serve", *arguments]) == 2
    assert one_line(capsys).startswith(complaint)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "fanfare: the following arguments are required: COMMAND; fanfare --help"),
        (["sevre"], "fanfare: argument COMMAND: invalid choice: 'sevre' "),
        (["serve", "--zzz", "red"], "fanfare serve: there is no --zzz; fanfare serve --help"),
        (["serve", "--lag-limt=5"], "fanfare serve: there is no --lag-limt (did you mean --lag-limit?); fanfare serve"),
        (["serve", "irc://127.0.0.1"], "fanfare serve: there is no irc://127.0.0.1; fanfare serve --help"),
        (["serve", "--lag-limit"], "fanfare serve: argument --lag-limit: expected one argument; fanfare serve --help"),
        (["serve", "--nothing\x1b[31m"], "fanfare serve: there is no --nothing\\x1b[31m; fanfare serve --help"),
        (["admin", "ban", "add", "x", "--four", "1h"], "fanfare admin ban add: there is no --four (did you mean --for"),
        (["admin", "log"], "fanfare admin log: the following arguments are required: ACTION; fanfare admin log --help"),
        (["load", "diff", "one"], "fanfare load diff: the following arguments are required: B; fanfare load diff --"),
        (["load", "report", "one", "--as", "pdf"], "fanfare load report: argument --as: invalid choice: 'pdf' "),
    ],
)
def test_a_command_line_that_cannot_be_read_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert one_line(capsys).startswith(complaint)


def test_a_failed_start_leaves_no_listener_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as probe:
        free, busy = probe.getsockname()[1], taken.getsockname()[1]
        probe.close()
        assert main(["serve", "--listen", f"irc://127.0.0.1:{free}", "--listen", f"irc://127.0.0.1:{busy}"]) == 2
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", free))


def test_check_tells_a_server_from_none_and_from_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(("irc", "nick")) as server:
        assert main(["check", f"irc://127.0.0.1:{server.ports['irc']}"]) == 0
        assert one_line_or_nothing(capsys) == ""
        port = server.ports["nick"]
        assert main(["check", f"irc://127.0.0.1:{port}"]) == 1
        assert one_line(capsys).startswith(f"fanfare: irc://127.0.0.1:{port} answers, but not as an IRC server: b'NICK")
    assert main(["check", f"irc://127.0.0.1:{port}"]) == 1
    assert one_line(capsys) == f"fanfare: irc://127.0.0.1:{port} does not answer: Connection refused"


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "[::]"])
def test_check_asks_the_first_irc_listener_of_the_servers_own_settings(
    everywhere: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheme_hosts = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
    server = Server(Settings(listen=(parse_address(f"irc://{scheme_hosts[everywhere]}:0"),)))
    (address,) = server.start()
    config = tmp_path / "fanfare.toml"
    config.write_text(f"listen = ['tilde://127.0.0.1:1', 'irc://{everywhere}:{address.port}', 'irc://127.0.0.1:2']")
    try:
        assert main(["check", "--config", str(config)]) == 0
        monkeypatch.setenv("FANFARE_CONFIG", str(config))
        assert main(["check"]) == 0
        monkeypatch.setenv("FANFARE_LISTEN", f"nick://{everywhere}:1,irc://{everywhere}:{address.port}")
        assert main(["check"]) == 0
    finally:
        server.stop()
    assert main(["check"]) == 1
    assert one_line(capsys).startswith(f"fanfare: irc://{scheme_hosts[everywhere]}:{address.port} does not answer")


@pytest.mark.parametrize("listen", ["nick://127.0.0.1:5501", "irc://127.0.0.1:0"])
def test_check_wants_an_address_where_the_settings_have_none(
    listen: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FANFARE_LISTEN", listen)
    assert main(["check"]) == 2
    assert "no IRC listener" in one_line(capsys)


def test_a_server_that_is_full_passes_the_check_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with running_server() as server:
        server.server.gate.limit = 0
        address = f"irc://127.0.0.1:{server.ports['irc']}"
        assert main(["check", address]) == 0
    reason = "Closing link: server is full: 0 connections, the limit is 0"
    assert capsys.readouterr().out == f"{address} refuses: {reason}\n"


def one_line_or_nothing(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_the_help_names_every_setting_with_its_default() -> None:
    text = subprocess.check_output([sys.executable, "-m", "chat.cli", "serve", "--help"], text=True)
    for option in (
        "--listen",
        "--helpers",
        "--rate-limit",
        "--ping-interval",
        "--ping-timeout",
        "--lag-limit",
        "--drain",
        "--config",
    ):
        assert option in text
    assert "(default 1048576)" in " ".join(text.split())


def test_the_core_imports_no_third_party_package() -> None:
    """Run without site-packages: what is imported is the standard library and ourselves."""
    root = Path(chat.__file__).parent.parent
    script = f"import sys; sys.path.insert(0, {str(root)!r}); import chat.cli, chat.server.server"
    subprocess.run([sys.executable, "-S", "-I", "-c", script], check=True)
