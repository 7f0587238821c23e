"""A run: the process that leads it, its workers, and what they say to each other. Knows Locust as what it is given."""
