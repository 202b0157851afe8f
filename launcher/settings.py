"""The launcher's settings, from environment variables with the same names in capitals.

The API reads its own settings (`auth_api.settings`) from the same environment.
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
"""Only this machine, or every network. The launcher itself always uses 127.0.0.1."""


class LauncherSettings(Settings):
    """The API's settings and those of its TorchServe."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    torchserve_host: Host = "127.0.0.1"
    """Address of inference and metrics; 0.0.0.0 if the API is on another machine."""
    torchserve_management_host: Host = "127.0.0.1"
    """Address of management. Its key gives full control: 0.0.0.0 only in a private network."""
    torchserve_inference_port: Port = 8080
    torchserve_management_port: Port = 8081
    torchserve_metrics_port: Port = 8082
    torchserve_tokens: bool = True
    """Whether TorchServe asks for keys. Without keys only the network protects it."""
    torchserve_home: OptionalPath = None
    """TorchServe's working folder, which gets its keys. Only TorchServe and the API, which run as
    the same user, may read it. None for a temporary folder."""
    start_seconds: float = Field(default=180, gt=0)
    """Maximum time until TorchServe's models are ready or a lost worker is back. Then TorchServe is
    restarted."""
    heal_seconds: float = Field(default=15, gt=0)
    """TorchServe is restarted if it does not answer for this time."""

    train_missing_epochs: int = Field(default=50, ge=1, le=1000)
    """Epochs of the training of a missing model, see `TRAIN_MISSING`."""
    train_missing_images: int = Field(default=20_000, ge=128)
    """Images per epoch. The models in the repository saw a million images in all."""
    train_missing_network: Literal["efficientnet_b0", "small"] = "efficientnet_b0"
    """`small` trains in minutes and recognises worse."""

    def connected(self) -> Settings:
        """The API's settings, with TorchServe's addresses from the ports."""
        return Settings.model_validate(
            {**self.model_dump(include=set(Settings.model_fields)), **self._addresses()}
        )

    def api_environment(self, key_file: Path | None) -> dict[str, str]:
        """The environment of this process, plus the settings of `torchserve`."""
        settings = self.torchserve(key_file)
        return {**os.environ, **{name.upper(): value for name, value in settings.items()}}

    def torchserve(self, key_file: Path | None) -> dict[str, str]:
        """The API's settings, by name, for the TorchServe's addresses and key file."""
        keys = {"torchserve_key_file": str(key_file)} if key_file else {}
        return {**self._addresses(), **keys}

    def _addresses(self) -> dict[str, str]:
        return {
            "torchserve_inference_url": f"http://127.0.0.1:{self.torchserve_inference_port}",
            "torchserve_management_url": f"http://127.0.0.1:{self.torchserve_management_port}",
        }
