"""`crash` and `slow`: something happens to some of the users; the others watch."""
