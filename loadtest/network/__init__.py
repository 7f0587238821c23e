"""A simulated user's way to a server: addresses, connections, the way in. Knows no accounts and no runs."""
