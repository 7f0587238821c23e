"""A simulated user's way to a server: addresses, connections, one reader for all. Knows no accounts and no runs."""
