"""The disconnect matrix: for each way of dying who learnt of it, when, and what the others felt. Judges nothing."""

from collections.abc import Sequence
from typing import Any

from loadtest.report.blocks import NONE, Block, Section, ms, reasons, register_section
from loadtest.report.plots import Axis, Line, Look, Plot, logarithmic

_TOLD = (
    "Times count from the moment when the victims were meant to die. An observer is informed when it has been told of "
    "the last of them; first, median and last are observers. By the deadline the last must be: soon where the "
    "server's kernel hears of a death, a second after the server's time-out where it does not (stop, silence). Ghosts "
    "are dead who are listed as members at the end, false deaths are users who were reported gone and live."
)
_FELT = (
    "What the others felt: the fan-out of their own messages before the deaths, from then until all were informed (at "
    "least 5 s), and after. The reasons are the server's words, with the number of victims."
)


@register_section("disconnects")
def section(disconnects: Sequence[dict[str, Any]]) -> Section:
    return Section("Disconnects", (_told_block(disconnects), _felt(disconnects)), told(disconnects))


def _told_block(disconnects: Sequence[dict[str, Any]]) -> Block:
    head = ("disconnects, ms", "victims", "informed", "first", "median", "last", "deadline", "ghosts", "false")
    return Block(
        head,
        tuple(
            (
                one["how"],
                f"{one['victims']:,}",
                f"{one['informed']:,}/{one['observers']:,}",
                *(ms(one[key]) for key in ("first_us", "median_us", "last_us")),
                f"{one['deadline_us'] / 1000:,.0f}",
                f"{one['ghosts']:,}",
                f"{one['false_deaths']:,}",
            )
            for one in disconnects
        ),
        note=_TOLD,
    )


def _felt(disconnects: Sequence[dict[str, Any]]) -> Block:
    return Block(
        ("fan-out p90, ms", "before", "during", "after", "reasons given"),
        tuple((one["how"], *_phases(one["fanout_us"]), reasons(one["reasons"])) for one in disconnects),
        has_words=True,
        note=_FELT,
    )


def _phases(fanout: dict[str, dict[str, int | None]]) -> list[str]:
    """A run that was stopped early has none."""
    phases = (fanout.get(phase, {"count": 0}) for phase in ("before", "during", "after"))
    return [ms(phase["p90"]) if phase["count"] else NONE for phase in phases]


_LEAST_MS = 0.001  # a logarithmic axis has no 0; times are whole microseconds
_ROW = 40  # pixels


def told(disconnects: Sequence[dict[str, Any]]) -> Plot | None:
    if not disconnects:
        return None
    rows = list(enumerate(disconnects))
    known = [(row, one) for row, one in rows if one["first_us"] is not None]
    lines = [
        _spans(known),
        _points("median observer", "--one", "dots", known, "median_us"),
        _points("deadline", "--two", "ticks", rows, "deadline_us"),
    ]
    times = [at for each in lines for at in each.x]
    last = len(disconnects) - 0.5
    return Plot(
        "told",
        "When the others were told",
        "When did the others learn of a death? From the first to the last observer, who is due by the deadline.",
        lines,
        logarithmic("milliseconds from the death (logarithmic)", min(times), max(times)),
        Axis("", [(-last, ""), *((-row, one["how"]) for row, one in reversed(rows)), (0.5, "")]),  # the first on top
        height=_ROW * len(disconnects),
        wide=True,
    )


def _spans(known: Sequence[tuple[int, dict[str, Any]]]) -> Line:
    """One line of many pieces: a gap ends each."""
    x: list[float] = []
    y: list[float | None] = []
    said: list[str] = []
    for row, one in known:
        both = [_plot_ms(one["first_us"]), _plot_ms(one["last_us"])]
        x += [*both, both[1]]
        y += [-row, -row, None]
        said += [f"{one['how']}, {which}: {at:,.3f} ms" for which, at in zip(("first", "last"), both, strict=True)]
        said.append("")
    return Line("first to last observer", "--one", x, y, said, "bar")


def _points(name: str, colour: str, look: Look, rows: Sequence[tuple[int, dict[str, Any]]], key: str) -> Line:
    x = [_plot_ms(one[key]) for _, one in rows]
    said = [f"{one['how']}, {name}: {at:,.3f} ms" for (_, one), at in zip(rows, x, strict=True)]
    return Line(name, colour, x, [-row for row, _ in rows], said, look)


def _plot_ms(us: int) -> float:
    return max(us / 1000, _LEAST_MS)
