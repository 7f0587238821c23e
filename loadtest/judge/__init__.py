"""Pass, fail, or invalid: thresholds, objectives, and the measures that they are held against. Pure."""
