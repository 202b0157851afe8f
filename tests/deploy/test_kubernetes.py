"""The Kubernetes files follow the API, give few rights, and fit together.

No cluster is needed. The overlays are checked only where there is a kustomize, or a kubectl, which
contains it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from archive_scripts.archives.building import ROOT
from launcher.settings import LauncherSettings
from tests.support.deployed import (
    PER_CORE,
    SETTINGS,
    USER,
    VERSION,
    documents,
    max_service_megabytes,
    max_stop_seconds,
    megabytes,
    require_command,
    require_released,
    require_settings,
)

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("torchserve", "kserve", "kserve-canary")
# Files for the Prometheus operator are tested with the rules: test_monitoring_files.py.
FILES = sorted(
    path
    for path in KUBERNETES.rglob("*.yaml")
    if path.name != "kustomization.yaml" and path.parent.name != "monitoring"
)
# The oldest supported version. The kinds used here have not changed since.
_API = "1.30"

# In a cluster it comes from the Secret.
_DATABASE_URL = "postgresql://ranjana@db/ranjana"
_KSERVE = json.loads(Path(__file__).with_name("kserve.json").read_text())


def built(overlay: str | Path) -> list[dict[str, Any]]:
    """The documents of an overlay, or of another folder, built by kustomize."""
    folder = str(KUBERNETES / "overlays" / overlay)
    if shutil.which("kustomize"):
        command = ["kustomize", "build", folder]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize", folder]
    else:
        pytest.skip("needs kustomize or kubectl")
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return list(yaml.safe_load_all(process.stdout))


def pods(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pod specifications of a document, also of a ServingRuntime."""
    if document["kind"] in {"Deployment", "Job"}:
        yield document["spec"]["template"]["spec"]
    elif document["kind"] == "CronJob":
        yield document["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    elif document["kind"] == "ServingRuntime":
        yield {name: document["spec"][name] for name in ("containers", "volumes")}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def require_valid(document: dict[str, Any]) -> None:
    if not document["apiVersion"].startswith("serving.kserve.io/"):
        kubernetes_validate.validate(document, _API, strict=True)
        return
    jsonschema.validate(document, _KSERVE)
    for pod in pods(document):
        whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "any"}, "spec": pod}
        kubernetes_validate.validate(whole, _API, strict=True)


def one(kind: str, name: str, among: list[dict[str, Any]]) -> dict[str, Any]:
    # The name of a generated ConfigMap ends with a hash.
    names = re.compile(rf"{name}(-[a-z0-9]{{10}})?" if kind == "ConfigMap" else name)
    (found,) = (
        each for each in among if each["kind"] == kind and names.fullmatch(each["metadata"]["name"])
    )
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_follows_the_api(path: Path) -> None:
    for document in documents(path):
        require_valid(document)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_pod_has_no_unneeded_rights(path: Path) -> None:
    for document in documents(path):
        for pod in pods(document):
            for container in containers(pod):
                context = {**pod.get("securityContext", {}), **container["securityContext"]}
                assert (context["runAsNonRoot"], context["runAsUser"]) == (True, USER)
                assert context["allowPrivilegeEscalation"] is False
                assert context["readOnlyRootFilesystem"] is True
                assert context["capabilities"] == {"drop": ["ALL"]}
                assert context["seccompProfile"] == {"type": "RuntimeDefault"}
                assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
                assert "memory" in container["resources"]["limits"]
                require_command(container["command"])
                mounted = {mount["name"] for mount in container["volumeMounts"]}
                assert mounted <= {volume["name"] for volume in pod["volumes"]}
            if document["kind"] != "ServingRuntime":  # KServe sets these itself
                assert pod["automountServiceAccountToken"] is False
                # A Service named like a setting would set it.
                assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_complete(overlay: str) -> None:
    found = built(overlay)
    for document in found:
        require_valid(document)
    assert {each["metadata"].get("namespace") for each in found if each["kind"] != "Namespace"} == {
        "ranjana"
    }
    named = {(each["kind"], each["metadata"]["name"]) for each in found}
    for document in found:
        for pod in pods(document):
            require_released(container["image"] for container in containers(pod))
            for volume in pod["volumes"]:
                if claim := volume.get("persistentVolumeClaim"):
                    assert ("PersistentVolumeClaim", claim["claimName"]) in named
                if secret := volume.get("secret"):
                    assert secret["secretName"] == "ranjana"  # operators create it
            for container in containers(pod):
                for source in container.get("envFrom", ()):
                    assert ("ConfigMap", source["configMapRef"]["name"]) in named
        if document["kind"] == "HorizontalPodAutoscaler":
            target = document["spec"]["scaleTargetRef"]
            assert (target["kind"], target["name"]) in named
            scaled = one(target["kind"], target["name"], found)
            assert "replicas" not in scaled["spec"], "the autoscaler sets the number"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_service_has_valid_settings_and_the_address_of_torchserve(overlay: str) -> None:
    found = built(overlay)
    environment = one("ConfigMap", "auth-api", found)["data"]
    settings = require_settings({**environment, "DATABASE_URL": _DATABASE_URL})
    assert settings.versions_elsewhere
    assert settings.training_concurrency == 0
    url = settings.torchserve_inference_url
    if overlay == "torchserve":
        (port,) = one("Service", "torchserve", found)["spec"]["ports"]
        assert (url.host, url.port) == ("torchserve", port["port"])
    else:
        inference = one("InferenceService", "ranjana", found)
        host = f"{inference['metadata']['name']}-predictor.{inference['metadata']['namespace']}"
        assert str(url) == f"http://{host}.svc.cluster.local/"
        runtime = inference["spec"]["predictor"]["model"]["runtime"]
        assert one("ServingRuntime", runtime, found)
    api = one("Deployment", "auth-api", found)["spec"]["template"]["spec"]
    (container,) = api["containers"]
    assert container["ports"] == [
        {"name": "http", "containerPort": settings.api_port},
        {"name": "metrics", "containerPort": settings.metrics_port},
    ]
    assert settings.metrics_host == "0.0.0.0"
    assert [port["targetPort"] for port in one("Service", "auth-api", found)["spec"]["ports"]] == [
        "http"
    ]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness")}
    assert all("httpHeaders" not in probe for probe in probes.values()), "any host name will do"
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "liveness": "/health",
        "readiness": "/ready/database",
    }
    # Each process would count the cores of its node.
    assert set(PER_CORE) <= environment.keys()
    assert max_service_megabytes(settings) < megabytes(container["resources"]["limits"]["memory"])
    (migrating,) = api["initContainers"]
    assert migrating["command"] == ["python", "-m", "auth_api", "migrate"]
    assert migrating["image"] == container["image"]
    assert migrating["envFrom"] == container["envFrom"]
    # Ten pods, one more during a rollout, and PostgreSQL's default without those of superusers.
    most = one("HorizontalPodAutoscaler", "auth-api", found)["spec"]["maxReplicas"]
    assert (most + 1) * settings.api_workers * settings.database_connections + 1 < 100 - 3
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {mount["mountPath"]: mount["name"] for mount in migrating["volumeMounts"]}
    assert {
        environment["SECRETS_DIR"],
        str(settings.data_dir),
        str(settings.media_dir),
    } <= mounts.keys()
    assert one("PersistentVolumeClaim", "media", found)["spec"]["accessModes"] == ["ReadWriteMany"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_enough_time_to_stop(overlay: str) -> None:
    found = built(overlay)
    environment = one("ConfigMap", "auth-api", found)["data"]
    settings = require_settings({**environment, "DATABASE_URL": _DATABASE_URL})
    pod = one("Deployment", "auth-api", found)["spec"]["template"]["spec"]
    assert settings.drain_seconds > 0
    assert pod["terminationGracePeriodSeconds"] > max_stop_seconds(settings)


def test_backups_are_made_at_night_and_restored_by_hand() -> None:
    found = built("torchserve")
    backup, restore = (one("CronJob", name, found)["spec"] for name in ("backup", "restore"))
    assert "suspend" not in backup
    assert restore["suspend"] is True
    making, restoring = (
        each["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"]
        for each in (backup, restore)
    )
    assert making[3:4] == ["backup"]
    assert restoring[3:4] == ["restore"]
    assert making[-1] == restoring[-1] == "/srv/backups"
    guide = (ROOT / "docs" / "operations.md").read_text()
    assert "create job restore --from=cronjob/restore" in guide


def _torchserves() -> Iterator[tuple[dict[str, Any], LauncherSettings]]:
    """The containers of TorchServe, with their settings."""
    for path in FILES:
        for document in documents(path):
            for pod in pods(document):
                for container in pod["containers"]:
                    if container["command"][2:] == ["launcher", "torchserve"]:
                        environment = {each["name"]: each["value"] for each in container["env"]}
                        yield container, require_settings(environment)


def test_only_the_service_reaches_torchserve_and_nothing_its_management() -> None:
    found = list(_torchserves())
    assert len(found) == 2
    for container, settings in found:
        assert not settings.torchserve_tokens
        assert settings.torchserve_management_host == "127.0.0.1"
        ports = {port["containerPort"] for port in container["ports"]}
        assert settings.torchserve_inference_port in ports
        assert settings.torchserve_management_port not in ports
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert any(map(settings.data_dir.is_relative_to, mounts))
        assert container["readinessProbe"]["exec"]["command"][2] == "launcher.answering"
    policies = _policies()
    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (inference, metrics) = policies["torchserve"]["ingress"]
    service = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "auth-api"}}}
    assert inference == {"from": [service], "ports": [{"port": "inference"}]}
    assert metrics == {"from": [_namespace("monitoring")], "ports": [{"port": "metrics"}]}
    assert "egress" not in policies["torchserve"], "workers connect to nothing"
    metrics = {"from": [_namespace("monitoring")], "ports": [{"port": 8082}]}
    assert policies["predictor"]["ingress"][1] == metrics
    assert all(settings.torchserve_metrics_port == 8082 for _, settings in found)
    assert "8081" not in "".join(path.read_text() for path in FILES)


def _policies() -> dict[str, dict[str, Any]]:
    return {
        document["metadata"]["name"]: document["spec"]
        for path in FILES
        for document in documents(path)
        if document["kind"] == "NetworkPolicy"
    }


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def test_every_connection_has_named_ends() -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    for name, policy in _policies().items():
        rules = [(rule, "from") for rule in policy.get("ingress", ())]
        rules += [(rule, "to") for rule in policy.get("egress", ())]
        assert rules or name == "nobody"
        for rule, end in rules:
            assert rule.get(end), f"{name}: anybody"
            for peer in rule[end]:
                selectors = [
                    peer[key] for key in ("namespaceSelector", "podSelector") if key in peer
                ]
                assert selectors, name
                assert all(each.get("matchLabels") for each in selectors), f"{name}: {peer}"
                labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
                assert all(f"`{namespace}`" in guide for namespace in labels.values()), labels


def test_the_ingress_reaches_the_service_and_prometheus_only_its_metrics() -> None:
    policies = _policies()
    assert policies["auth-api"]["ingress"] == [
        {"from": [_namespace("ingress-nginx")], "ports": [{"port": "http"}]},
        {"from": [_namespace("monitoring")], "ports": [{"port": "metrics"}]},
    ]
    names, databases = policies["database"]["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert databases == {"to": [_namespace("databases")], "ports": [{"port": 5432}, {"port": 6379}]}


def test_the_kustomization_of_the_guide_can_be_built(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    (text,) = re.findall(r"```yaml\n(namespace: ranjana\n.*?)```", guide, re.DOTALL)
    files = tmp_path / "files"
    shutil.copytree(KUBERNETES, files / "deploy" / "kubernetes")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "kustomization.yaml").write_text(text.replace("path/to", "files"))
    found = built(tmp_path / "own")
    for document in found:
        require_valid(document)
    images = [
        each["image"] for document in found for pod in pods(document) for each in containers(pod)
    ]
    assert all(image.startswith("REGISTRY/ranjana-") for image in images)
    assert one("ConfigMap", "auth-api", found)["data"]["TRUSTED_HOSTS"] == "ranjana.example.org"
    claim = one("PersistentVolumeClaim", "media", found)
    assert claim["spec"]["storageClassName"] == "nfs"
    policy = one("NetworkPolicy", "database", found)
    assert {port["port"] for port in policy["spec"]["egress"][1]["ports"]} == {25060, 6380}


def test_secrets_are_settings_and_documented() -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    command = re.search(r"create secret generic ranjana(?:.*\\\n)+.*", guide)
    assert command
    named = set(re.findall(r"--from-\w+=(\w+)=", command[0]))
    assert named == {"secret_key", "database_url", "rate_limit_storage"}
    assert {name.upper() for name in named} <= SETTINGS


def test_archives_are_where_kserve_looks_for_them() -> None:
    folder = KUBERNETES / "overlays" / "kserve"
    (inference,) = documents(folder / "inference.yaml")
    _, job = documents(folder / "models.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    claim, _, version = (
        inference["spec"]["predictor"]["model"]["storageUri"].removeprefix("pvc://").partition("/")
    )
    assert version == VERSION
    # A canary is told from the others by its version.
    assert container["command"][container["command"].index("--version") + 1] == VERSION
    store = container["command"][container["command"].index("--store") + 1]
    assert store == f"/srv/models/{version}/model-store"
    volumes = job["spec"]["template"]["spec"]["volumes"]
    assert {"name": "models", "persistentVolumeClaim": {"claimName": claim}} in volumes
    kserve = [settings for _, settings in _torchserves()]
    assert Path("/mnt/models/model-store") in {settings.model_store for settings in kserve}
