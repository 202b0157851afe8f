"""Pages of rows. A cursor is an opaque text that names the last row of the previous page.

Rows are ordered by id, newest first, so that rows added between two pages do not shift them.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from auth_api.http.validation import invalid

_MAX_ROW = 2**53


def cursor_of(number: int) -> str:
    """The cursor of the page that follows the row `number`."""
    return base64.urlsafe_b64encode(f"before {number}".encode()).decode().rstrip("=")


def row_before(cursor: str | None) -> int | None:
    """The row number in a cursor, None without a cursor. Raises `BadRequest`."""
    if cursor is None:
        return None
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        word, _, number = content.partition(" ")
        if word == "before" and number.isascii() and number.isdigit() and int(number) <= _MAX_ROW:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise invalid("cursor", "is not one from an earlier answer")


def page(entries: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """The answer with at most `limit` entries and the cursor of the next page.

    `entries` holds up to `limit` + 1 of them, so that it shows whether there is a next page. Each
    has the `id` of its row.
    """
    results = entries[:limit]
    following = cursor_of(results[-1]["id"]) if len(entries) > limit else None
    return {"results": results, "next": following}
