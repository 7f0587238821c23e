"""A Redis of the test's own, on a Unix socket, and a proxy before it that cuts, holds up and loses answers."""

import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

PATIENCE = 50.0  # s


class RedisProcess:
    """`start` after `stop` begins with what is on the disk."""

    def __init__(self, folder: Path, port: int = 0, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> None:
        """With `port`, on that TCP port of `host` too. `prefix` are words before the command."""
        self.folder = folder
        self.port = port
        self.path = str(folder / "redis.sock")
        self.process: subprocess.Popen[bytes]
        self.command = (*prefix, "redis-server", "--dir", str(folder), "--unixsocket", self.path)
        self.command += ("--port", str(port), "--bind", host, "--protected-mode", "no")
        # What is written outlives a killed process: to wait for a disk as well would hold up all that ask.
        self.command += ("--save", "", "--appendonly", "yes", "--appendfsync", "no")
        self.command += ("--repl-diskless-sync-delay", "0")  # a replica need not wait for others

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def start(self, *more: str) -> None:
        command = [*self.command, *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"eady to accept connections" in line:
                return
        raise AssertionError("the store did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()
        Path(self.path).unlink(missing_ok=True)

    def client(self, decode: bool = True) -> "redis.Redis":
        return redis.Redis(unix_socket_path=self.path, decode_responses=decode, protocol=2)


@contextmanager
def running_store(folder: Path, port: int = 0, *options: str) -> Iterator[RedisProcess]:
    with started(RedisProcess(folder, port), *options) as store:
        yield store


@contextmanager
def started(store: RedisProcess, *options: str) -> Iterator[RedisProcess]:
    store.start(*options)
    try:
        yield store
    finally:
        store.stop()


class Proxy:
    """Between one node and the store. `hold` lets nothing by in the ways named until `release`."""

    def __init__(self, folder: Path, name: str, store: RedisProcess) -> None:
        self.path = str(folder / f"{name}.sock")
        self._store = store
        self._open = {"to": threading.Event(), "from": threading.Event()}
        self.release()
        self.losing = 0  # so many of the next answers are lost, and their connections cut
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def hold(self, *ways: str) -> None:
        """`to` the store, `from` it."""
        for way in ways:
            self._open[way].clear()

    def release(self) -> None:
        for event in self._open.values():
            event.set()

    def close(self) -> None:
        """The node has ended, and so have its connections."""
        self.release()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                try:
                    far.connect(self._store.path)
                except OSError:
                    near.close()
                    far.close()
                    continue
                self._threads.append(threading.Thread(target=self._pass_both, args=(near, far), daemon=True))
                self._threads[-1].start()

    def _pass_both(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            back = threading.Thread(target=self._pass, args=(far, near, "from"), daemon=True)
            back.start()
            self._pass(near, far, "to")
            back.join()

    def _pass(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._open[way].wait()
                if way == "from" and self.losing and data.startswith(b":"):  # a script's number
                    self.losing -= 1
                    break
                sink.sendall(data)
        for sock in (source, sink):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
