"""The logs of workers: one JSON object per line on standard error, as in the service's logs.

Each line has the id of its request, so that one search finds the lines of both sides. TorchServe
passes standard error on and drops the rest (`deploy/torchserve/log4j2.xml`). `LOG_LEVEL` sets the
level: `info` has a line for each refusal, `debug` one for each answer.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

logger = logging.getLogger("ranjana.worker")

_HEADER = "x-request-id"
_MAX_ID_LENGTH = 128
_EXTRA = ("request_id", "status", "code")


def set_up(model: str, version: object) -> None:
    """Sends this worker's log lines to standard error. Called once per worker."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(model, version))
    logger.handlers = [handler]
    logger.setLevel(os.environ.get("LOG_LEVEL", "info").upper())
    log_lightly()  # TorchServe's metrics are log lines too
    logger.propagate = False  # TorchServe has its own handler, for standard output


def request_ids(headers: Mapping[str, str], images: int) -> list[str]:
    """The id of each image of a request, empty where the caller sent none.

    `headers` are by their names in lower case. Commas separate the ids, which are in the order of
    the images.
    """
    ids = [each.strip()[:_MAX_ID_LENGTH] for each in headers.get(_HEADER, "").split(",")]
    return (ids + [""] * images)[:images]


def log_lightly() -> None:
    """Stops `logging` from looking up what no line shows: source line, thread and process.

    See "Optimization" in Python's logging HOWTO.
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def entry_of(record: logging.LogRecord) -> dict[str, object]:
    """The fields that begin every line, of workers and of the service."""
    return {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
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
