"""What a capacity search found, in words, and whether that is a pass. Plays nothing."""

from collections.abc import Sequence

from loadtest.capacity.search import HELD, Search
from loadtest.capacity.steps import Played, at
from loadtest.judge.verdict import FAIL, INVALID, PASS, Verdict


def result(search: Search) -> str:
    """`exact` with both sides of the knee; `at_least` where nothing but the search's own end limits it; or `none`."""
    if search.knee is None:
        return "none"
    return "exact" if search.limited_by == "server" else "at_least"


def of_step(step: Played) -> str:
    figures = step.figures
    words = f"{step.phase}, {figures.asked_users:,} users at {step.rate:,g} messages/s: {step.result}"
    p99 = f", p99 {figures.fanout.percentile(99) / 1000:,.3f} ms" if figures.fanout.count else ""
    return words + p99 + (f" ({'; '.join(step.reasons)})" if step.reasons else "")


def verdict(search: Search, steps: Sequence[Played], requirement: str, by_users: bool) -> Verdict:
    """A pass says up to where, what limits it, and what there is to doubt."""
    unit = "users" if by_users else "messages/s"
    knee, beyond, limit = search.knee, search.beyond, search.limited_by
    if limit == "generator":
        reasons = steps[-1].reasons
        at_load = f"the generator is the limit at {search.generator_at:,g} {unit}: "
        if knee is None:
            return Verdict(INVALID, [at_load + "nothing is known of the server", *reasons])
        return Verdict(PASS, [f"{at_load}the server keeps {requirement} up to at least {knee:,g}", *reasons])
    if knee is None:
        return Verdict(
            FAIL, [f"the server misses {requirement} at {beyond:,g} {unit}, the lowest load", *_why(beyond, steps)]
        )
    keeps = f"the server keeps {requirement} up to {'' if limit == 'server' else 'at least '}{knee:,g} {unit}"
    ends = {
        "server": f", and misses it at {beyond or 0:,g}: {'; '.join(_why(beyond, steps)[:1])}",
        "range": ", the highest load that was tried",
        "steps": f"; --max-steps {search.bounds.max_steps:,} were not enough to find its limit",
    }
    return Verdict(PASS, [keeps + ends[limit], *_doubts(search, unit)])


def _why(load: float | None, steps: Sequence[Played]) -> list[str]:
    """Of the first step at this load that missed."""
    return next((step.reasons for step in at(load, steps) if step.result != HELD), [])


def _doubts(search: Search, unit: str) -> list[str]:
    lines = []
    for load, first, held, repeats in search.doubts:
        overruled = (2 * held > repeats) != (first == HELD)
        went = "" if not overruled else ", so the search stepped down" if first == HELD else ", so it went on above"
        lines.append(f"at {load:,g} {unit} the first step {first}, and {held} of {repeats} repeats held{went}")
    return lines
