"""What TorchServe is told: as little as possible of it can be reached."""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from launcher import configuration
from launcher.settings import LauncherSettings


def properties(folder: Path) -> dict[str, str]:
    """TorchServe's properties if it answers another machine."""
    config = folder / "config.properties"
    settings = LauncherSettings(torchserve_host="0.0.0.0", torchserve_management_host="0.0.0.0")
    configuration.write_config(config, settings, ["ranjana"])
    lines = (line for line in config.read_text().splitlines() if line and line[0] != "#")
    return dict(line.split("=", 1) for line in lines)


def test_only_this_machine_reaches_grpc(tmp_path: Path) -> None:
    found = properties(tmp_path)
    assert found["inference_address"].startswith("http://0.0.0.0:")
    for name in ("grpc_inference_address", "grpc_management_address"):
        assert found[name] == "127.0.0.1"
        # TorchServe ignores names that it does not know.
        assert name.encode() in class_of_the_jar("org/pytorch/serve/util/ConfigManager")


def test_the_temporary_directory_of_java_is_private(tmp_path: Path) -> None:
    command = configuration.command(tmp_path / "config", LauncherSettings(), tmp_path / "tmp")
    assert f"-Djava.io.tmpdir={tmp_path / 'tmp'}" in command
    assert "-XX:-UsePerfData" in command


def test_the_guide_names_the_netty_of_the_jar() -> None:
    with zipfile.ZipFile(jar()) as archive:
        versions = archive.read("META-INF/io.netty.versions.properties").decode()
    guide = (ROOT / "docs" / "security.md").read_text()
    assert "netty-codec-http.version=4.1.53.Final" in versions
    assert "Netty 4.1.53 (October 2020)" in guide
    # The handlers that would make decompression reachable, and forms without a key.
    assert b"HttpContentDecompressor" not in class_of_the_jar("org/pytorch/serve/ServerInitializer")


def jar() -> Path:
    spec = find_spec("ts")
    if spec is None or spec.origin is None:
        pytest.fail("TorchServe is not installed")
    return Path(spec.origin).parent / "frontend" / "model-server.jar"


def class_of_the_jar(name: str) -> bytes:
    with zipfile.ZipFile(jar()) as archive:
        return archive.read(f"{name}.class")
