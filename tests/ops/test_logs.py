"""Logging never blocks the thread that logs, and what could not be written is counted."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from signal import Signals

import pytest

from chat.server.ops.logs import LogHandler
from chat.server.ops.writer import LIMIT, LineWriter
from tests.ops.serving import IRC, SERVE, client_of, full_pipe, serving
from tests.support import PATIENCE


@contextmanager
def writing(descriptor: int, **options: object) -> Iterator[LineWriter]:
    writer = LineWriter(descriptor, "test", **options)  # type: ignore[arg-type]
    writer.start()
    try:
        yield writer
    finally:
        writer.close(PATIENCE)


def read_until(descriptor: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        data = os.read(descriptor, 65_536)
        assert data
        seen += data
    return seen


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_lines_are_written_in_order_and_the_last_before_it_closes() -> None:
    reader, descriptor = os.pipe()
    with writing(descriptor) as writer:
        for number in range(900):
            writer.write(f"line {number}")
    os.close(descriptor)
    with open(reader) as lines:
        assert [line.rstrip() for line in lines] == [f"line {number}" for number in range(900)]


def test_over_the_limit_lines_are_lost_and_their_number_is_said_once_there_is_room() -> None:
    with full_pipe() as (reader, descriptor), writing(descriptor, lost="{} lost".format) as writer:
        writer.write("first")
        while writer._lines:  # until the writer's thread has taken it, and blocks
            threading.Event().wait(0.001)
        for number in range(LIMIT + 7):
            writer.write(f"line {number}")
        seen = read_until(reader, b"7 lost\n").lstrip(b"x").decode().splitlines()
    assert seen[:2] == ["first", "line 0"]
    assert seen[-1] == "7 lost"
    assert len(seen) == LIMIT + 2


def test_a_full_pipe_does_not_hold_the_end() -> None:
    with full_pipe() as (reader, descriptor):
        writer = LineWriter(descriptor, "test")
        writer.start()
        writer.write("x")
        assert writer.close(0.01) is False
        read_until(reader, b"x\n")  # now its thread ends
        writer._thread.join(PATIENCE)


def test_a_descriptor_that_was_made_non_blocking_loses_nothing() -> None:
    with full_pipe() as (reader, descriptor):
        os.set_blocking(descriptor, False)
        with writing(descriptor) as writer:
            writer.write("y" * 100_000)
            assert b"y" * 100_000 in read_until(reader, b"y\n")


def test_without_a_reader_lines_are_lost_and_the_error_is_told() -> None:
    reader, descriptor = os.pipe()
    os.close(reader)
    errors: list[OSError] = []
    with writing(descriptor, failed=errors.append) as writer:
        writer.write("x")
    os.close(descriptor)
    assert [type(error) for error in errors] == [BrokenPipeError]


def test_a_record_that_cannot_be_formatted_is_one_line() -> None:
    reader, descriptor = os.pipe()
    handler = LogHandler(descriptor)
    record = logging.LogRecord("chat.test", logging.INFO, "", 12, "%d", ("x",), None)
    handler.handle(record)
    handler.close()
    os.close(descriptor)
    with open(reader) as lines:
        assert lines.read().endswith(" WARNING a log record of chat.test, line 12, cannot be formatted\n")


def test_a_full_pipe_at_standard_error_neither_stops_accepting_nor_makes_sigterm_void() -> None:
    with full_pipe() as (_, descriptor), serving(*IRC, "--max-connections", "1", stderr=descriptor) as server:
        port = server.port()
        member = client_of(port)
        member.register("ana")
        for _ in range(3 * LIMIT):  # each a line in the log
            server.signal(Signals.SIGHUP, Signals.SIGUSR2)
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as refused:
                assert refused.recv(100).startswith(b"ERROR :Closing link: server is full")
        member.sync()
        server.signal(Signals.SIGTERM)
        assert member.rest() == ["ERROR :Closing link: Server is shutting down"]
        member.sock.close()
        assert server.end()[0] == 0


def test_a_full_pipe_at_standard_output_does_not_make_sigterm_void() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with full_pipe() as (_, descriptor), serving("--listen", f"irc://127.0.0.1:{port}", stdout=descriptor) as server:
        while server.process.poll() is None and not listens(port):
            pass
        server.signal(Signals.SIGTERM)
        assert server.end() == (0, "")


def test_without_a_reader_of_standard_output_the_server_goes_on_and_says_so_in_one_line() -> None:
    reader, descriptor = os.pipe()
    os.close(reader)
    with serving(*IRC, stdout=descriptor) as server:
        os.close(descriptor)
        assert server.log_line("").endswith(" WARNING standard output takes nothing: Broken pipe\n")
        server.signal(Signals.SIGTERM)
        assert server.end() == (0, "")


@pytest.mark.parametrize("closed", ["2>&-", "2>&- <&-"])
def test_a_closed_standard_error_does_not_become_a_clients_socket(closed: str) -> None:
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh", *SERVE)
    with serving(*IRC, command=shell, stderr=subprocess.DEVNULL) as server:
        client = client_of(server.port())
        client.register("ana")
        assert os.readlink(f"/proc/{server.process.pid}/fd/2") == os.devnull
        for _ in range(10):
            server.signal(Signals.SIGUSR1)
            assert client.sync() == []
        client.sock.close()
        server.signal(Signals.SIGTERM)
        assert server.end()[0] == 0


def test_a_fault_of_a_thread_is_logged_and_not_printed() -> None:
    script = (
        "import threading\n"
        "from chat.server.ops.logs import logging_to_standard_error\n"
        "with logging_to_standard_error():\n"
        "    thread = threading.Thread(target=lambda: 1 / 0, name='divider')\n"
        "    thread.start()\n"
        "    thread.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[0].endswith(" ERROR divider ended by a fault")
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_json_is_an_object_a_line_with_the_same_keys() -> None:
    reader, descriptor = os.pipe()
    handler = LogHandler(descriptor)
    handler.use("json")
    handler.handle(logging.LogRecord("chat.test", logging.INFO, "", 12, "two\nlines of %s", ("ünï",), None))
    try:
        raise ValueError("ours")
    except ValueError:
        handler.handle(logging.LogRecord("chat.test", logging.ERROR, "", 12, "a fault", (), sys.exc_info()))
    handler._writer.write(handler._say_lost(7))
    handler.close()
    os.close(descriptor)
    with open(reader) as lines:
        plain, fault, lost = (json.loads(line) for line in lines)
    assert list(plain) == ["time", "level", "logger", "thread", "message"]
    assert (plain["level"], plain["logger"], plain["message"]) == ("INFO", "chat.test", "two\nlines of ünï")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", plain["time"])
    assert list(fault) == [*plain, "stack"]
    assert fault["stack"].endswith("ValueError: ours")
    assert (lost["level"], lost["message"]) == ("WARNING", "lost 7 log lines: standard error did not take them")


def test_a_server_writes_its_whole_log_as_json() -> None:
    with serving(*IRC, "--rate-limit", "off", "--log-format", "json") as server:
        server.port()
        server.log_line("rate limits are off")
        server.signal(Signals.SIGUSR1, Signals.SIGUSR2)
        assert json.loads(server.log_line("status: "))["thread"] == "signals"
        assert json.loads(server.log_line("stack of "))["level"] == "INFO"
        server.signal(Signals.SIGTERM)
        status, rest = server.end()
    assert status == 0
    for line in rest.splitlines():
        json.loads(line)
