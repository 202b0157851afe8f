"""docker-compose, the images and the monitoring fit each other and the settings.

Nothing is started here. The tests compare the files with schemas, a linter and our own code.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive_scripts.archives.building import ROOT
from auth_api.settings import Settings
from tests.support.deployed import (
    PER_CORE,
    SETTINGS,
    USER,
    documents,
    max_service_megabytes,
    max_stop_seconds,
    megabytes,
    require_command,
    require_released,
    require_settings,
    required,
    variables,
)

COMPOSE = ROOT / "docker-compose.yml"
IMAGES = {
    f"ranjana-{name}": ROOT / "deploy" / "docker" / f"{name}.Dockerfile"
    for name in ("api", "models")
}
BIN = Path(sys.executable).parent
INTERNAL = {"models", "data", "metrics"}

(compose,) = documents(COMPOSE)
services: dict[str, Any] = compose["services"]
ours = {
    name: service for name, service in services.items() if service["image"].startswith("ranjana-")
}


def run(*command: str | Path) -> None:
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout + process.stderr) in {(0, ""), (0, _VALID)}


_VALID = "ok -- validation done\n"


def test_compose_files_follow_the_specification() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    run(BIN / "check-jsonschema", *schema, COMPOSE, ROOT / "deploy" / "docker" / "gpu.yml")


@pytest.mark.parametrize("dockerfile", IMAGES.values(), ids=lambda path: path.stem)
def test_images_pass_the_linter(dockerfile: Path) -> None:
    run(BIN / "hadolint", dockerfile)


def test_all_images_have_a_version() -> None:
    require_released(service["image"] for service in services.values())
    for dockerfile in IMAGES.values():
        require_released(re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", services)
def test_a_container_has_no_unneeded_rights(name: str) -> None:
    service = services[name]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert group
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc"} & service.keys()
    assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
    # With `on-failure` alone, `up --wait` would wait for ever for what fails.
    assert service["restart"] in (
        {"no"} if "profiles" in service else {"unless-stopped", "on-failure:3"}
    )
    assert "/var/run/docker.sock" not in str(service.get("volumes"))


def test_only_needed_ports_are_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "auth_api": ["127.0.0.1:8000:8000"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "alertmanager": ["127.0.0.1:9093:9093"],
        "grafana": ["127.0.0.1:3000:3000"],
        "development": ["127.0.0.1:8001:8000"],
    }
    assert not any(service.get("network_mode") == "host" for service in services.values())
    # Ports can be published only from a network that is not internal.
    published_from = {name for name in compose["networks"] if name not in INTERNAL}
    for name in published:
        assert published_from & set(services[name]["networks"]), name


def test_only_containers_with_published_ports_have_a_connection_to_the_outside() -> None:
    for network in INTERNAL:
        assert compose["networks"][network] == {"internal": True}
    for name, service in services.items():
        alone = service.get("network_mode") == "none"
        assert alone or "ports" in service or set(service["networks"]) <= INTERNAL, name
    # The workers, which read pictures of strangers, and the trainings.
    assert set(services["torchserve"]["networks"]) == {"models", "metrics"}
    assert set(services["trainer"]["networks"]) == {"models", "data", "metrics"}
    assert services["postgres"]["networks"] == services["redis"]["networks"] == ["data"]
    # People who see the dashboards reach neither the service nor the models.
    assert services["grafana"]["networks"] == ["dashboards"]


@pytest.mark.parametrize("name", ours)
def test_a_container_has_valid_settings_commands_and_folders(name: str) -> None:
    service = ours[name]
    settings = require_settings(service.get("environment", {}))
    require_command(service["command"])
    assert service["user"] == f"{USER}:{USER}"
    dockerfile = IMAGES[service["image"].partition(":")[0]].read_text()
    assert f"USER {USER}:{USER}\n" in dockerfile
    # It writes to volumes. Their folders must exist in the image, so that they belong to its user.
    mounts = dict(volume.split(":")[:2][::-1] for volume in service.get("volumes", ()))
    assert {mount for mount in mounts if mount.startswith("/srv/")} <= set(
        re.findall(r"/srv/\w+", dockerfile)
    )
    environment = service.get("environment", {})
    folders = {"DATA_DIR", "MEDIA_DIR", "MODEL_STORE", "TORCHSERVE_HOME"} & environment.keys()
    for folder in (Path(environment[name]) for name in folders):
        assert folder.is_relative_to("/tmp") or any(map(folder.is_relative_to, mounts)), folder
    if settings.torchserve_key_file:
        assert str(settings.torchserve_key_file.parent) in mounts
    for module in re.findall(r"launcher\.answering", str(service.get("healthcheck"))):
        require_command(["python", "-m", module])


def test_each_image_is_built_once() -> None:
    """Docker refuses to export one tag several times at once."""
    (gpu,) = documents(ROOT / "deploy" / "docker" / "gpu.yml")
    for image in {service["image"] for service in ours.values()}:
        builders = [
            name for name, each in ours.items() if each["image"] == image and "build" in each
        ]
        assert len(builders) == 1, image
    assert {name for name, service in gpu["services"].items() if "build" in service} == {"archives"}


@pytest.mark.parametrize("name", ["auth_api", "trainer"])
def test_memory_does_not_grow_with_the_cores_of_the_machine(name: str) -> None:
    environment = services[name]["environment"]
    assert set(PER_CORE) <= environment.keys()
    memory = services[name]["deploy"]["resources"]["limits"]["memory"]
    settings = require_settings(environment)
    assert max_service_megabytes(settings) < megabytes(memory)


def test_postgresql_has_enough_connections_and_processes() -> None:
    processes = sum(
        require_settings(services[name]["environment"]).api_workers
        for name in ("auth_api", "trainer")
    )
    needed = processes * Settings.model_fields["database_connections"].default + 2
    postgres = services["postgres"]
    (allowed,) = re.findall(r"max_connections=(\d+)", " ".join(postgres["command"]))
    assert needed < int(allowed) < postgres["deploy"]["resources"]["limits"]["pids"]


def test_archives_are_built_into_the_image() -> None:
    command = services["archives"]["command"]
    built = command[command.index("--built") + 1]
    dockerfile = IMAGES["ranjana-models"].read_text()
    assert "WORKDIR /opt/ranjana\n" in dockerfile
    assert built == "/opt/ranjana/model_store"
    assert f"RUN {' '.join(command[:4])} --workers" in dockerfile
    (workers,) = re.findall(r"ARG MODEL_WORKERS=(\d+)", dockerfile)
    assert workers == command[-1] == services["archives"]["build"]["args"]["MODEL_WORKERS"]


@pytest.mark.parametrize("dockerfile", IMAGES.values(), ids=lambda path: path.stem)
def test_files_of_a_strict_checkout_can_be_read_in_the_image(dockerfile: Path) -> None:
    last = dockerfile.read_text().partition("\nUSER ")[0].rstrip()
    assert last.endswith("chmod -R a+rX .")


def test_a_container_has_enough_time_to_stop() -> None:
    for name in ("auth_api", "trainer", "development", "torchserve"):
        settings = require_settings(services[name].get("environment", {}))
        needed = max_stop_seconds(settings) if name != "torchserve" else 0
        needed += (
            10 if name in {"torchserve", "development"} else 0
        )  # the launcher's limit for Java
        assert seconds(services[name]["stop_grace_period"]) > needed, name
    assert require_settings(services["auth_api"]["environment"]).drain_seconds > 0


def seconds(text: str) -> int:
    number = re.fullmatch(r"(\d+)s", text)
    assert number
    return int(number[1])


def test_containers_use_the_same_addresses_and_files() -> None:
    torchserve = require_settings(services["torchserve"]["environment"])
    for name in ("auth_api", "trainer"):
        settings = require_settings(services[name]["environment"])
        inference, management = (
            settings.torchserve_inference_url,
            settings.torchserve_management_url,
        )
        assert (inference.host, management.host) == ("torchserve", "torchserve")
        assert inference.port == torchserve.torchserve_inference_port
        assert management.port == torchserve.torchserve_management_port
        assert torchserve.torchserve_home
        assert settings.torchserve_key_file == torchserve.torchserve_home / "key_file.json"
        assert {"models", "data"} <= set(services[name]["networks"])
        postgres = services["postgres"]["environment"]
        account, database = postgres["POSTGRES_USER"], postgres["POSTGRES_DB"]
        assert settings.database_url.endswith(f"://{account}@postgres:5432/{database}")
        assert "rate_limit_storage" in services[name]["secrets"]
    assert "models" in services["torchserve"]["networks"]
    serving = require_settings(services["auth_api"]["environment"])
    assert serving.api_workers > 1
    assert serving.ml_auth_required
    assert serving.training_concurrency == 0
    assert require_settings(services["trainer"]["environment"]).training_concurrency == 1


def test_secrets_are_documented_files_outside_the_repository() -> None:
    for name, secret in compose["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert any(name in service.get("secrets", ()) for service in services.values())
        assert name in (ROOT / "docs" / "deployment.md").read_text()
    for service in ours.values():
        for name in service.get("secrets", ()):
            assert name.upper() in SETTINGS
            assert service["environment"]["SECRETS_DIR"] == "/run/secrets"
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "secrets" not in (ROOT / ".dockerignore").read_text()
    lines = re.findall(r"^\s*\w*(?:PASSWORD|SECRET|TOKEN)\w*:.*", COMPOSE.read_text(), re.MULTILINE)
    assert all("/run/secrets" in line for line in lines), lines


def test_redis_needs_the_password_that_the_service_has() -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    assert 'echo "requirepass $password" > secrets/redis_conf\n' in guide
    assert 'echo "redis://:$password@redis:6379/0" > secrets/rate_limit_storage\n' in guide
    assert services["redis"]["command"][:2] == ["redis-server", "/run/secrets/redis_conf"]
    assert "--protected-mode" not in services["redis"]["command"]


def test_containers_start_after_their_dependencies_are_ready() -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in services[needed]["healthcheck"], needed
            else:
                assert how["condition"] == "service_completed_successfully"
                assert services[needed]["restart"] == "on-failure:3"
        assert "healthcheck" in service, name
    assert services["auth_api"]["depends_on"].keys() == {"torchserve", "postgres", "redis"}
    assert services["torchserve"]["depends_on"].keys() == {"archives"}


def test_volumes_are_declared_and_used() -> None:
    used = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
    }
    assert {name for name in used if not name.startswith(".")} == compose["volumes"].keys()
    assert all((ROOT / name).exists() for name in used if name.startswith("."))


def test_all_variables_are_listed_at_the_top() -> None:
    head = COMPOSE.read_text().partition("\nname:")[0]
    assert variables(COMPOSE) == set(re.findall(r"\b[A-Z]+_[A-Z]+\b", head))


def test_the_names_of_hosts_must_be_given() -> None:
    assert required(COMPOSE) == {"TRUSTED_HOSTS"}
    settings = require_settings(services["auth_api"]["environment"])
    assert settings.trusted_hosts == ("ranjana.example",)
    guide = (ROOT / "docs" / "deployment.md").read_text()
    start = guide.partition("docker compose build")[0]
    assert "TRUSTED_HOSTS=" in start, "the first commands fail without it"


def test_prometheus_scrapes_the_right_addresses() -> None:
    (prometheus,) = documents(ROOT / "deploy" / "prometheus" / "prometheus.yml")
    targets = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus["scrape_configs"]
    }
    api = require_settings(services["auth_api"]["environment"])
    torchserve = require_settings(services["torchserve"]["environment"])
    trainer = require_settings(services["trainer"]["environment"])
    for name, settings in (("auth_api", api), ("trainer", trainer)):
        assert targets[name] == [f"{name}:{settings.metrics_port}"]
        assert settings.metrics_host == "0.0.0.0"
        assert not any(
            str(settings.metrics_port) in each for each in services[name].get("ports", ())
        )
    assert trainer.api_host == "127.0.0.1"
    assert targets["torchserve"] == [f"torchserve:{torchserve.torchserve_metrics_port}"]
    for name in ("auth_api", "trainer", "torchserve", "prometheus"):
        assert "metrics" in services[name]["networks"]
    assert "dashboards" in services["prometheus"]["networks"]
    (sources,) = documents(ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml")
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    (dashboards,) = documents(ROOT / "deploy/grafana/provisioning/dashboards/ranjana.yml")
    folder = dashboards["providers"][0]["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in services["grafana"]["volumes"]


@pytest.mark.parametrize("dockerfile", IMAGES.values(), ids=lambda path: path.stem)
def test_copied_files_exist_and_are_not_ignored(dockerfile: Path) -> None:
    included = re.findall(r"^!([\w./]+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for source in re.findall(r"^COPY (?!--from)(\S+)", dockerfile.read_text(), re.MULTILINE):
        assert (ROOT / source).exists(), source
        assert any(source.startswith(name.rstrip("/")) for name in included), source


def test_the_image_of_the_service_has_all_its_imports() -> None:
    text = (ROOT / "requirements" / "api.txt").read_text()
    installed = {_normal(name) for name in re.findall(r"^[\w.-]+", text, re.MULTILINE)}
    copied = re.findall(r"^COPY (?!--from)(\w+) ", IMAGES["ranjana-api"].read_text(), re.MULTILINE)
    distributions = importlib.metadata.packages_distributions()
    for module in set(_imported(ROOT / "auth_api")) - sys.stdlib_module_names - {*copied}:
        assert installed & {_normal(name) for name in distributions[module]}, module


def test_packages_of_all_images_have_hashes_and_the_same_versions() -> None:
    versions: dict[str, set[str]] = {}
    for dockerfile in IMAGES.values():
        (name,) = re.findall(r"--require-hashes --requirement /(\S+)", dockerfile.read_text())
        for package, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / name).read_text()):
            versions.setdefault(_normal(package), set()).add(version)
    assert len(versions) > 50
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def _imported(package: Path) -> Iterator[str]:
    """The packages that the modules of a package import."""
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
