"""Which settings are on the form of Locust's page. Pure names: options.py says what they are.

Anybody sets these who reaches the page's port. So none of them reads or writes files, looks at other processes or says
what program is started; nor do the generator's own budgets stand here, without which no verdict can be trusted. No name
has a digit, as the page's script would not send it back the way it was: --objective says what --max-p99-ms does.
"""

ON_PAGE = frozenset(
    (
        *("scenario", "rate", "announcers", "room", "room_size", "message_size", "connecting"),
        *("duration", "settle", "grace", "linger", "late_after"),
        *("objective", "max_lost", "max_duplicated", "max_reordered"),
        *("ways", "victims", "before", "after", "inform_within", "max_ghosts", "stalled"),
        *("residents", "arrivals", "stay"),
        *("search", "start", "most", "step", "warm_up"),
        *("search", "start", "most", "step", "warm_up", "precision", "repeats", "max_steps"),
    )
)
