"""One scenario against several servers in turn, and one table of what came of it: `python -m loadtest.compare`."""
