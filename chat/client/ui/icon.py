"""The window's icon, in the sizes that title bars and task bars use."""

import contextlib
import tkinter
from importlib.resources import files

_SIZES = (64, 32, 16)  # pixels


def set_icon(root: tkinter.Tk) -> None:
    """Where it cannot be read, the desktop's own stays."""
    with contextlib.suppress(OSError, tkinter.TclError):
        data = [files("chat.client.ui").joinpath(f"icon-{size}.png").read_bytes() for size in _SIZES]
        root.iconphoto(True, *(tkinter.PhotoImage(master=root, data=one) for one in data))
