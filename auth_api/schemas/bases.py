"""Base models of several requests and answers."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field

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
