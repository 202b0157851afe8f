"""The secret that tokens are signed with: strong, or the service does not start."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

_SHORTEST = 32
_FEWEST_DIFFERENT = 10
# What tutorials, templates and jwt.io sign with.
_WELL_KNOWN = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "a-string-secret-at-least-256-bits-long",
    "0123456789abcdef",
    "abcdefghijklmnop",
)
_PLACEHOLDERS = (
    "change",
    "default",
    "example",
    "insecure",
    "password",
    "replace",
    "secret",
    "your",
)


def require_strong(secret: str) -> None:
    """Raises ValueError for a secret that can be guessed.

    HS256 wants a key of at least 256 bits (RFC 7518, section 3.2).
    """
    plain = secret.lower()
    if len(secret.encode()) < _SHORTEST:
        raise ValueError(f"must have at least {_SHORTEST} characters")
    if len(set(secret)) < _FEWEST_DIFFERENT:
        raise ValueError("repeats itself too much to be a secret")
    if any(known in plain for known in (*_WELL_KNOWN, *_PLACEHOLDERS)):
        raise ValueError("is a placeholder that others know; try `openssl rand -hex 32`")


def kept_secret(path: Path) -> str:
    """The secret in `path`, made there, readable by its owner alone, if there is none.

    Raises ValueError when what is there is weak.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    if not path.exists():
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # is 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_SHORTEST))
            file.flush()
            os.fsync(file.fileno())
        try:
            # Fails where another process was faster, whose secret then holds for both.
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(made)
    secret = path.read_text().strip()
    require_strong(secret)
    return secret
