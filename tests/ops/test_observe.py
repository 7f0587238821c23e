"""docker/observe: the alerts and the dashboard ask for metrics that there are, and each alert fires when it should."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from chat.server.ops.metrics import METRICS

OBSERVE = Path(__file__).resolve().parents[2] / "docker" / "observe"
ENDINGS = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}
NAME = re.compile(r"\b(?:fanfare|process|python)_[a-z_]+")


def known() -> set[str]:
    """The names of all samples that a server has."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    clients = {sample.name for family in registry.collect() for sample in family.samples}
    return clients | {metric.name + ending for metric in METRICS for ending in ENDINGS[metric.kind]}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((OBSERVE / "rules.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((OBSERVE / "dashboard.json").read_text())
    return read


def test_every_metric_that_alerts_and_dashboard_name_is_there() -> None:
    asked = [rule["expr"] for rule in rules()]
    asked += [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    asked += [
        variable["query"]["query"] for variable in dashboard()["templating"]["list"] if variable["type"] == "query"
    ]
    named = {name for text in asked for name in NAME.findall(text)}
    assert len(named) > 20
    assert named <= known()


def test_every_metric_of_the_server_is_explained_on_the_operations_page() -> None:
    page = (OBSERVE.parents[1] / "docs" / "operations.md").read_text()
    table = page[page.index("| metric (`fanfare_…`)") : page.index("### Health")]
    for metric in METRICS:
        name = metric.name.removeprefix("fanfare_") + ("_total" if metric.kind == "counter" else "")
        labels = f"{{{', '.join(metric.labels)}}}" if metric.labels else ""
        assert f"`{name}{labels}`" in table


def test_every_alert_is_tried_and_says_what_to_do() -> None:
    tried = yaml.safe_load((OBSERVE / "rules_test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tried for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert {rule["alert"] for rule in rules()} == fired
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")
        assert rule["labels"]["severity"] in ("warning", "critical")


@pytest.mark.parametrize(
    "command",
    [("check", "rules", "rules.yml"), ("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")],
)
def test_promtool_finds_no_fault(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    checked = subprocess.run([promtool, *command], cwd=OBSERVE, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_panels_do_not_overlap_and_have_a_unit() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        assert panel["fieldConfig"]["defaults"]["unit"]
        taken |= cells
