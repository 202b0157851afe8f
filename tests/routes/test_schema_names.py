"""A description has one schema of each name: of two classes with one name, one would be lost."""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Iterator
from importlib import import_module

from pydantic import BaseModel

import auth_api.routes
import auth_api.schemas


def test_no_two_schemas_have_one_name() -> None:
    for package in (auth_api.routes, auth_api.schemas):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    names = Counter(schema.__name__ for schema in set(_subclasses(BaseModel)))
    assert names["PredictAnswer"] == 1
    assert [name for name, count in names.items() if count > 1] == []


def _subclasses(parent: type) -> Iterator[type]:
    """All classes of the service that inherit from `parent`, directly or not, but no tables."""
    for child in parent.__subclasses__():
        room = child.__module__
        if room.startswith("auth_api.") and not room.startswith("auth_api.database."):
            yield child
        yield from _subclasses(child)
