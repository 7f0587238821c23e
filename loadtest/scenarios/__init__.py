"""What the simulated users do: a module or a package for each scenario, with all that is its own.

That is its options (a subclass of `Settings`), its leading side (`course`), what the users do (a `Role`), and its
section of the report. A package has its leading side in `leader.py`. A new one touches no other file: `load` finds it.
"""

from importlib import import_module
from pkgutil import walk_packages


def load() -> None:
    """Have all of them known by name: see `loadtest.run.scenario.SCENARIOS`."""
    for module in walk_packages(__path__, f"{__name__}."):
        import_module(module.name)
