"""The handshakes' benchmark: every handshake is counted, and the goal is judged by the ratio."""

import pytest

from bench import handshakes
from bench.handshakes import Part, Turn, main, measure


@pytest.mark.parametrize("key", ["ecdsa", "rsa"])
def test_every_handshake_and_every_message_is_accounted_for(key: str) -> None:
    turn = measure(rate=20, talk=50, seconds=0.5, key=key)
    assert (turn.made, turn.failed) == (10, 0)
    for part in (turn.quiet, turn.besides):
        assert 0 < part.p50 <= part.p99 <= part.most


@pytest.mark.parametrize(("slower", "failed", "status"), [(3.0, 0, 0), (3.1, 0, 1), (1.0, 1, 1)])
def test_the_goal_is_three_times_the_quiet_p99_with_no_handshake_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], slower: float, failed: int, status: int
) -> None:
    turn = Turn(Part(1.0, 2.0, 3.0, 5.0), Part(1.0, 2.0 * slower, 9.0, 50.0), 100, failed, 0.1, 2.0)
    monkeypatch.setattr(handshakes, "measure", lambda *arguments: turn)
    assert main(["--rounds", "2"]) == status
    assert f"ecdsa: p99 {slower:.2f} times the quiet one, the goal is 3: " in capsys.readouterr().out
