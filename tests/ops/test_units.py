"""The systemd unit and the Kubernetes manifest: valid, hardened, and of one mind with the server."""

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from chat.configuration import load
from chat.settings import Settings

DOCKER = Path(__file__).resolve().parents[2] / "docker"
MOST_EXPOSURE = 1.5  # of 10, by systemd-analyze; what is left is the network, which it is for
NAMES = {f"FANFARE_{setting.name.upper()}" for setting in fields(Settings)}

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that this machine has."""
    text = (DOCKER / "systemd" / "fanfare.service").read_text()
    path = tmp_path / "fanfare.service"
    path.write_text(text.replace("/opt/fanfare/bin/fanfare", "/bin/true"))
    return path


@needs_systemd
def test_systemd_finds_no_fault_in_the_unit(unit: Path) -> None:
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@needs_systemd
def test_the_unit_leaves_the_server_little_that_it_does_not_need(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", str(unit)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for fanfare\.service: ([0-9.]+)", checked.stdout)
    if found is None:
        pytest.skip("this systemd-analyze does not judge a file")
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_unit_waits_for_the_server_and_does_not_repeat_a_wrong_setting() -> None:
    text = (DOCKER / "systemd" / "fanfare.service").read_text()
    for line in ("Type=notify", "RestartPreventExitStatus=2", "ExecReload=/bin/kill -HUP $MAINPID", "DynamicUser=yes"):
        assert f"\n{line}\n" in text
    assert "@resources" not in text  # Python reads the limit of open files by prlimit, which is one of these


def manifest() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DOCKER / "kubernetes.yaml").read_text()))


def by_kind(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in manifest() if one["kind"] == kind)
    return found


@pytest.mark.parametrize("resource", manifest(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_each_resource_follows_the_schema_of_kubernetes(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


def test_the_manifests_settings_are_the_servers() -> None:
    values = by_kind("ConfigMap")["data"]
    assert set(values) <= NAMES
    settings = load({}, None, values)
    spec = by_kind("StatefulSet")["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > settings.drain + settings.stop_deadline + 5
    ports = {port["name"]: port["containerPort"] for port in spec["containers"][0]["ports"]}
    assert ports["irc"] == settings.listen[0].port
    assert ports["metrics"] == int(settings.metrics.rpartition(":")[2])


def test_the_manifests_parts_find_each_other() -> None:
    stateful = by_kind("StatefulSet")["spec"]
    pod = stateful["template"]
    (container,) = pod["spec"]["containers"]
    labels, ports = pod["metadata"]["labels"], {port["name"] for port in container["ports"]}
    assert stateful["selector"]["matchLabels"].items() <= labels.items()
    services = [one for one in manifest() if one["kind"] == "Service"]
    assert stateful["serviceName"] in [one["metadata"]["name"] for one in services]
    for service in services:
        assert service["spec"]["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert probes == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/healthz"}
    claims = {claim["metadata"]["name"] for claim in stateful["volumeClaimTemplates"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == claims


def test_the_pod_has_the_rights_that_the_restricted_standard_asks_for() -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    spec = by_kind("StatefulSet")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    rights = container["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert spec["automountServiceAccountToken"] is False
    image = (DOCKER / "server.Dockerfile").read_text()
    assert f"USER {spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}" in image
