"""Why a server may have missed what was required of it, where the figures show it: hints, not judgements. Pure."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtest.judge.verdict import Figures

_LATE_US = 500_000  # of a message's first receiver, from which it was held up before it was sent on
_TOGETHER = 0.2  # of that: how far the last receiver may be behind the first
_FLOOD = re.compile(r"flood|throttl|too fast|too many|rate|limit|slow down", re.IGNORECASE)
_TO_DO = "raise its limit for one user (fanfare serve --rate-limit off), use more --announcers, or a lower --rate"


def likely_causes(figures: "Figures") -> list[str]:
    """A line for each, with what to do."""
    lines = []
    if _is_throttled(figures):
        each = figures.complete.count / figures.duration_s if figures.duration_s else 0
        lines.append(
            "likely cause: the server throttles its senders: messages came late to their first receiver already, and "
            f"then to all within moments, about {each:,.1f} a second in all; {_TO_DO}"
        )
    told = [reason for reason in figures.dropped if _FLOOD.search(reason)]
    if told:
        lines.append(f"likely cause: a limit of the server, by its own words; {_TO_DO}")
    return lines


def _is_throttled(figures: "Figures") -> bool:
    """Senders' messages are late as a whole, while what is delivered is delivered at once."""
    first, last = figures.first.percentile(90), figures.complete.percentile(90)
    return (
        first > _LATE_US and last - first < _TOGETHER * first and figures.send_lateness.percentile(99) < _LATE_US / 10
    )
