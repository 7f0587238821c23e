"""Print answers for a person or a program."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

Row = dict[str, Any]


def print_lines(lines: Iterable[str], flush: bool = False) -> int:
    """A reader who has read enough, and Ctrl-C, are no faults."""
    try:
        for line in lines:
            print(line, flush=flush)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # or the interpreter complains when it flushes it
    except KeyboardInterrupt:
        pass
    return 0


def safe(line: str) -> str:
    """What people say may hold a terminal's escape sequences."""
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


def as_json(rows: Iterable[Row]) -> Iterator[str]:
    """An object a line."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False)


def as_table(rows: Iterable[Row]) -> Iterator[str]:
    """A line a row, in columns as wide as they need to be."""
    kept = list(rows)
    if not kept:
        return
    lines = [list(kept[0]), *([_text(row.get(name)) for name in kept[0]] for row in kept)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def as_values(rows: Iterable[Row]) -> Iterator[str]:
    """A line a value."""
    for row in rows:
        for name, value in row.items():
            yield f"{name.replace('_', ' '):<24}{_text(value)}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe(" ".join(map(str, value)) if isinstance(value, list) else str(value))
