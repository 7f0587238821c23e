"""Colours, light and dark, and what makes one readable on another. Pure: knows no Tk.

Contrast is WCAG's, from 1 (none) to 21 (black on white): https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

import colorsys
from dataclasses import dataclass
from functools import lru_cache

READABLE = 4.5  # the contrast that WCAG asks for text of ordinary size

_SHADES = 32  # steps between black and white in which a readable shade is looked for


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as `#rrggbb`. Whatever is written is at READABLE or more against what it is written on."""

    name: str
    paper: str  # under text to read or write
    surface: str  # under everything else
    edge: str  # lines between parts
    thumb: str  # of a scroll bar
    ink: str  # on paper, surface and marked
    faint: str  # on paper and surface: what matters less
    accent: str  # on paper and surface, and under the words of the main button
    on_accent: str
    pressed: str  # under the words of the main button, while the mouse is on it
    alarm: str  # on paper, surface and alarm_surface
    alarm_surface: str
    marked: str  # under selected text
    called: str  # under a line that names us
    found: str  # under what was searched for
    nicks: tuple[str, ...]  # on paper


LIGHT = Palette(
    name="light",
    paper="#ffffff",
    surface="#f3f4f6",
    edge="#d5d9df",
    thumb="#c3c8d0",
    ink="#1f2328",
    faint="#626a74",
    accent="#1a5fb4",
    on_accent="#ffffff",
    pressed="#174f96",
    alarm="#b3261e",
    alarm_surface="#fdeceb",
    marked="#cfe0f7",
    called="#fff6d6",
    found="#ffe58a",
    # Fourteen hues, each second one darker, so that the colour-blind can tell neighbours apart too.
    nicks=(
        *("#d71818", "#943810", "#976111", "#61560b", "#54770d", "#0b641a", "#0e7c57"),
        *("#0b5f62", "#1274a4", "#164bc5", "#6c52ec", "#7e16c8", "#be15be", "#a5125c"),
    ),
)

DARK = Palette(
    name="dark",
    paper="#1b1d21",
    surface="#25282d",
    edge="#3c4149",
    thumb="#565c66",
    ink="#e4e6ea",
    faint="#9aa2ad",
    accent="#7ab3f5",
    on_accent="#10243d",
    pressed="#a3cbf8",
    alarm="#ff9b94",
    alarm_surface="#3b1f1f",
    marked="#2d4a73",
    called="#332c14",
    found="#5c4a00",
    nicks=(
        *("#ec7c7c", "#efae92", "#d78d1f", "#d6be1f", "#7bac19", "#1fda3e", "#19b27f"),
        *("#1fd1d7", "#31a7e2", "#a7bdf2", "#a090ef", "#d6aef3", "#ea69ea", "#f2a7cd"),
    ),
)


def contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=4096)  # strangers choose the colours: room for the 99 of mIRC on each other, but not for 16 million
def readable(colour: str, paper: str) -> str:
    """The colour, or the nearest shade of its hue that is READABLE on this paper."""
    if contrast(colour, paper) >= READABLE:
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    white = contrast("#ffffff", paper) >= READABLE
    black = contrast("#000000", paper) >= READABLE  # of any paper, black or white is; of a middle grey, both may be
    shades = (step / _SHADES for step in range(_SHADES + 1))
    for shade in sorted(shades, key=lambda shade: abs(shade - lightness)):
        if (white and shade > lightness) or (black and shade < lightness):
            candidate = _hex(colorsys.hls_to_rgb(hue, shade, saturation))
            if contrast(candidate, paper) >= READABLE:
                return candidate
    return "#ffffff" if white else "#000000"


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[float, float, float]:
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in channels)
