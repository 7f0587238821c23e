"""Text on its way in and out: cleaning, formatting codes, links, completion, colours. Pure functions of strings."""
