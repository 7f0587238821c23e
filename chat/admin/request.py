"""The administrator's end of the admin socket."""

import json
import socket
from collections.abc import Iterator
from typing import Any

from chat.errors import SetupError

ANSWER_TIMEOUT = 90.0  # s for the next part of an answer; the server itself gives up after 60


def ask(sock: socket.socket, verb: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of the answer. Raises AdminError when the server refuses, SetupError when it does not answer."""
    from chat.server.ops.operation import AdminError

    sock.settimeout(ANSWER_TIMEOUT)
    try:
        sock.sendall(json.dumps({**arguments, "verb": verb}).encode() + b"\n")
        with sock.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise AdminError(answer["error"])
                if "end" in answer:
                    return
                yield answer["row"]
    except TimeoutError:
        raise SetupError(f"the server has not answered for {ANSWER_TIMEOUT:g} s") from None
    except OSError as error:
        raise SetupError(f"the server ended the answer: {error.strerror}") from None
    except (ValueError, KeyError):
        raise SetupError("that is no answer of an admin socket") from None
    raise SetupError("the server ended before its answer did")
