"""Gives the memory of large bodies back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# `man 3 mallopt`
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

# The system takes a microsecond for each new 4 kB, so memory of a usual body is kept.
_LARGE_BYTES = 1024 * 1024
_KEPT_BYTES = 8 * 1024 * 1024


def map_large_memory() -> None:
    """Lets glibc give large pieces of memory back as soon as they are freed. Other C libraries do
    so anyway.

    glibc would raise its own limit to 32 MB with the first large body, and from then on keep what
    lies between smaller pieces: eight bodies of 14 MB after each other left 200 MB.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
