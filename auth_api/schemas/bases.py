"""Base models of several requests and answers."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from handlers.characters import CHARACTERS

CharacterSet = Literal["consonants", "all"]
"""The characters of the script that an answer may have: its 36 consonants, or all 62. The older app
knows the consonants only, so they are the default everywhere."""

LAST_CLASS = len(CHARACTERS) - 1
"""The highest class of any model."""


def _require_class(value: int) -> int:
    if not 0 <= value <= LAST_CLASS:
        raise ValueError(f"must be the number of a class, 0-{LAST_CLASS}")
    return value


ClassNumber = Annotated[
    int,
    AfterValidator(_require_class),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": LAST_CLASS}),
]
"""The number of a class of any model; another number is an error that says which there are."""

_Entry = TypeVar("_Entry")


class Success(BaseModel):
    """An answer that says that the request succeeded."""

    success: Literal[True] = True


class CursorQuery(BaseModel):
    """Selects a page."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(
        default=None, max_length=64, description="`next` of the previous page."
    )


class Page(BaseModel, Generic[_Entry]):
    """A page of a longer list."""

    results: list[_Entry]
    next: str | None = Field(description="Cursor of the next page, null on the last page.")


class ClassName(BaseModel):
    """A class of a model, and the character that it is."""

    class_: int = Field(alias="class")
    character: str
    name: str
