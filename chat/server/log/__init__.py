"""The log: gives every request its place in the one order, its id and its time."""
