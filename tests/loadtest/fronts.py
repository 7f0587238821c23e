"""One server behind several fronts, which to a load test are the nodes of a network: each can go and come back.

So that tests of several nodes need no store, and a front can do what no node should.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.support import PATIENCE

Swallows = Callable[[bytes], bool]  # whether a line to a user is withheld


class Front:
    """Passes lines on between users and the server, while it is up."""

    def __init__(self, server_port: int, swallows: Swallows) -> None:
        self._server_port = server_port
        self.swallows = swallows
        self._listener: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()  # unset, nothing passes in either direction
        self._flows.set()
        self.port = 0

    async def up(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Accepts nobody, and everybody's connection ends."""
        self._listener.close()
        for writer in self._writers:
            writer.close()

    async def hold(self) -> None:
        self._flows.clear()

    async def release(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        both = {writer, server_writer}
        self._writers |= both
        with suppress(ConnectionError):
            await asyncio.gather(self._pass(reader, server_writer), self._pass(server_reader, writer, self.swallows))
        self._writers -= both

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallows: Swallows = lambda line: False
    ) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                await self._flows.wait()
                if not swallows(line):
                    writer.write(line)
                    await writer.drain()
        writer.close()


class Fronts:
    """`control` is the command that a load test calls."""

    def __init__(self, folder: Path, fronts: list[Front]) -> None:
        self.fronts = fronts
        self.done: list[str] = []  # what it was told to do
        self.also: dict[str, str] = {}  # told the first, it does the second as well
        asked, answered = folder / "asked", folder / "answered"
        self.control = f"sh -c 'echo $1 $2 > {asked}; read done < {answered}' control"
        self.pipes = asked, answered

    @property
    def hosts(self) -> tuple[str, str]:
        """The option."""
        return "--host", ",".join(f"irc://127.0.0.1:{front.port}" for front in self.fronts)

    async def _obey(self, words: str) -> None:
        self.done.append(words)
        what, number = words.split()
        front = self.fronts[int(number) - 1]
        ways = {"start": front.up, "stop": front.hold, "cut": front.hold, "cont": front.release, "mend": front.release}
        await ways.get(what, front.down)()

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until it is told to end."""
        asked, answered = self.pipes
        while (words := asked.read_text().strip()) != "end":
            for each in filter(None, (words, self.also.get(words))):
                asyncio.run_coroutine_threadsafe(self._obey(each), loop).result(PATIENCE)
            answered.write_text("done\n")


@contextmanager
def running_fronts(
    folder: Path, server_port: int, count: int = 2, swallows: Swallows = lambda line: False
) -> Iterator[Fronts]:
    """What `swallows` is withheld from the users of the last one."""
    loop = asyncio.new_event_loop()
    runner = threading.Thread(target=loop.run_forever)
    runner.start()
    fronts = [Front(server_port, swallows if number == count - 1 else lambda line: False) for number in range(count)]
    made = Fronts(folder, fronts)
    for pipe in made.pipes:
        os.mkfifo(pipe)
    obeying = threading.Thread(target=partial(made.serve, loop))
    obeying.start()
    try:
        for front in fronts:
            asyncio.run_coroutine_threadsafe(front.up(), loop).result(PATIENCE)
        yield made
    finally:
        made.pipes[0].write_text("end\n")
        obeying.join(PATIENCE)
        for front in fronts:
            asyncio.run_coroutine_threadsafe(front.down(), loop).result(PATIENCE)
        asyncio.run_coroutine_threadsafe(_rest(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        runner.join(PATIENCE)
        loop.close()


async def _rest() -> None:
    """All other tasks end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
