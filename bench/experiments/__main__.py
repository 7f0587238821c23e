"""`python -m bench.experiments NAME`: the server as it is beside the variants of one experiment, turn by turn."""

import argparse
import pkgutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from bench import experiments
from bench.build import GENERATOR, compile_c
from bench.cases import all_cases
from bench.command import count, positive, started, words
from bench.machine import facts
from bench.process import raise_file_limit
from bench.servers import Fanfare
from bench.table import COLUMNS, failed, outline, table
from bench.turn import Turn, take_turn

OURS = {"__main__", "serve"}  # the modules that are no experiments


class Variant(Fanfare):
    """The server with one change, made in its process. Counts as a peer, so that ratios are to the best variant."""

    peer = True

    def __init__(self, experiment: str, variant: str, python: str) -> None:
        super().__init__(variant, python)
        self._command = [python, "-m", "bench.experiments.serve", experiment, variant]


def main(arguments: Sequence[str] | None = None) -> int:
    names = [module.name for module in pkgutil.iter_modules(experiments.__path__) if module.name not in OURS]
    parser = argparse.ArgumentParser(prog="python -m bench.experiments", description=__doc__)
    parser.add_argument("name", nargs="?", choices=names, help="without it they are listed")
    parser.add_argument(
        "--cases", type=words(COLUMNS), metavar="A,B", help=f"in place of the experiment's own: {', '.join(COLUMNS)}"
    )
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="(default 3)")
    parser.add_argument("--seconds", type=positive, default=2, metavar="S", help="of counted load a turn (default 2)")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="of every server (default this one)")
    options = parser.parse_args(arguments)
    if options.name is None:
        for name in names:
            print(f"{name:16}{(_module(name).__doc__ or '').partition(chr(10))[0]}")
        return 0
    raise_file_limit()
    return started("experiments", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    experiment = _module(options.name)
    if hasattr(experiment, "VARIANTS"):
        _measure(experiment, options)
    else:  # it measures something smaller than a server
        experiment.main(options.rounds)
    return 0


def _module(name: str) -> ModuleType:
    return import_module(f"bench.experiments.{name}")


def _measure(experiment: ModuleType, options: argparse.Namespace) -> None:
    variants = [Variant(options.name, variant, options.python) for variant in ("as it is", *experiment.VARIANTS)]
    wanted = options.cases or experiment.CASES
    cases = [case for case in all_cases(seconds=options.seconds) if case.name in wanted]
    turns: list[Turn] = []
    print(*(f"{name}: {fact}" for name, fact in facts().items()), f"server: {variants[0].version()}", sep="\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        generator = compile_c(GENERATOR, Path(scratch))
        for round_ in range(options.rounds):
            for case in cases:
                for variant in variants[round_ % len(variants) :] + variants[: round_ % len(variants)]:
                    with tempfile.TemporaryDirectory(dir=scratch) as folder:
                        turns.append(take_turn(generator, variant, case, round_, Path(folder)))
                    print(f"round {round_ + 1}/{options.rounds} {outline(turns[-1])}", file=sys.stderr, flush=True)
    for case in cases:
        print(f"\n{case.name}: {case.title}\n\n{table(turns, variants, case.name)}")
    print(*filter(None, map(failed, turns)), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
