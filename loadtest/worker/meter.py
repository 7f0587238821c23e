"""Time the deliveries of users outside a scenario, for Locust's table. One for each process; it knows no losses."""

from typing import Any
from weakref import WeakKeyDictionary

import gevent

from loadtest.accounting import stamps
from loadtest.accounting.accounts import Account
from loadtest.accounting.stamps import Stamps
from loadtest.worker.rows import Row

_SHOW_EVERY_S = 0.5


class Meter:
    """Everything stamped that users of this process hear from users of this host."""

    def __init__(self, environment: Any) -> None:
        self.account = Account(Stamps(stamps.run_of_this_host(), 0), late_after_ns=1_000_000_000)
        self._row = Row(environment.stats, "deliver", "stamped")
        environment.events.test_stopping.add_listener(lambda **_: self._show())
        gevent.spawn(self._keep_showing)

    def _show(self) -> None:
        self.account.flush()
        self._row.show(self.account.fanout)

    def _keep_showing(self) -> None:
        while True:
            gevent.sleep(_SHOW_EVERY_S)
            self._show()


_meters: "WeakKeyDictionary[Any, Meter]" = WeakKeyDictionary()


def meter_of(environment: Any) -> Meter:
    if environment not in _meters:
        _meters[environment] = Meter(environment)
    return _meters[environment]
