"""The characters: what is answered."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StrokeShown(BaseModel):
    """One movement of the pen, in fractions of the side of the reference picture."""

    name: str = Field(description="What a learner would call it, such as top bar.")
    width: float = Field(
        gt=0,
        lt=1,
        description="Of a line with round ends along the points that covers the stroke's ink.",
    )
    points: list[tuple[float, float]] = Field(
        min_length=2, description="x to the right and y down, 0-1, in the order of writing."
    )


class CharacterShown(BaseModel):
    """A character to learn."""

    model_config = ConfigDict(populate_by_name=True)

    class_: int = Field(alias="class", ge=0, description="What the models call it.")
    character: str = Field(description="In Devanagari.")
    name: str
    reference: str = Field(description="Path of its reference picture.")
    strokes: list[StrokeShown] = Field(min_length=1, description="In the order of writing.")


class CharacterList(BaseModel):
    """All characters, by their classes."""

    success: Literal[True] = True
    characters: list[CharacterShown]
