"""Keep characters away from Tk that this machine cannot draw. Knows no widgets.

libXft before 2.3.5 ends the whole program (BadLength from X_RenderAddGlyphs) when it draws a glyph of a colour font:
with one of those installed a single emoji from a stranger does it. There they are spelled out: `:waving hand sign:`.
"""

import ctypes
import re
import unicodedata

_XFT_WITH_COLOUR = 20305  # 2.3.5 as XftGetVersion tells it

# The blocks that colour fonts cover, and the selector that turns an ordinary sign into its emoji.
_EMOJI = re.compile(
    "[\u203c\u2049\u2122\u2139\u231a-\u23ff\u25aa-\u27bf\u2934-\u2b55\u3030-\u3299\ufe0f\U0001f000-\U0001faff]"
)


def draws_emoji(windowing_system: str) -> bool:
    """Whether Tk survives them here. `windowing_system` is Tk's: x11, win32 or aqua."""
    if windowing_system != "x11":
        return True
    try:
        version: int = ctypes.CDLL("libXft.so.2").XftGetVersion()
    except (OSError, AttributeError):
        return True  # drawn without libXft, and so without colour
    return version >= _XFT_WITH_COLOUR


def spell_out(text: str) -> str:
    """Emoji by their names."""
    return _EMOJI.sub(lambda found: _name(found.group()), text)


def _name(sign: str) -> str:
    return "" if sign == "\ufe0f" else f":{unicodedata.name(sign, 'emoji').lower()}:"
