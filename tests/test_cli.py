"""The command: what it prints, and its exit status, as a process and as a function."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from chat.cli import main
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
        (["--workers", "0"], "fanfare: workers is 0, the least is 1"),
        (["--listen", "telnet://x"], "fanfare: 'telnet://x' is not an address like irc://127.0.0.1:6667"),
        (["--listen", "irc://no-such-host.invalid"], "fanfare: cannot listen on irc://no-such-host.invalid:6667: "),
        (["--config", "/nowhere.toml"], "fanfare: /nowhere.toml: No such file or directory"),
    ],
)
def test_a_bad_option_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(["serve", *arguments]) == 2
    assert one_line(capsys).startswith(complaint)


def test_an_unknown_option_is_status_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--colour", "red"])
    assert caught.value.code == 2


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


def one_line_or_nothing(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_the_help_names_every_setting_with_its_default() -> None:
    text = subprocess.check_output([sys.executable, "-m", "chat.cli", "serve", "--help"], text=True)
    for option in (
        "--listen",
        "--workers",
        "--rate-limit",
        "--ping-interval",
        "--ping-timeout",
        "--outbox-limit",
        "--drain",
        "--config",
    ):
        assert option in text
    assert "(default 1048576)" in " ".join(text.split())


def test_the_core_imports_no_third_party_package() -> None:
    """Run without site-packages: what is imported is the standard library and ourselves."""
    root = Path(__file__).parent.parent
    script = f"import sys; sys.path.insert(0, {str(root)!r}); import chat.cli, chat.server.server"
    subprocess.run([sys.executable, "-S", "-I", "-c", script], check=True)
