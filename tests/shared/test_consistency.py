"""Three nodes under random faults keep one order, lose nothing that was shown, and agree at the end."""

import random
from datetime import datetime, timedelta

import pytest

from tests.ops.serving import IRC, client_of, serving
from tests.shared.consistency import FAULTS, try_out
from tests.shared.jumping_server import AHEAD, BACK, JUMPING


@pytest.mark.timeout(400)
def test_whatever_fails_everybody_saw_one_history() -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")  # `python -m tests.shared.consistency --seed SEED` plays it again
    trial = try_out(2 * len(FAULTS), seed)
    assert len(trial.shown) > 500


def test_the_clock_of_a_node_jumps_an_hour_on_when_it_is_told_to() -> None:
    with serving(*IRC, "--log", "memory:", "--admin", "off", command=JUMPING) as server:
        client = client_of(server.port())
        with client.sock:
            client.register("ana")

            def now() -> datetime:
                client.send("TIME")
                return datetime.strptime(client.expect("391").params[-1], "%Y-%m-%d %H:%M:%S %Z")

            before = now()
            server.signal(AHEAD)
            while now() < before + timedelta(hours=0.9):  # a signal is on its way
                pass
            server.signal(BACK)
            while now() > before + timedelta(hours=0.9):
                pass
