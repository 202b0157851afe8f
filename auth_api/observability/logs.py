"""Logs to standard error, one JSON object a line, with the ids of the request it belongs to."""

from __future__ import annotations

import logging
import logging.config
import secrets
from contextvars import ContextVar

import orjson

from handlers.logs import entry_of

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Our id of the current request, empty outside of one. No caller can choose it."""

client_request_id: ContextVar[str] = ContextVar("client_request_id", default="")
"""The id that the caller gave the current request, empty if none."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message, ids of the request, values of `extra`, and exception."""

    def format(self, record: logging.LogRecord) -> str:
        entry = entry_of(record)
        if identifier := request_id.get():
            entry["request_id"] = identifier
        if chosen := client_request_id.get():
            entry["client_request_id"] = chosen
        entry |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str).decode()


def new_request_id() -> str:
    """A random id."""
    return secrets.token_hex(16)


def logging_config(level: str) -> dict[str, object]:
    """The configuration for `logging.config.dictConfig` and for uvicorn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": level.upper(), "handlers": ["console"]},
        "loggers": {
            "alembic": {"level": "WARNING"},
            "coredis": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "python_multipart": {"level": "WARNING"},
            "uvicorn": {"level": "WARNING"},
        },
    }
