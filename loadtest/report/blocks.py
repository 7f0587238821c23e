"""What a summary shows beyond messages and latency, as blocks of plain cells: the table and the page share them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from loadtest.core.histogram import NEVER_US
from loadtest.core.reasons import printable
from loadtest.report.plots import Plot

NONE = "–"
NEVER = "lost"  # in place of a latency: so many deliveries never came
LATENCY_HEAD = ("samples", "p50", "p90", "p99", "p99.9", "max")
BY_NODE = (("within a node", "within_us"), ("across nodes", "across_us"))  # the fan-out, where there are several
_LATENCY_KEYS = ("p50", "p90", "p99", "p999", "max")
_MIB = 1_048_576
_REASONS = 3  # of what the others were told, shown; a server that counts seconds in them gives each victim its own
_LONGEST = 60  # characters of one; a server may say up to a line

OF_ITSELF = {  # what a verdict means where the instrument checked itself, and no server
    "pass": "the instrument finds what is there",
    "fail": "the instrument does not find what is there: do not trust its figures here",
    "invalid": "the machine was too busy to tell: run it again when it is not",
}


@dataclass(frozen=True, slots=True)
class Block:
    """The first column names the rows. All others are figures, but the last may be words."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    has_words: bool = False
    note: str = ""  # what the columns mean and how they are clocked; for the page, which has room


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[Block, ...]
    plot: Plot | None = None  # below the first block


def ms(us: int | None) -> str:
    """To the microsecond, up to 100 s; nobody reads them beyond."""
    if us is None:
        return NONE
    if us >= NEVER_US:
        return NEVER
    return f"{us / 1000:,.3f}" if us < 100_000_000 else f"{us / 1000:,.0f}"


def mib(size: int | None) -> str:
    return NONE if size is None else f"{size / _MIB:,.1f}"


def latency(title: str, figures: Mapping[str, int | None]) -> tuple[str, ...]:
    """A row below LATENCY_HEAD."""
    if not figures["count"] and (figures["max"] or 0) < NEVER_US:
        return (title, "0", *(NONE for _ in _LATENCY_KEYS))
    return (title, f"{figures['count']:,}", *(ms(figures[key]) for key in _LATENCY_KEYS))


def machine(note: Mapping[str, float]) -> str:
    """What the generator shared its cores with, in words."""
    stolen = f", {note['steal_percent']:.0f} % stolen" if note["steal_percent"] >= 1 else ""
    return (
        f"{note['cores']:.0f} cores, {note['busy_percent']:.0f} % busy{stolen}; the generator waited for a core for "
        f"{note['waited_percent']:.0f} % of the time"
    )


def reasons(given: Mapping[str, int]) -> str:
    """The most frequent first. They come from the server: what would steer a terminal is not shown."""
    ranked = sorted(given.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{plain(reason)} ({count:,})" for reason, count in ranked[:_REASONS]]
    if rest := sum(count for _, count in ranked[_REASONS:]):
        words.append(f"other ({rest:,})")
    return ", ".join(words) or NONE


def plain(text: str) -> str:
    """On one line of bounded length, with nothing that steers a terminal."""
    text = printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


Maker = Callable[[Any], Section]
_MAKERS: dict[str, tuple[Maker, str]] = {}


def register_section(key: str, instead_of: str = "") -> Callable[[Maker], Maker]:
    """A scenario's section of the table and the page, made of what its part of the summary has under this key."""

    def register(make: Maker) -> Maker:
        _MAKERS[key] = (make, instead_of)
        return make

    return register


def sections(summary: Mapping[str, Any]) -> list[Section]:
    """Those that this run has; the usual one has none."""
    shown = {key: each for key, each in _MAKERS.items() if summary.get(key)}
    left_out = {instead_of for _, instead_of in shown.values()}
    return [make(summary[key]) for key, (make, _) in shown.items() if key not in left_out]


def each_count(counts: Mapping[str, int]) -> list[str]:
    return [f"{count:,}" for count in counts.values()]


def spaced(name: str) -> str:
    return name.replace("_", " ")
