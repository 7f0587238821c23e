"""`fanfare serve` of the first version: entries do not say which user asks, and there is no PURGE."""

import sys

from chat.server.shared import scripts

scripts.ENTRY_VERSION = 1  # before anybody takes it from there
scripts.ALL = tuple(  # type: ignore[assignment]
    script.replace("'u', ARGV[i], ", "").replace("'u', 0, ", "") for script in scripts.ALL
)

from chat.cli import main  # noqa: E402
from chat.server.core import apply  # noqa: E402

del apply._FREE_RULES["PURGE"]
apply.VERBS.remove("PURGE")

sys.exit(main())
