"""What each of the models that recognise tells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auth_api.errors import NotFound
from handlers.characters import CHARACTERS, DIGITS, Character

ALPHABETS: Mapping[str, Sequence[Character]] = {"ranjana": CHARACTERS, "digits": DIGITS}
"""By the names of the models; `ALPHABETS[model][n]` is class n."""


def require_recogniser(model: str, served: Sequence[str]) -> None:
    """Raises NotFound unless `model` is one of those `served` and recognises."""
    recognisers = [name for name in served if name in ALPHABETS]
    if model not in recognisers:
        raise NotFound(
            f"There is no model {model}: choose {' or '.join(recognisers)}.", "model_not_found"
        )
