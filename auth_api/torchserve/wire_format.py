"""The format of several images in one request to TorchServe; `handlers.wire_format` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Answer = dict[str, Any]
"""The JSON object that a handler returns for an image."""


class PredictionRequest(NamedTuple):
    """One image for a model, and the options for it."""

    image: bytes
    version: str | None
    """None for the version that TorchServe serves by default."""
    options: Mapping[str, str]
    """Request headers for the handler."""
    request_id: str = ""
    """For logs."""
    background: bool = False
    """Whether nobody waits for the answer, as in a job."""

    @property
    def size(self) -> int:
        """Bytes of the image."""
        return len(self.image)


def comparisons(answer: Answer) -> list[Answer]:
    """The comparisons of an answer: one, one for each judged cell of a worksheet, or none."""
    if "cells" in answer:
        return [cell["comparison"] for cell in answer["cells"] if cell["comparison"]]
    return [answer] if "similarity_score" in answer else []


def pack(requests: Sequence[PredictionRequest]) -> tuple[bytes, dict[str, str]]:
    """Returns the body and the headers of one HTTP request."""
    images = [
        {"bytes": request.size, **({"headers": request.options} if request.options else {})}
        for request in requests
    ]
    described = json.dumps(images, separators=(",", ":"))
    return b"".join(request.image for request in requests), {"X-Images": described}


def unpack(response: Answer, count: int) -> list[tuple[int, Answer]] | None:
    """Returns the HTTP status and the answer of each of `count` images.

    None if `response` has another form, because handlers of older archives do not know batches.
    """
    answers = response.get("answers")
    if not isinstance(answers, list) or len(answers) != count:
        return None
    return [(each["status"], each["answer"]) for each in answers]
