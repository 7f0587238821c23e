"""Does it help to keep each worker on a processor of its own?"""

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
