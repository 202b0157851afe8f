"""Tells commands of the same machine and user where the TorchServe of a running launcher is.

The launcher writes a file into the data folder that only its owner can read, and removes it at its
end. The service does not read the file, because its environment has these settings.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, HttpUrl, ValidationError

from auth_api.settings import Settings

logger = logging.getLogger(__name__)

_FILE_NAME = "running.json"


class _Running(BaseModel):
    """The content of the file. Fields are named as the settings."""

    pid: int
    """Process id of the launcher."""
    torchserve_inference_url: HttpUrl
    torchserve_management_url: HttpUrl
    torchserve_key_file: Path | None = None


@contextmanager
def announce(data_dir: Path, torchserve: Mapping[str, object]) -> Iterator[None]:
    """Keeps the file until the end of the `with`. `torchserve` has settings by name."""
    running = _Running.model_validate({**torchserve, "pid": os.getpid()})
    file = data_dir / _FILE_NAME
    try:
        _write(file, running)
    except OSError as error:  # only commands need the file
        reason = {"reason": error.strerror}
        logger.warning("cannot tell commands where TorchServe is", extra=reason)
    try:
        yield
    finally:
        found = _read(file)
        if found is not None and found.pid == running.pid:  # else a later launcher has replaced it
            file.unlink(missing_ok=True)


def with_running_torchserve(settings: Settings) -> Settings:
    """The settings with the TorchServe of a running launcher, unless they name one themselves."""
    found = _read(settings.data_dir / _FILE_NAME)
    explicit = _Running.model_fields.keys() & settings.model_fields_set
    if found is None or explicit or not _is_alive(found.pid):
        return settings
    return settings.model_copy(update=found.model_dump(exclude={"pid"}))


def _write(file: Path, running: _Running) -> None:
    file.parent.mkdir(0o700, parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{running.pid}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as target:
        target.write(running.model_dump_json())
    partial.replace(file)


def _read(file: Path) -> _Running | None:
    with suppress(OSError, ValidationError):
        return _Running.model_validate_json(file.read_bytes())
    return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is alive, but belongs to another user
    return True
