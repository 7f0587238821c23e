"""The peers that are source code of ours: each is run as a program, not imported."""
