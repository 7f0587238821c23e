"""A result for other programs: JUnit XML, Markdown for a CI page, Prometheus text. Pure functions of one value."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from loadtest.core.reasons import printable
from loadtest.core.result import FAIL, INVALID, Figures, Result
from loadtest.report.blocks import ms

_COUNTS = ("sent", "expected", "delivered", "lost", "duplicated", "reordered", "stray", "corrupt", "diverged", "late")
_PERCENTILES = (("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0))
_LATENCIES = ("fanout", "within", "across", "first", "median", "complete")  # of one node, not the second and third


def junit(result: Result) -> str:
    """One case, the run: a failure where a requirement was missed, an error where the run is invalid."""
    figures = result.figures
    kind = {FAIL: "failure", INVALID: "error"}.get(result.verdict, "")
    words = "\n".join(map(printable, result.reasons))
    inner = f"<{kind} message={quoteattr(words.partition(chr(10))[0])}>{escape(words)}</{kind}>" if kind else ""
    counts = f'tests="1" failures="{int(kind == "failure")}" errors="{int(kind == "error")}"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name="fanfare load" {counts} timestamp={quoteattr(result.started_at)}>'
        f"<testcase classname={quoteattr(figures.target)} name={quoteattr(figures.scenario)} "
        f'time="{figures.duration_s:.3f}">{inner}</testcase></testsuite>\n'
    )


def markdown(result: Result) -> str:
    """For a comment, or the summary of a job."""
    figures = result.figures
    rows = [
        "| latency, ms | " + " | ".join(name for name, _ in _PERCENTILES) + " |",
        "| --- |" + " ---: |" * len(_PERCENTILES),
    ]
    for name in _shown(figures):
        times = (ms(figures.given(name, percent)) for _, percent in _PERCENTILES)
        rows.append(f"| {name} | " + " | ".join(times) + " |")
    counts = ", ".join(f"{getattr(figures, name):,} {name}" for name in _COUNTS)
    reasons = "".join(f"- {printable(reason)}\n" for reason in result.reasons)
    return (
        f"### {result.verdict.upper()}: {figures.scenario} on {figures.target}, {figures.users:,} users\n\n"
        + reasons
        + f"\nRequired: {', '.join(result.requirements) or 'nothing'}. {counts}.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def _shown(figures: Figures) -> list[str]:
    return [kind for kind in _LATENCIES if figures.nodes > 1 or kind not in ("within", "across")]


def prometheus(result: Result) -> str:
    """The text format 0.0.4, for a textfile collector or a push gateway."""
    return "".join(_metrics(result))


def _metrics(result: Result) -> Iterator[str]:
    figures = result.figures
    labels = f'scenario="{figures.scenario}",target="{_label(figures.target)}"'
    yield from _metric("fanfare_run_verdict", "gauge", "1 for the verdict of the run.")
    yield f'fanfare_run_verdict{{{labels},verdict="{result.verdict}"}} 1\n'
    yield from _metric("fanfare_users", "gauge", "Users who were in.")
    yield f"fanfare_users{{{labels}}} {figures.users}\n"
    yield from _metric("fanfare_deliveries", "gauge", "Deliveries, by what became of them.")
    for name in _COUNTS[1:]:
        yield f'fanfare_deliveries{{{labels},state="{name}"}} {getattr(figures, name)}\n'
    yield from _metric("fanfare_latency_seconds", "summary", "From the intended time to the arrival.")
    for kind in _shown(figures):
        histogram = getattr(figures, kind)
        if not histogram.count:
            continue
        for _, percent in _PERCENTILES[:-1]:
            if (us := figures.given(kind, percent)) is not None:
                yield f'fanfare_latency_seconds{{{labels},of="{kind}",quantile="{percent / 100:g}"}} {us / 1e6:g}\n'
        yield f'fanfare_latency_seconds_sum{{{labels},of="{kind}"}} {histogram.total / 1e6:g}\n'
        yield f'fanfare_latency_seconds_count{{{labels},of="{kind}"}} {histogram.count}\n'


def _metric(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP {name} {words}\n# TYPE {name} {kind}\n"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
