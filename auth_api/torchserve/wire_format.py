"""Several images in one request to TorchServe, as `handlers.grouping` takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """What one image is asked."""

    image: bytes
    version: str | None
    options: Mapping[str, str]
    """Request headers for the handler."""
    request_id: str = ""
    """What the request is called in logs."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.image)

    @property
    def kind(self) -> str | None:
        """Those of one version may be asked together."""
        return self.version


def joined(questions: Sequence[Asked]) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of one request."""
    images = [
        {"bytes": question.size, **({"headers": question.options} if question.options else {})}
        for question in questions
    ]
    described = json.dumps(images, separators=(",", ":"))
    return b"".join(question.image for question in questions), {"X-Images": described}


def answers_in(answer: Any, count: int) -> list[tuple[int, dict[str, Any]]] | None:
    """The status and the answer of each of `count` images, None where that is not what came: the
    handler of an older archive knows nothing of groups.
    """
    answers = answer.get("answers") if isinstance(answer, dict) else None
    if not isinstance(answers, list) or len(answers) != count:
        return None
    return [(each["status"], each["answer"]) for each in answers]
