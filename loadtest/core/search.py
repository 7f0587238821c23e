"""Search for the highest load that holds. Pure: no clock and no Locust; whoever leads it plays the steps.

The load doubles until a step misses; then the gap between the highest that held and the lowest that missed is halved
until it is narrow; then both are played several times more, and the majority decides. A load that its repeats overrule
counts for what they say, and the search goes on from there.
"""

from dataclasses import dataclass, field

HELD, MISSED, GENERATOR = "held", "missed", "generator"
UP, BISECT, REPEAT = "up", "bisect", "repeat"
_FACTOR = 2  # from a low start, a thousandfold is ten steps
_TRIES = 2  # a step that the generator spoiled is played once more: on a busy machine it may have been chance


@dataclass(frozen=True, slots=True)
class Step:
    load: float
    phase: str


@dataclass(frozen=True, slots=True)
class Bounds:
    start: float
    most: float
    precision: float  # percent of the lower side by which both sides of the knee may be apart
    repeats: int
    max_steps: int
    whole: bool = False  # the load is counted, as users are

    def between(self, low: float, high: float) -> float | None:
        """The load to try next between a good and a bad one; None where they are near enough."""
        if high - low <= low * self.precision / 100:
            return None
        middle = (low + high) / 2
        if self.whole:
            middle = int(middle)
            return middle if low < middle else None
        short = float(f"{middle:.4g}")  # people read it
        return short if low < short < high else middle


@dataclass(slots=True)
class Search:
    """Play `next_step()` and `note` its result, until there is none."""

    bounds: Bounds
    played: int = 0
    generator_at: float | None = None  # the load at which the generator was the limit
    _first: dict[float, str] = field(default_factory=dict)  # each load's first result
    _repeats: dict[float, list[str]] = field(default_factory=dict)
    _spoiled: int = 0  # steps in a row

    @property
    def knee(self) -> float | None:
        """The highest load that held, below the lowest that did not."""
        below = float("inf") if self.beyond is None else self.beyond
        return max((load for load in self._first if load < below), default=None)

    @property
    def beyond(self) -> float | None:
        """The lowest load that did not hold."""
        return min((load for load in self._first if not self._holds(load)), default=None)

    @property
    def limited_by(self) -> str:
        """What ended the search: `server`, `generator`, `range` or `steps`."""
        if self.generator_at is not None:
            return "generator"
        if self._wanted() is not None:
            return "steps"
        return "range" if self.beyond is None else "server"

    @property
    def doubts(self) -> list[tuple[float, str, int, int]]:
        """Of loads whose steps disagree: the load, its first result, how many repeats held, how many there were."""
        return [
            (load, first, self._repeats[load].count(HELD), len(self._repeats[load]))
            for load, first in sorted(self._first.items())
            if set(self._repeats.get(load, ())) - {first}
        ]

    def next_step(self) -> Step | None:
        over = self.generator_at is not None or self.played >= self.bounds.max_steps
        return None if over else self._wanted()

    def note(self, step: Step, result: str) -> None:
        self.played += 1
        if result == GENERATOR:
            self._spoiled += 1
            if self._spoiled == _TRIES:
                self.generator_at = step.load
            return
        self._spoiled = 0
        if step.phase == REPEAT:
            self._repeats.setdefault(step.load, []).append(result)
        else:
            self._first[step.load] = result

    def _wanted(self) -> Step | None:
        """The step that would tell more; None when all is known."""
        if begun := next((load for load in self._repeats if not self._is_decided(load)), None):
            return Step(begun, REPEAT)
        knee, beyond, bounds = self.knee, self.beyond, self.bounds
        if beyond is None and (knee is None or knee < bounds.most):
            return Step(bounds.start if knee is None else min(knee * _FACTOR, bounds.most), UP)
        if knee is not None and beyond is not None and (middle := bounds.between(knee, beyond)) is not None:
            return Step(middle, BISECT)
        return next((Step(each, REPEAT) for each in (knee, beyond) if each and not self._is_decided(each)), None)

    def _is_decided(self, load: float) -> bool:
        return len(self._repeats.get(load, ())) >= self.bounds.repeats

    def _holds(self, load: float) -> bool:
        """By the majority of its repeats, once there are all; by its first step before."""
        if not self._is_decided(load):
            return self._first[load] == HELD
        repeats = self._repeats[load]
        return 2 * repeats.count(HELD) > len(repeats)
