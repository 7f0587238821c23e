"""Kinds of command-line option: each makes a value of what was typed, or says in one line what is wrong with it."""

import argparse
from collections.abc import Callable
from pathlib import Path

from chat.errors import SetupError


def number(kind: type[int] | type[float], low: float, high: float = float("inf")) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value <= high:
            bound = f"from {low:g} to {high:g}" if high < float("inf") else f"{low:g} or more"
            raise argparse.ArgumentTypeError(f"must be {bound}, got {text}")
        return value

    return parse


def room(text: str) -> str:
    if not text.startswith("#") or not 2 <= len(text) <= 40 or any(c in text for c in " ,\a\r\n"):
        raise argparse.ArgumentTypeError(f"must be # and up to 39 characters, without blank or comma, got {text!r}")
    return text


def checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """Text that `check` gives back, or refuses with a ValueError that says why."""

    def parse(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def secret(text: str) -> str:
    """The text, or what the file after an `@` holds. Raises SetupError."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise SetupError(f"{text[1:]}: {getattr(error, 'strerror', None) or error}") from None
