"""Pass, fail, or invalid: thresholds, requirements, and the measures that they are held against. Pure."""
