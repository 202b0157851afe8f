"""Corrections as JSON, for reviewers."""

from __future__ import annotations

from typing import Any

from auth_api.corrections.review import Correction
from auth_api.http.json_response import iso
from auth_api.practice.alphabets import ALPHABETS


def entry(model: str, correction: Correction) -> dict[str, Any]:
    """A correction in the form of `CorrectionEntry`."""
    vote = correction.vote
    actual = ALPHABETS[model][vote.actual]
    path = f"/api/models/{model}/corrections/{vote.id}/image/"
    return {
        "id": vote.id,
        "created_at": iso(vote.created_at),
        "updated_at": iso(vote.updated_at),
        "predicted_class": vote.predicted,
        "actual_class": vote.actual,
        "character": actual.text,
        "name": actual.name,
        "agreeing": correction.outcome.votes[vote.actual],
        "state": correction.state,
        "judged_at": vote.judged_at and iso(vote.judged_at),
        "consent": vote.consent,
        "image": path if vote.consent else None,
    }
