"""More logs relieve the store and not the nodes; more nodes relieve the sends."""

import shutil

import pytest

from bench.shards import World, main, simulate

WORLD = World(users=2_000, rooms=200, joined=5, rate=60.0, appends=50_000.0, applies=50_000.0, sends=1_000_000.0)


def test_more_logs_relieve_the_store_and_not_the_nodes() -> None:
    one, eight = (simulate(WORLD, logs, 8, near=True) for logs in (1, 8))
    assert eight.store < one.store / 2
    assert eight.read == one.read == 1.0
    assert eight.node == pytest.approx(one.node)


def test_more_nodes_relieve_the_sends() -> None:
    assert simulate(WORLD, 1, 8, near=False).sends < simulate(WORLD, 1, 2, near=False).sends / 3


def test_the_table_is_printed() -> None:
    assert main(["--users", "200", "--rooms", "20"]) == 0


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server: not installed")
def test_what_a_store_takes_and_a_node_applies_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--users", "200", "--rooms", "20", "--measure", "--total", "1000"]) == 0
    assert "one store takes 50,000" not in capsys.readouterr().out
