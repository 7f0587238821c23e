"""Where the bytes of a stream may be cut, so that no message is read in halves. Knows no sockets and no dialect."""

import re

_STAMP_BYTES = 64  # no stamp is longer; one that does not end within as many bytes is none
_BEGUN = re.compile(rb"~[0-9a-f.]*+\Z")
_ENDED = re.compile(rb"~[0-9a-f]++(?:\.[0-9a-f]++){4}~\Z")


class Framing:
    """How messages are told apart: by an end behind each, which is a line feed unless a subclass says else."""

    end: bytes = b"\n"  # what each message ends with; b"" where nothing does

    def whole(self, data: bytes) -> int:
        """How many bytes, from the beginning, can be read now. What follows waits for the rest of its message.

        Where nothing ends a message, that is all but a stamp that has begun: it would be lost in halves. A protocol
        with a length before each message has `end = b""`, and this method in its own words.
        """
        if self.end:
            at = data.rfind(self.end)
            return at + len(self.end) if at >= 0 else 0
        tail = data[-_STAMP_BYTES:]
        begun = None if _ENDED.search(tail) else _BEGUN.search(tail)
        return len(data) - len(tail) + begun.start() if begun else len(data)

    def messages(self, data: bytes) -> list[bytes]:
        """The messages in whole bytes, without their ends. Where nothing ends them, all that was read is one."""
        return data.split(self.end)[:-1] if self.end else [data]


LINES = Framing()
