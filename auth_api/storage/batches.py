"""Names in batches, read by a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice

_BATCH_SIZE = 500


async def in_batches(names: Iterator[str]) -> AsyncIterator[list[str]]:
    """The names in batches. A thread reads them, because they come from the file system."""
    while batch := await asyncio.to_thread(lambda: list(islice(names, _BATCH_SIZE))):
        yield batch
