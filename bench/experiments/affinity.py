"""Does it help to keep the worker and its helper on a processor each?

No. CPython 3.14, 2 rounds, only the worker kept on one: saturated 3.13 M deliveries/s as it is, 2.70 M pinned; steady
p50 11.3 and 10.5 ms. Whoever else needs that processor, here the generator, then stands in its way, while the other
one idles.
"""

import os
import threading

from chat.server.worker import Worker

CASES = ("saturated", "steady", "busy")


def _pin() -> None:
    run = Worker._run
    cores = sorted(os.sched_getaffinity(0))

    def pinned_run(worker: Worker) -> None:
        number = int(threading.current_thread().name.rpartition("-")[2])
        os.sched_setaffinity(0, {cores[number % len(cores)]})
        run(worker)

    setattr(Worker, "_run", pinned_run)  # noqa: B010


VARIANTS = {"pinned": _pin}
