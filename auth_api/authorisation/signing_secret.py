"""The secret that signs tokens, where the settings have none: made once and kept in a file."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from auth_api.configuration.secret_strength import SHORTEST, require_strong


def kept_secret(path: Path) -> str:
    """The secret in `path`, made there, readable by its owner alone, if there is none.

    Raises ValueError when what is there is weak.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    if not path.exists():
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # is 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SHORTEST))
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
