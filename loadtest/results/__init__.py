"""A run as one value, `result.json`, and all that is made of it: reports, comparisons, exports. Pure functions."""
