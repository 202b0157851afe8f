"""Cursors: an opaque text that says after which row the next page begins.

Rows are ordered by their ids, newest first, so that rows added in the meantime move nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from auth_api.http.validation import invalid

_LARGEST = 2**53


def cursor_of(number: int) -> str:
    """The cursor of the page after the row `number`."""
    return base64.urlsafe_b64encode(f"before {number}".encode()).decode().rstrip("=")


def row_before(cursor: str | None) -> int | None:
    """What a cursor says, None for the first page. Raises BadRequest."""
    if cursor is None:
        return None
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        word, _, number = content.partition(" ")
        if word == "before" and number.isascii() and number.isdigit() and int(number) <= _LARGEST:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise invalid("cursor", "is not one that we gave")


def page(shown: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """The answer with at most `limit` of entries that one more was asked for of, each of which
    has its row's `id`.
    """
    results = shown[:limit]
    following = cursor_of(results[-1]["id"]) if len(shown) > limit else None
    return {"results": results, "next": following}
