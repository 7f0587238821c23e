"""The desktop client: a Tk window for the rooms and private talks of any IRC server.

    text      strings: cleaning, formatting codes, links, completion, colours
    irc       bytes to news: addresses, logins, TLS, the protocol (sans-IO), a session's thread with its socket
    model     news and typed commands to state and to lines for the server; reports what changed
    store     logs, drafts and unsent lines on the disk, passwords in the keyring
    ui        the window: draws changes, takes keys and clicks; `ui.transcript` and `ui.dialogs` are its larger parts

Each imports those above it only, and `irc` nothing of `text`. A session has its own thread: it puts news on a queue and
wakes Tk's thread, where everything else runs but the log writer and the notifier.

    socket - session - protocol - news - queue - sessions - network - changes - display - view
                                                  ^            |
    socket - session <------ lines to send -------+-- output --+--- commands --- what is typed

`Network` takes news and gives changes; what it has to say gathers in its output, which `ui.sessions` sends.
`Attention` is what the person looks at, one for all networks. A transcript is a row of `Line`s with growing ids; `Rows`
folds them to what is shown, and each change of lines is an `Edit` of rows. There is one text widget for all talks: the
newest 300 rows are drawn at once, those above them in portions.

The words of this package: *network* (a server that one is on), *talk* (with a room, a person, the server), *line*,
*row*, *member*, *call* (a line that wants the person), *session*, *news* (from the network), *change* (to the window),
*command* (typed, after a slash), *action* (of a menu, a key or a button), *page* (the form or the view).
"""

import signal

from chat.client.irc.address import nickname, parse_address
from chat.errors import SetupError

_NO_TK = (
    "the client needs Tk, which this Python does not have: apt-get install python3-tk "
    "(Fedora: dnf install python3-tkinter, macOS: brew install python-tk)"
)


def run(address: str | None, nick: str | None) -> int:
    """Open the window and stay until it is closed; the exit status. Raises SetupError.

    Given both an address, as `irc://HOST:PORT/ROOM`, and a nickname, it connects at once.
    """
    target = parse_address(address) if address else None
    name = nickname(nick) if nick is not None else None
    try:
        import tkinter  # here, so that the server runs where there is no Tk
    except ImportError:
        raise SetupError(_NO_TK) from None
    from chat.client.ui.look import see_pixels
    from chat.client.ui.window import Window

    see_pixels()
    try:
        root = tkinter.Tk(className="Fanfare")
    except tkinter.TclError as error:
        raise SetupError(f"the client needs a display: {error}") from None
    window = Window(root, target, name)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: root.after_idle(window.close))  # not within whatever Tk is just doing
    window.waker.wake_for_signals()
    root.mainloop()
    return 0
