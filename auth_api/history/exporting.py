"""Streams the whole history of a user as JSON or CSV, a few hundred rows in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from auth_api.database.tables.history import Comparison, Prediction
from auth_api.history.presenting import entry, whole_entry
from auth_api.history.queries import EntryTable, History
from auth_api.http.csv_text import csv_head, csv_line
from auth_api.http.json_response import json_array

_COLUMNS = (
    "kind",
    "id",
    "created_at",
    "model",
    "version",
    "class",
    "character",
    "name",
    "confidence",
    "similarity_score",
    "distance",
    "is_same_character",
    "strictness",
    "feedback",
    "actual_class",
    "rating",
    "comments",
    "score",
    "help",
    "written_at",
)


async def as_json(history: History, user_id: int) -> AsyncIterator[str]:
    """Yields one object with `predictions` and `similarities`, whole entries."""
    for table, head in ((Prediction, '{"predictions": '), (Comparison, ',\n"similarities": ')):
        yield head
        async for piece in json_array(_entries(history, table, user_id)):
            yield piece
    yield "}\n"


async def _entries(
    history: History, table: EntryTable, user_id: int
) -> AsyncIterator[dict[str, Any]]:
    async for row, feedback in history.all_of(table, user_id):
        yield whole_entry(row, feedback, await history.strokes(row))


async def as_csv(history: History, user_id: int) -> AsyncIterator[str]:
    """Yields a head line and a line an entry."""
    yield csv_head(_COLUMNS)
    for table, kind in ((Prediction, "prediction"), (Comparison, "similarity")):
        async for row, feedback in history.all_of(table, user_id):
            cells = _flattened(entry(row, feedback))
            yield csv_line([{**cells, "kind": kind}.get(name) for name in _COLUMNS])


def _flattened(shown: dict[str, Any]) -> dict[str, Any]:
    flat = {**shown, "model": shown["model"]["name"], "version": shown["model"]["version"]}
    if "predicted_class" in shown:
        feedback = shown["feedback"] or {}
        flat |= {name: feedback.get(name) for name in ("actual_class", "rating", "comments")}
        return {**flat, "class": shown["predicted_class"], "feedback": None}
    advice = " ".join(shown["feedback"])
    return {**flat, "class": shown["compared_with_class"], "feedback": advice}
