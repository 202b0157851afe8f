"""Corrections as those see them who make data of them."""

from __future__ import annotations

from typing import Any

from auth_api.corrections.review import Correction
from auth_api.http.json_response import iso
from auth_api.practice.alphabets import ALPHABETS


def entry(model: str, correction: Correction) -> dict[str, Any]:
    """As `CorrectionEntry`."""
    said = correction.said
    actual = ALPHABETS[model][said.actual]
    path = f"/api/models/{model}/corrections/{said.id}/image/"
    return {
        "id": said.id,
        "created_at": iso(said.created_at),
        "updated_at": iso(said.updated_at),
        "predicted_class": said.predicted,
        "actual_class": said.actual,
        "character": actual.text,
        "name": actual.name,
        "agreeing": correction.outcome.votes[said.actual],
        "state": correction.state,
        "judged_at": said.judged_at and iso(said.judged_at),
        "consent": said.consent,
        "image": path if said.consent else None,
    }
