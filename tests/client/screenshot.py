"""A picture of a window on an X display, as PNG: what a person would have seen. Needs libX11 and nothing else."""

import ctypes
import struct
import tkinter
import zlib
from pathlib import Path

_ALL_PLANES = 0xFFFFFFFF
_Z_PIXMAP = 2


class _Image(ctypes.Structure):
    """The beginning of Xlib's XImage."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("width", "height", "xoffset", "format")),
        ("data", ctypes.POINTER(ctypes.c_ubyte)),
        *((name, ctypes.c_int) for name in ("byte_order", "unit", "bit_order", "pad", "depth", "bytes_per_line")),
    )


def save_screenshot(root: tkinter.Tk, file: Path) -> None:
    """Write what the screen shows where this window is, menus and dialogs over it included."""
    root.update()
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XGetImage.restype = ctypes.POINTER(_Image)
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(root.winfo_screen().encode()))
    screen = ctypes.c_ulong(x11.XDefaultRootWindow(display))
    place = _place(x11, display, screen, int(root.wm_frame(), 16))
    image = x11.XGetImage(display, screen, *place, ctypes.c_ulong(_ALL_PLANES), _Z_PIXMAP)
    width, height, line = image.contents.width, image.contents.height, image.contents.bytes_per_line
    pixels = ctypes.string_at(image.contents.data, line * height)
    x11.XCloseDisplay(display)
    rows = (_row(pixels[start : start + 4 * width]) for start in range(0, line * height, line))
    file.write_bytes(_png(width, height, b"".join(rows)))


def _place(x11: ctypes.CDLL, display: ctypes.c_void_p, screen: ctypes.c_ulong, window: int) -> list[int]:
    """Left, top, width and height of the window on the screen, with its menu bar."""
    parent, ignored, children = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_void_p()
    count, (x, y, width, height, border, depth) = ctypes.c_uint(), [ctypes.c_int() for _ in range(6)]
    by = ctypes.byref
    x11.XQueryTree(display, ctypes.c_ulong(window), by(ignored), by(parent), by(children), by(count))
    outer = parent if parent.value != screen.value else ctypes.c_ulong(window)  # Tk's own frame holds the menu bar
    x11.XGetGeometry(display, outer, by(ignored), by(x), by(y), by(width), by(height), by(border), by(depth))
    x11.XTranslateCoordinates(display, outer, screen, 0, 0, by(x), by(y), by(ignored))
    return [x.value, y.value, width.value, height.value]


def _row(bgrx: bytes) -> bytes:
    """One line of pixels as PNG wants it: unfiltered, red first."""
    rgb = bytearray(len(bgrx) // 4 * 3)
    rgb[0::3], rgb[1::3], rgb[2::3] = bgrx[2::4], bgrx[1::4], bgrx[0::4]
    return b"\0" + bytes(rgb)


def _png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    body = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)
