"""Three nodes under random faults keep one order, lose nothing that was shown, and agree at the end."""

import random

import pytest

from tests.shared.consistency import try_out


@pytest.mark.timeout(400)
def test_whatever_fails_everybody_saw_one_history() -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")  # `python -m tests.shared.consistency --seed SEED` plays it again
    trial = try_out(2_500, seed)
    assert len(trial.shown) > 500
    assert len(trial.faults) > 15
