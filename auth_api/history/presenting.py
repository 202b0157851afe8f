"""Entries of the history as the API shows them to their owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from auth_api.database.tables.history import Comparison, Feedback, Prediction
from auth_api.history.queries import Entry
from auth_api.history.recorder import COMPARISON_FIELDS
from auth_api.http.json_response import iso
from auth_api.schemas.history import GivenFeedback
from handlers.characters import CHARACTERS


def entry(row: Entry, feedback: Feedback | None) -> dict[str, Any]:
    """An entry in the form of `PredictionEntry` or `ComparisonEntry`, for orjson."""
    shown: dict[str, Any] = {
        "id": row.id,
        "created_at": iso(row.created_at),
        "model": {"name": row.model, "version": row.version},
        "pen": row.pen,
    }
    if isinstance(row, Prediction):
        return shown | _prediction(row, feedback)
    return shown | _comparison(row)


def best(class_: int, row_id: int, score: int, at: datetime) -> dict[str, Any]:
    """The best comparison of a class in the form of `BestComparison`, for orjson."""
    return {
        "class": class_,
        "id": row_id,
        "score": score,
        "created_at": iso(at),
        "images": _pictures(row_id),
    }


def whole_entry(row: Entry, feedback: Feedback | None, strokes: str | None) -> dict[str, Any]:
    """An entry with its strokes, which are compact JSON, for orjson."""
    return entry(row, feedback) | {"strokes": orjson.Fragment(strokes) if strokes else None}


def given(feedback: Feedback) -> dict[str, Any]:
    """Feedback in the form of `GivenFeedback`."""
    return GivenFeedback.model_validate(feedback, from_attributes=True).model_dump(mode="json")


def _prediction(row: Prediction, feedback: Feedback | None) -> dict[str, Any]:
    best = row.top[0]
    digit = {"digit": row.predicted_class} if row.model == "digits" else {}
    return {
        "predicted_class": row.predicted_class,
        **digit,
        "character": best["character"],
        "name": best["name"],
        "confidence": row.confidence,
        "top": row.top,
        "preprocessed": row.preprocessed,
        "image": f"/api/history/predictions/{row.id}/image/",
        "feedback": given(feedback) if feedback else None,
    }


def _comparison(row: Comparison) -> dict[str, Any]:
    character = CHARACTERS[row.target_class]
    return {
        "compared_with_class": row.target_class,
        "character": character.text,
        "name": character.name,
        **{name: getattr(row, name) for name in (*COMPARISON_FIELDS, "strictness", "help")},
        "written_at": iso(row.written_at or row.created_at),
        "images": _pictures(row.id),
    }


def _pictures(comparison: int | None) -> dict[str, str]:
    path = f"/api/history/similarities/{comparison}"
    return {kind: f"{path}/{kind}/" for kind in ("user", "reference", "overlay")}
