"""Answers in JSON."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import orjson
from starlette import responses


class JSONResponse(responses.JSONResponse):
    """As Starlette's, written by orjson, which takes a tenth of the time."""

    def render(self, content: Any) -> bytes:
        """Raises TypeError for what JSON has no word for; NaN and infinity become null."""
        return orjson.dumps(content)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, as pydantic writes it too."""
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
