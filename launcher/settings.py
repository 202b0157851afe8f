"""What can be set of the launcher, each by an environment variable in capitals.

The API's own settings (`auth_api.settings`) are read by the API from the same environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from auth_api.configuration.values import OptionalPath, Port
from auth_api.settings import Settings

ROOT = Path(__file__).resolve().parents[1]

Host = Literal["127.0.0.1", "0.0.0.0"]  # noqa: S104
"""Only this machine, or all that reach it; the launcher itself asks on the first."""


class LauncherSettings(Settings):
    """The API's settings and those of the TorchServe that is started for it."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    torchserve_host: Host = "127.0.0.1"
    """Address of inference and metrics; 0.0.0.0 where the API is on another machine."""
    torchserve_management_host: Host = "127.0.0.1"
    """Address of management, whose key is as good as a login: only for a private network."""
    torchserve_inference_port: Port = 8080
    torchserve_management_port: Port = 8081
    torchserve_metrics_port: Port = 8082
    torchserve_tokens: bool = True
    """Whether TorchServe asks for keys; without them only the network keeps others out."""
    torchserve_home: OptionalPath = None
    """Where TorchServe works and leaves its keys: a folder that nobody but it and the API may read,
    which share a user. None for one that goes away with it."""
    start_seconds: float = Field(default=180, gt=0)
    """How long TorchServe may take until its models are ready, and a lost worker until it is
    back; after that it is started anew."""
    heal_seconds: float = Field(default=15, gt=0)
    """How long TorchServe may answer nothing before it is started anew."""

    train_missing_epochs: int = Field(default=50, ge=1, le=1000)
    """Of the training of a model that is missing, see `TRAIN_MISSING`."""
    train_missing_images: int = Field(default=20_000, ge=64)
    """Images that each of those epochs draws; the models that come with the source saw a
    million."""
    train_missing_network: Literal["efficientnet_b0", "small"] = "efficientnet_b0"
    """The small one learns in minutes and reads worse."""

    def connected(self) -> Settings:
        """The API's settings with the addresses that follow from the ports."""
        return Settings.model_validate(
            {**self.model_dump(include=set(Settings.model_fields)), **self._addresses()}
        )

    def api_environment(self, key_file: Path | None) -> dict[str, str]:
        """The environment of this process, and what the API must know about the TorchServe."""
        told = self.torchserve(key_file)
        return {**os.environ, **{name.upper(): value for name, value in told.items()}}

    def torchserve(self, key_file: Path | None) -> dict[str, str]:
        """Where the TorchServe is, and its keys if it has any: settings of the API, by their
        names.
        """
        keys = {"torchserve_key_file": str(key_file)} if key_file else {}
        return {**self._addresses(), **keys}

    def _addresses(self) -> dict[str, str]:
        return {
            "torchserve_inference_url": f"http://127.0.0.1:{self.torchserve_inference_port}",
            "torchserve_management_url": f"http://127.0.0.1:{self.torchserve_management_port}",
        }
