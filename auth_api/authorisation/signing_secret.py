"""The secret that signs tokens, for when the settings have none: a file, created once."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from auth_api.configuration.secret_strength import MIN_BYTES, require_strong


def load_or_create_secret(path: Path) -> str:
    """The secret in `path`; creates the file if it is missing, readable by its owner only.

    Raises `ValueError` for a weak secret.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    if not path.exists():
        # mkstemp creates the file with mode 0600.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(MIN_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            # Fails if another process was faster. Then both use its secret.
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    secret = path.read_text().strip()
    require_strong(secret)
    return secret
