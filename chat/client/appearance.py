"""Light or dark, large or small: what is chosen, put into effect. How it looks, chat.client.theme and look know."""

import tkinter
from collections.abc import Callable

from chat.client import look, theme
from chat.client.desktop import Desktop
from chat.client.palette import DARK, LIGHT, Palette

_ASK_AGAIN = 50  # ms until the desktop is asked again which colours it prefers; it knows after some 100


class Appearance:
    """`paint` is called with each new palette, `refit` after the size of the text has changed."""

    def __init__(
        self, root: tkinter.Tk, desktop: Desktop, paint: Callable[[Palette], None], refit: Callable[[], None]
    ) -> None:
        self._root = root
        self._desktop = desktop
        self._paint = paint
        self._refit = refit
        self.theme = tkinter.StringVar(root, "system")
        self.points = look.usual_points(root)
        self.palette: Palette | None = None

    def begin(self, chosen: str, points: int) -> None:
        self.theme.set(chosen)
        self.points = points
        look.size_fonts(self._root, points)
        self.wear()
        self._wait_for_desktop()

    def wear(self) -> None:
        """Put the chosen theme into effect."""
        dark = self._desktop.dark if self.theme.get() == "system" else self.theme.get() == "dark"
        palette = DARK if dark else LIGHT
        if palette is not self.palette:
            self.palette = palette
            theme.wear(self._root, palette)
            self._paint(palette)

    def resize(self, step: int) -> None:
        """Larger or smaller text; 0 gives the usual size."""
        points = self.points + step if step else look.usual_points(self._root)
        self.points = min(max(points, look.SMALLEST), look.LARGEST)
        look.size_fonts(self._root, self.points)
        theme.fit_rows(self._root)
        self._refit()

    def _wait_for_desktop(self) -> None:
        if self._desktop.known.is_set():
            self.wear()
        else:
            self._root.after(_ASK_AGAIN, self._wait_for_desktop)
