"""The peers that are part of this project: each runs as a program and is not imported."""
