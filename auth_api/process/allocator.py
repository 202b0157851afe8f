"""Gives the memory of large bodies back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# `man 3 mallopt`
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def map_large_memory(size: int) -> None:
    """Lets glibc give memory of `size` bytes or more back as soon as it is freed. Other C libraries
    do so anyway.

    glibc would raise its own limit to 32 MB with the first large body, and from then on keep what
    lies between smaller pieces: eight bodies of 14 MB after each other left 200 MB.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, size)
        library.mallopt(_M_TRIM_THRESHOLD, 8 * size)
