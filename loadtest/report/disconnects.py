"""The disconnect matrix: for each way of dying who learnt of it, when, and what the others felt. Judges nothing."""

from collections.abc import Sequence
from typing import Any

from loadtest.report.blocks import NONE, Block, Section, ms, reasons
from loadtest.report.disconnect_plot import told

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


def section(disconnects: Sequence[dict[str, Any]]) -> Section:
    return Section("Disconnects", (_told(disconnects), _felt(disconnects)), told(disconnects))


def _told(disconnects: Sequence[dict[str, Any]]) -> Block:
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
        ("fan-out p99, ms", "before", "during", "after", "reasons given"),
        tuple((one["how"], *_phases(one["fanout_us"]), reasons(one["reasons"])) for one in disconnects),
        has_words=True,
        note=_FELT,
    )


def _phases(fanout: dict[str, dict[str, int]]) -> list[str]:
    """A run that was stopped early has none."""
    phases = (fanout.get(phase, {"count": 0, "p99": 0}) for phase in ("before", "during", "after"))
    return [ms(phase["p99"]) if phase["count"] else NONE for phase in phases]
