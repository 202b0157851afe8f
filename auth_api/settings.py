"""Everything that can be set, each by an environment variable of the same name in capitals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, HttpUrl
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SIMILARITY = "similarity"
"""Name of the model that compares; all others recognise."""

Port = Annotated[int, Field(ge=1, le=65535)]


def _split(value: object) -> object:
    """`a, b` from an environment variable to `("a", "b")`."""
    if isinstance(value, str):
        return tuple(part for part in map(str.strip, value.split(",")) if part)
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Settings of the service; a `.env` file in the working directory is read too."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    api_host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    api_port: Port = 8000
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`info` has one line a request."""
    shutdown_seconds: float = Field(default=10, gt=0)
    """How long requests that are under way may take to finish when the service stops."""

    torchserve_inference_url: HttpUrl = HttpUrl("http://127.0.0.1:8080")
    torchserve_management_url: HttpUrl = HttpUrl("http://127.0.0.1:8081")
    torchserve_key_file: Path | None = None
    """TorchServe's `key_file.json`; none where its token authorisation is off."""
    torchserve_timeout: float = Field(default=15, gt=0)
    """Seconds to wait for a prediction; less than `responseTimeout` of the archives."""
    torchserve_connections: int = Field(default=64, ge=1)
    """Requests at TorchServe at the same time; more wait here."""
    models: Names = ("ranjana", "similarity")
    """Names of the models that are served, comma-separated."""

    max_body_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)
    """Largest request body, the multipart or base64 wrapping included."""
    cors_origins: Names = ()
    """Origins of web pages that may call the service, comma-separated; `*` for any."""
