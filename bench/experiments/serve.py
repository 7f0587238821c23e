"""`python -m bench.experiments.serve EXPERIMENT VARIANT serve ...`: the server's command, changed before it starts."""

import sys
from importlib import import_module

from chat.cli import main

if __name__ == "__main__":
    experiment, variant, *arguments = sys.argv[1:]
    if variant != "as it is":
        import_module(f"bench.experiments.{experiment}").VARIANTS[variant]()
    sys.exit(main(arguments))
