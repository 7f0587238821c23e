"""The answers to one labelled command (IRCv3 labeled-response). Others are not gathered: they leave with the pass.

Source: https://ircv3.net/specs/extensions/labeled-response
"""

from itertools import count

from chat.server.core.stream import Piece
from chat.wires.message import build_tags

_batches = count(1)


class Reply:
    """Gathers a command's answers and labels them at its end: a single one carries the label, several are a batch.

    `open_batch` begins the batch earlier, where answers must leave before the command ends.
    """

    __slots__ = ("_batch", "_label", "_pieces", "_server_name")

    def __init__(self, label: str, server_name: str) -> None:
        self._label = build_tags([("label", label)])
        self._server_name = server_name
        self._pieces: list[Piece] = []
        self._batch = ""

    def add(self, piece: Piece) -> None:
        piece.sends = [
            line for data in piece.sends for line in data.splitlines(keepends=True)
        ]  # each line gets its tag
        if self._batch:
            self._tag(piece, f"batch={self._batch}")
        elif piece.sends:
            self._pieces.append(piece)

    def open_batch(self) -> None:
        """Begin the batch, so that the answers so far can leave; later ones belong to it too."""
        if not self._batch and self._pieces:
            self._batch = f"b{next(_batches)}"
            for piece in self._pieces:
                self._tag(piece, f"batch={self._batch}")
            start = f"@{self._label} :{self._server_name} BATCH +{self._batch} labeled-response\r\n"
            self._pieces[0].sends = (start.encode(), *self._pieces[0].sends)

    def finish(self) -> bytes:
        """End the command; returns the line to send behind its answers, or b""."""
        lines = sum(len(piece.sends) for piece in self._pieces)
        if not lines:
            return f"@{self._label} :{self._server_name} ACK\r\n".encode()
        if lines == 1 and not self._batch:
            self._tag(self._pieces[0], self._label)
            return b""
        self.open_batch()
        return f":{self._server_name} BATCH -{self._batch}\r\n".encode()

    @staticmethod
    def _tag(piece: Piece, tag: str) -> None:
        piece.sends = tuple(_tagged(tag, line) for line in piece.sends)


def _tagged(tag: str, line: bytes) -> bytes:
    if line.startswith(b"@batch="):
        return line  # of a batch within: https://ircv3.net/specs/extensions/batch, "Nested batches"
    if line.startswith(b"@"):
        return f"@{tag};".encode() + line[1:]
    return f"@{tag} ".encode() + line
