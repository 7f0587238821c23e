"""What the benchmarks' commands share: the types of their options, and one line and status 2 where one cannot run."""

import argparse
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterable

from bench.build import BuildError
from bench.process import StartError, interruptible

USAGE_ERROR = 2
INTERRUPTED = 130


def started(name: str, run: Callable[[], int]) -> int:
    """The exit status of `run`; where it cannot start or go on, one line and USAGE_ERROR.

    Ctrl-C, SIGTERM and SIGHUP end `run` with all that it has started, and the status is INTERRUPTED.
    """
    try:
        with interruptible():
            return run()
    except (BuildError, StartError) as error:
        complaint = str(error)
    except OSError as error:
        complaint = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except KeyboardInterrupt:
        print(f"{name}: interrupted; everything that it started has ended", file=sys.stderr)
        return INTERRUPTED
    print(f"{name}: {complaint}", file=sys.stderr)
    return USAGE_ERROR


def need_program(program: str, package: str) -> None:
    """Raises StartError where the program is not installed; `package` is Debian's."""
    if shutil.which(program) is None:
        raise StartError(f"{program} is not installed (apt-get install {package})")


def need_package(package: str, extra: str) -> None:
    """Raises StartError where a Python package is not installed; `extra` is the project's that brings it."""
    if importlib.util.find_spec(package) is None:
        raise StartError(f"the Python package {package} is not installed (pip install 'fanfare[{extra}]')")


def words(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Of several names, with commas between them."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def counts(text: str) -> list[int]:
    """Of several numbers, with commas between them."""
    return [count(part) for part in text.split(",")]


def readers(text: str) -> int:
    """Threads of the generator."""
    if not text.isdecimal() or int(text) > 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 64")
    return int(text)


def positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
