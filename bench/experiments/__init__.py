"""Ideas that were tried, kept runnable: each module is one question with its finding.

`python -m bench.experiments` lists them; with a name it measures the server as it is and each variant, turn by turn.
A module's docstring is the question and the answer with its figures; `VARIANTS` names the ways to try, each a function
that changes the server of a fresh process before it starts, and `CASES` where the difference would show. One that needs
no server has a `main` of its own in their place.
"""
