"""Finds misspelt names among the fields of a request."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from functools import cache

from pydantic import BaseModel, RootModel

_MAX_NAMES, _MAX_LETTERS = 100, 64
# Shorter names have near names that mean something else, such as `mode` and `model`.
_SHORTEST = 6
_LIKENESS = 0.85


def unknown_names(names: Collection[str], model: type[BaseModel]) -> list[str]:
    """Those of `names` that are no fields of `model`."""
    known = _known(model)
    return [] if known is None else [name for name in names if name not in known]


def misspelt(names: Collection[str], model: type[BaseModel]) -> tuple[str, str] | None:
    """The first of `names` that is no field of `model` but is spelt almost like one that is not
    among them, and that field.
    """
    unknown = unknown_names(names, model)[:_MAX_NAMES]
    if not unknown:
        return None
    absent = {_letters(name): name for name in (_known(model) or ()) if name not in names}
    long = [name for name in absent if len(name) >= _SHORTEST]
    for name in unknown:
        letters = _letters(name[:_MAX_LETTERS])
        near = (
            [letters]
            if letters in absent
            else difflib.get_close_matches(
                letters, [each for each in long if not letters.endswith(each)], 1, _LIKENESS
            )
        )  # `app_version` is not a misspelt `version`
        if near:
            return name, absent[near[0]]
    return None


@cache
def _known(model: type[BaseModel]) -> frozenset[str] | None:
    """The names of a model's fields, None if it takes any."""
    if issubclass(model, RootModel):
        return None
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()
