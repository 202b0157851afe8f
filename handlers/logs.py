"""What workers say: one JSON object a line on standard error, in the shape of the service's own.

Each has the id of the request that it is about, so that a search for one finds what both sides
say of it. TorchServe passes on what comes by standard error and drops the rest
(`deploy/torchserve/log4j2.xml`). `LOG_LEVEL` says from which level on: `info` has a line for each
refusal, `debug` one for each answer.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timezone

logger = logging.getLogger("ranjana.worker")

_HEADER = "x-request-id"
_LONGEST = 128
_EXTRA = ("request_id", "status", "code")


def set_up(model: str, version: object) -> None:
    """Has what this worker says written; called once in its life."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(model, version))
    logger.handlers = [handler]
    logger.setLevel(os.environ.get("LOG_LEVEL", "info").upper())
    log_lightly()  # TorchServe's metrics are lines of a log too
    logger.propagate = False  # TorchServe has a handler of its own, for standard output


def request_ids(headers: Mapping[str, str], images: int) -> list[str]:
    """The id that each of the images of a request came with, empty where there is none.

    `headers` are by their names in lower case. Several ids are separated by commas, in the order
    of the images.
    """
    found = [each.strip()[:_LONGEST] for each in headers.get(_HEADER, "").split(",")]
    return (found + [""] * images)[:images]


def log_lightly() -> None:
    """Looks up nothing that is in no line: where in the source it was said, by which thread and
    process. See "Optimization" in Python's logging HOWTO.
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def entry_of(record: logging.LogRecord) -> dict[str, object]:
    """What every line of either side begins with."""
    return {
        "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }


class _JsonFormatter(logging.Formatter):
    def __init__(self, model: str, version: object) -> None:
        super().__init__()
        self._worker = {"model": model, "version": version, "process": os.getpid()}

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            **entry_of(record),
            **{name: value for name in _EXTRA if (value := getattr(record, name, ""))},
            **self._worker,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)
