"""The table of all settings in docs/operations.md. `python -m tests.ops.settings_table` writes it there again."""

import sys
from dataclasses import fields
from itertools import takewhile
from pathlib import Path

from chat.settings import DEFAULT_ADDRESSES, Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
BEGIN = "| setting | default | unit | what for |\n| --- | --- | --- | --- |\n"
# Options that are no settings of their own.
OTHERS = {
    "config": ("", "file", "settings by name, in TOML; `FANFARE_CONFIG` names it too"),
    "listen": (" ".join(map(str, DEFAULT_ADDRESSES)), "URL", "an address to listen on; may be repeated"),
    "password_file": ("", "file", "whose one line is `password`; `FANFARE_PASSWORD_FILE` and the file know it too"),
}


def rows() -> dict[str, str]:
    """The table's row for each option of `fanfare serve`, by its name as a setting."""
    values = dict(OTHERS)
    for setting in fields(Settings):
        if setting.name not in values:
            values[setting.name] = (str(setting.default), setting.metadata["unit"], setting.metadata["why"])
    return {
        name: _row(name, *values[name]) for name in ("config", *[f.name for f in fields(Settings)], "password_file")
    }


def _row(name: str, default: str, unit: str, why: str) -> str:
    shown = f"`{default}`" if default else ""
    return f"| `--{name.replace('_', '-')}` | {shown} | {unit} | {why.replace('|', chr(92) + '|')} |\n"


def table_of(page: str) -> str:
    """The rows that the page has."""
    rest = page[page.index(BEGIN) + len(BEGIN) :]
    return "".join(takewhile(lambda line: line.startswith("|"), rest.splitlines(keepends=True)))


def main() -> int:
    page = PAGE.read_text()
    PAGE.write_text(page.replace(BEGIN + table_of(page), BEGIN + "".join(rows().values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
