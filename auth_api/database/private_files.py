"""Keeps the files of an SQLite database for their owner, whatever the umask is."""

from __future__ import annotations

import logging
import stat
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

_MODE = 0o600
# SQLite gives the last three the mode of the database when it makes them.
_SUFFIXES = ("", "-wal", "-shm", "-journal")


def protect(database: Path) -> None:
    """Makes the file if it is missing, and takes the rights of others from it and those beside it.

    The files are never opened: closing one would drop the locks that SQLite has on it.
    A file that cannot be changed is logged. SQLite reports a file that it cannot use.
    """
    with suppress(OSError):
        database.touch(_MODE, exist_ok=False)
    for path in (database.with_name(f"{database.name}{suffix}") for suffix in _SUFFIXES):
        try:
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) and stat.S_IMODE(mode) & ~_MODE:
                path.chmod(_MODE)
        except FileNotFoundError:
            continue
        except OSError as error:
            reason = {"file": str(path), "reason": error.strerror}
            logger.warning("others may be able to read the database", extra=reason)
