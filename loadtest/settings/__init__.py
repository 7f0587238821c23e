"""The load test's own options: their kinds, defaults and reasons."""
