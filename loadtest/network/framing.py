"""Where the bytes of a stream may be cut, so that no message is read in halves. Knows no sockets and no dialect."""

import re

_MESSAGE_BYTES = 1_024  # a stamped message that has not ended within as many bytes was cut on its way
# A stamp that has begun; those of users outside a scenario, whose window is 0, are whole once they have ended.
_BEGUN = re.compile(rb"\{(?:[0-9a-f.]*+\Z|[0-9a-f]++\.(?!0\.)[0-9a-f]++\.)")
_END = b"{}"  # of a stamped message
_ENDED = re.compile(rb"(?<=\{\})")


class Framing:
    """How messages are told apart: by an end behind each, which is a line feed unless a subclass says else."""

    end: bytes = b"\n"  # what each message ends with; b"" where nothing does

    def whole(self, data: bytes) -> int:
        """How many bytes, from the beginning, can be read now. What follows waits for the rest of its message.

        Where nothing ends a message, that is all but a stamped one that has begun. A protocol with a length before each
        message has `end = b""`, and this method and `messages` in its own words.
        """
        if self.end:
            at = data.rfind(self.end)
            return at + len(self.end) if at >= 0 else 0
        ended = data.rfind(_END) + len(_END) if _END in data else 0
        tail = data[ended:]
        return ended if len(tail) <= _MESSAGE_BYTES and _BEGUN.search(tail) else len(data)

    def messages(self, data: bytes) -> list[bytes]:
        """The messages in whole bytes, without their ends. Where nothing ends them, a stamp's end has to do."""
        if self.end:
            return data.split(self.end)[:-1]
        return [message for message in _ENDED.split(data) if message]


LINES = Framing()
