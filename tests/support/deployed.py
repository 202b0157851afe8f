"""Checks of deployment files, shared by the tests of compose and of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from archive_scripts.archives.building import ROOT
from launcher.settings import LauncherSettings

USER = 10001
"""User id of the service and of TorchServe, whose keys only its own user can read."""

(VERSION,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

SETTINGS = {name.upper() for name in LauncherSettings.model_fields}

# Environment variables that are no settings.
_OTHERS = {"SECRETS_DIR", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "HOME", "PATH"}

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
_REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file, with the defaults of variables, and `ranjana.example` for
    those that must be set.
    """
    text = _REQUIRED.sub("ranjana.example", _VARIABLE.sub(r"\2", path.read_text()))
    return [document for document in yaml.safe_load_all(text) if document]


def variables(path: Path) -> set[str]:
    """The variables of a file; each must have a default, or a sentence for who does not set it."""
    text = path.read_text()
    optional = {name for name, _ in _VARIABLE.findall(text)}
    assert text.count("${") == len(_VARIABLE.findall(text)) + len(required(path))
    return optional | required(path)


def required(path: Path) -> set[str]:
    """The variables of a file that must be set."""
    return set(_REQUIRED.findall(path.read_text()))


def require_settings(environment: Mapping[str, str]) -> LauncherSettings:
    """Asserts that the settings exist and accept these values; returns them."""
    assert environment.keys() - SETTINGS - _OTHERS == set()
    assert all(isinstance(value, str) for value in environment.values()), environment
    named = {name.lower(): value for name, value in environment.items() if name in SETTINGS}
    return LauncherSettings.model_validate(named)


def require_released(images: Iterable[str]) -> None:
    """Asserts that every image has a version: ours that of this source tree, others a digest too,
    because a tag can be moved to another image.
    """
    for image in images:
        name, _, tag = _DIGEST.sub("", image).rpartition(":")
        assert name, image
        assert tag not in {"", "latest"}, image
        if name.startswith("ranjana-"):
            assert tag == VERSION
        else:
            assert _DIGEST.search(image), f"{image} has no digest"


def require_command(command: list[str]) -> None:
    """Asserts that the module of a command exists."""
    assert command[:2] == ["python", "-m"], command
    path = ROOT / command[2].replace(".", "/")
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), command


PER_CORE = ("HASHING_THREADS", "TORCHSERVE_MAX_CONCURRENCY", "BODY_MEMORY_MB")
"""Settings whose defaults grow with the cores of a machine."""

# A process of the service after an hour of load, rounded up: docs/reliability.md.
_PROCESS_MEGABYTES = 160


def max_service_megabytes(settings: LauncherSettings) -> float:
    """Memory of a service: its processes, with all bodies and all passwords that they may hold."""
    hashing = settings.hashing_threads * settings.argon2_memory_kib / 1024
    return settings.api_workers * (_PROCESS_MEGABYTES + settings.body_memory_mb + hashing)


def megabytes(limit: str) -> float:
    """A limit of compose (`2g`) or Kubernetes (`1Gi`, `512Mi`)."""
    number, unit = re.fullmatch(r"(\d+)([gm])i?", limit.lower()).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "g" else 1)


def max_stop_seconds(settings: LauncherSettings) -> float:
    """Maximum time from SIGTERM to the end of a service: drain, open requests, last work."""
    return settings.drain_seconds + settings.shutdown_seconds + 5
