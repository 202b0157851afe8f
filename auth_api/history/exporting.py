"""All of one's history as a stream of JSON or CSV, a few hundred rows in memory at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from auth_api.database.tables.history import Comparison, Prediction
from auth_api.history.presenting import entry
from auth_api.history.queries import History
from auth_api.http.csv_text import csv_head, csv_line

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
)


async def as_json(history: History, user_id: int) -> AsyncIterator[str]:
    """One object: `predictions` and `similarities`, each as in the pages of the history."""
    yield '{"predictions": ['
    separator = ""
    async for row, feedback in history.all_of(Prediction, user_id):
        yield separator + json.dumps(entry(row, feedback), ensure_ascii=False)
        separator = ",\n"
    yield '],\n"similarities": ['
    separator = ""
    async for row, feedback in history.all_of(Comparison, user_id):
        yield separator + json.dumps(entry(row, feedback), ensure_ascii=False)
        separator = ",\n"
    yield "]}\n"


async def as_csv(history: History, user_id: int) -> AsyncIterator[str]:
    """A line an entry."""
    yield csv_head(_COLUMNS)
    for table, kind in ((Prediction, "prediction"), (Comparison, "similarity")):
        async for row, feedback in history.all_of(table, user_id):
            cells = _flat(entry(row, feedback))
            yield csv_line([{**cells, "kind": kind}.get(name) for name in _COLUMNS])


def _flat(shown: dict[str, Any]) -> dict[str, Any]:
    flat = {**shown, "model": shown["model"]["name"], "version": shown["model"]["version"]}
    if "predicted_class" in shown:
        said = shown["feedback"] or {}
        flat |= {name: said.get(name) for name in ("actual_class", "rating", "comments")}
        return {**flat, "class": shown["predicted_class"], "feedback": None}
    feedback = " ".join(shown["feedback"])
    return {**flat, "class": shown["compared_with_class"], "feedback": feedback}
