"""The transcript: lines folded to rows, rows drawn as the text of a Tk widget, words found in it."""
