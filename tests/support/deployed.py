"""What the tests of compose and Kubernetes share: what files say, and what the settings take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from archive_scripts.archives.building import ROOT
from launcher.settings import LauncherSettings

USER = 10001
"""Of the service and of TorchServe, whose keys are for its own user alone."""

(VERSION,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

SETTINGS = {name.upper() for name in LauncherSettings.model_fields}

# What is read by something else than the settings.
_OTHERS = {"SECRETS_DIR", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "HOME", "PATH"}

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file, their variables as if nobody had set any."""
    text = _VARIABLE.sub(r"\2", path.read_text())
    return [document for document in yaml.safe_load_all(text) if document]


def variables(path: Path) -> set[str]:
    """The variables that a file may be told, each with a default."""
    text = path.read_text()
    assert text.count("${") == len(_VARIABLE.findall(text))
    return {name for name, _ in _VARIABLE.findall(text)}


def require_settings(environment: Mapping[str, str]) -> LauncherSettings:
    """That there are such settings, and that they take such values; answers them."""
    assert environment.keys() - SETTINGS - _OTHERS == set()
    assert all(isinstance(value, str) for value in environment.values()), environment
    named = {name.lower(): value for name, value in environment.items() if name in SETTINGS}
    return LauncherSettings.model_validate(named)


def require_released(images: Iterable[str]) -> None:
    """That every image has a version, and ours the one of this tree."""
    for image in images:
        name, _, tag = image.rpartition(":")
        assert name, image
        assert tag not in {"", "latest"}, image
        if name.startswith("ranjana-"):
            assert tag == VERSION


def require_command(command: list[str]) -> None:
    """That the module which is run is there."""
    assert command[:2] == ["python", "-m"], command
    place = ROOT / command[2].replace(".", "/")
    assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), command


def stopping(settings: LauncherSettings) -> float:
    """Seconds that a service takes at most from SIGTERM to its end: its drain, the requests that
    are under way, and what it does last.
    """
    return settings.drain_seconds + settings.shutdown_seconds + 5
