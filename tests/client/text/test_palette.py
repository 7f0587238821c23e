"""Every colour can be read on what it is written on, and a person keeps theirs."""

import colorsys
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.text.palette import DARK, LIGHT, READABLE, Palette, contrast, readable

COLOURS = st.builds("#{:06x}".format, st.integers(0, 0xFFFFFF))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
def test_all_that_is_written_is_readable_on_what_it_is_written_on(palette: Palette) -> None:
    pairs = {
        *product((palette.ink, palette.faint, palette.accent, palette.alarm), (palette.paper, palette.surface)),
        *product((palette.ink,), (palette.marked, palette.found, palette.called)),
        *product((palette.faint, palette.accent, palette.alarm), (palette.called,)),
        *product((palette.on_accent,), (palette.accent, palette.pressed)),
        (palette.alarm, palette.alarm_surface),
        *product(palette.nicks, (palette.paper,)),
    }
    assert {pair: contrast(*pair) for pair in pairs if contrast(*pair) < READABLE} == {}


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
def test_nicknames_have_a_dozen_hues_or_more(palette: Palette) -> None:
    channels = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in palette.nicks]
    hues = sorted(round(colorsys.rgb_to_hls(*rgb)[0] * 360) for rgb in channels)
    apart = [later - earlier for earlier, later in zip(hues, [*hues[1:], hues[0] + 360], strict=True)]
    assert len(hues) >= 12
    assert min(apart) >= 10, "two hues are too near each other"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#ffffff") == 1
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # the lightest grey that WCAG lets pass


@given(COLOURS, COLOURS)
def test_any_colour_becomes_readable_on_any_paper(colour: str, paper: str) -> None:
    """Invariant: at READABLE or more; a colour that is so already stays as it is."""
    shown = readable(colour, paper)
    assert contrast(shown, paper) >= READABLE
    assert contrast(colour, paper) < READABLE or shown == colour


def test_a_colour_keeps_its_hue() -> None:
    assert readable("#ffff00", "#ffffff") == "#707000"
    assert readable("#0000ff", DARK.paper) == "#8080ff"
