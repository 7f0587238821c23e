"""Which settings are on the form of Locust's page. Pure names: options.py says what they are.

Anybody sets these who reaches the page's port. So none of them reads or writes files, looks at other processes or says
what program is started; nor do the generator's own budgets stand here, without which no verdict can be trusted. No name
has a digit, as the page's script would not send it back the way it was: so are requirements of the p99 within one text.
"""

ON_PAGE = frozenset(
    (
        *("scenario", "rate", "announcers", "room", "room_size", "message_size", "connecting", "schedule"),
        *("duration", "settle", "grace", "linger", "late_after"),
        "require",
        *("ways", "victims", "before", "after", "inform_within", "stalled"),
        *("residents", "arrivals", "stay"),
        *("search", "start", "most", "step", "warm_up"),
        *("search", "start", "most", "step", "warm_up", "precision", "repeats", "max_steps"),
    )
)
