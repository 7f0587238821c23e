"""The desktop client: a Tk window for the rooms and private talks of any IRC server.

Two threads. `session` owns the socket on one of its own: `protocol` turns its bytes into `news`, which wait on a queue.
Tk's thread takes them: `model`, with its `talks`, says by `changes` what to draw, and `window` has `display` draw it in
the parts of `view`. What a person types goes through `commands`, which answers with bytes for the session and changes
for the window.
"""

import signal

from chat.client.target import nickname, parse_target
from chat.errors import SetupError

_NO_TK = (
    "the client needs Tk, which this Python does not have: apt-get install python3-tk "
    "(Fedora: dnf install python3-tkinter, macOS: brew install python-tk)"
)


def run(address: str | None, nick: str | None) -> int:
    """Open the window and stay until it is closed; the exit status. Raises SetupError.

    Given both an address, as `irc://HOST:PORT/ROOM`, and a nickname, it connects at once.
    """
    target = parse_target(address) if address else None
    name = nickname(nick) if nick is not None else None
    try:
        import tkinter  # here, so that the server runs where there is no Tk
    except ImportError:
        raise SetupError(_NO_TK) from None
    from chat.client.look import see_pixels
    from chat.client.window import Window

    see_pixels()
    try:
        root = tkinter.Tk(className="Fanfare")
    except tkinter.TclError as error:
        raise SetupError(f"the client needs a display: {error}") from None
    window = Window(root, target, name)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: root.after_idle(window.close))  # not within whatever Tk is just doing
    root.mainloop()
    return 0
