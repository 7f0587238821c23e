"""The parser of every command's options. One mistake is one line, with exit status 2."""

import argparse
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

USAGE_ERROR = 2


class OneLineParser(argparse.ArgumentParser):
    """A usage of 50 lines would hide what is wrong; `--help` has it. Parsers of subcommands are of this class too."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        """Never leaves any unknown: the subcommand's parser knows its own options, the one above it does not."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            known = (option for action in self._actions for option in action.option_strings)
            option = unknown[0].partition("=")[0]
            self.error(f"there is no {option}{nearest(option, known)}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, f"{self.prog}: {one_line(message)}; {self.prog} --help\n")


def nearest(word: str, known: Iterable[str]) -> str:
    """What to add to a complaint about this word: the known one that was meant, or nothing."""
    close = get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def one_line(text: str) -> str:
    """The text with control characters escaped: a file's name or a parser's message may hold them."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
