"""docs/operations.md names every option of `fanfare serve`, with its default and reason, and nothing else."""

import re
import subprocess
import sys

from tests.ops.settings_table import PAGE, rows, table_of


def test_the_table_of_settings_is_complete_and_up_to_date() -> None:
    lines = table_of(PAGE.read_text()).splitlines(keepends=True)
    assert lines == list(rows().values()), "python -m tests.ops.settings_table writes the table"


def test_the_table_has_the_options_that_the_command_takes() -> None:
    text = subprocess.check_output([sys.executable, "-m", "chat.cli", "serve", "--help"], text=True)
    taken = set(re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE))
    assert {f"--{name.replace('_', '-')}" for name in rows()} == taken
