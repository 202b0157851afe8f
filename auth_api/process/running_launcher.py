"""Where the TorchServe of a running launcher is, for commands of the same machine and user.

The launcher says so in a file of the data folder, which is its owner's alone, and which goes with
it. The service itself is told by its environment and does not look here.
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

_NAME = "running.json"


class _Running(BaseModel):
    """What the launcher says, by the names of the settings."""

    pid: int
    """Of the launcher."""
    torchserve_inference_url: HttpUrl
    torchserve_management_url: HttpUrl
    torchserve_key_file: Path | None = None


@contextmanager
def noted(data_dir: Path, torchserve: Mapping[str, object]) -> Iterator[None]:
    """Says where TorchServe is, by the names of the settings, until the end of the `with`."""
    said = _Running.model_validate({**torchserve, "pid": os.getpid()})
    file = data_dir / _NAME
    try:
        _write(file, said)
    except OSError as error:  # the service can do without
        reason = {"reason": error.strerror}
        logger.warning("commands cannot be told where TorchServe is", extra=reason)
    try:
        yield
    finally:
        found = _read(file)
        if found is not None and found.pid == said.pid:  # not another launcher's, started since
            file.unlink(missing_ok=True)


def connected(settings: Settings) -> Settings:
    """The settings with the TorchServe of a running launcher, unless they name one."""
    found = _read(settings.data_dir / _NAME)
    named = _Running.model_fields.keys() & settings.model_fields_set
    if found is None or named or not _lives(found.pid):
        return settings
    return settings.model_copy(update=found.model_dump(exclude={"pid"}))


def _write(file: Path, said: _Running) -> None:
    file.parent.mkdir(0o700, parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{said.pid}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as target:
        target.write(said.model_dump_json())
    partial.replace(file)


def _read(file: Path) -> _Running | None:
    with suppress(OSError, ValidationError):
        return _Running.model_validate_json(file.read_bytes())
    return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's
    return True
