"""The characters to learn."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from auth_api.schemas.bases import CharacterSet, Success


class CharactersQuery(BaseModel):
    """Selects the characters to list."""

    characters: CharacterSet = Field(
        default="consonants", description="The 36 consonants, or all 62 characters of the script."
    )


class PageVersionQuery(BaseModel):
    """Names the version of what is asked for."""

    v: str | None = Field(
        default=None,
        description="The version of the page. If it is today's, the answer can be cached for ever.",
    )


class CharacterListQuery(CharactersQuery, PageVersionQuery):
    """Selects the characters to list."""


class NibShown(BaseModel):
    """The pen of a stroke, in fractions of the side: swept along `points` it inks the stroke."""

    angle: int = Field(description="Of the nib's edge, in degrees clockwise from the horizontal.")
    edge: float = Field(ge=0, description="Half the thickness of the nib's edge.")
    widths: list[float] = Field(description="Width of the nib at each of the points.")


class StrokeShown(BaseModel):
    """A stroke of the pen, in fractions of the side of the reference picture."""

    name: str = Field(description="A name for learners, such as top bar.")
    width: float = Field(
        gt=0,
        lt=1,
        description="Width of a line with round ends along `points` that covers the ink.",
    )
    points: list[tuple[float, float]] = Field(
        min_length=2, description="x to the right and y down, 0-1, in the order of writing."
    )
    nib: NibShown


class CharacterShown(BaseModel):
    """A character to learn."""

    model_config = ConfigDict(populate_by_name=True)

    class_: int = Field(alias="class", ge=0, description="The class in answers of the models.")
    character: str = Field(description="The character in Devanagari.")
    name: str
    group: Literal["consonant", "vowel", "digit"] = Field(
        description="What it is in the script. These digits are not those of the model `digits`."
    )
    reference: str = Field(description="Path of the reference picture.")
    strokes: list[StrokeShown] = Field(min_length=1, description="In the order of writing.")


class CharacterList(Success):
    """The characters, in order of their classes."""

    characters: list[CharacterShown]
