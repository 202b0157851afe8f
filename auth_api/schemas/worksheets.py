"""Worksheets: printed sheets, and photographs of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.schemas.bases import LAST_CLASS, Success
from auth_api.schemas.comparison import ComparisonAnswer, Help, Strictness
from auth_api.schemas.errors import ErrorAnswer
from auth_api.schemas.recognition import ModelVersion
from auth_api.schemas.writing import ImagesJson
from handlers.worksheet_layout import ROWS

MAX_SHEETS = 8
"""Maximum photographs in one request."""

Paper = Literal["a4", "letter"]


def _require_classes(value: str) -> str:
    parts = [part.strip() for part in value.split(",")]
    if not all(
        part.isascii() and part.isdigit() and len(part) < 4 and int(part) <= LAST_CLASS
        for part in parts
    ):
        raise ValueError(f"must be numbers of classes, 0-{LAST_CLASS}, such as 0,2,19")
    return value


class WorksheetOptions(BaseModel):
    """How sheets look."""

    rows: int = Field(
        default=6,
        ge=ROWS[0],
        le=ROWS[-1],
        description="Rows of a page. A row has two cells less to write in: 8 rows have 48 cells.",
    )
    help: Help = Field(
        default="traced",
        description="What is printed: a model, ghosts to trace in the first half of a row, and "
        "blank cells (`traced`); a model and blank cells (`hinted`); or the name only (`none`).",
    )
    paper: Paper = Field(default="a4", description="The size of the paper.")
    language: Literal["en", "ne"] = Field(
        default="en", description="Of the labels: English or Nepali."
    )


class WorksheetQuery(WorksheetOptions):
    """Selects the characters of sheets, in one of four ways, and how they look."""

    characters: Annotated[str, AfterValidator(_require_classes)] | None = Field(
        default=None,
        max_length=1000,
        examples=["0,2,19"],
        description="Numbers of classes 0-61, separated by commas. Each is taken once.",
    )
    text: str | None = Field(
        default=None,
        max_length=1000,
        examples=["नेपाल"],
        description="A text in Devanagari, such as a name: its letters in order, each once. A "
        "conjunct that is no character of its own is split; vowel signs are left out.",
    )
    group: Literal["consonant", "vowel", "digit"] | None = Field(
        default=None, description="All consonants, vowels or digits."
    )
    due: bool = Field(
        default=False,
        description="What the caller should practise next: what is due, and as much as fills a "
        "page. The caller has to be signed in.",
    )


class JudgeQuery(BaseModel):
    """How cells are judged."""

    strictness: Strictness = Field(
        default="normal", description="Changes what counts as a fault, but not the distance."
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        return {"X-Source": "worksheet", "X-Strictness": self.strictness}


class JudgeForm(JudgeQuery):
    """Photographs of sheets as files of a multipart form."""

    images: list[BaseFile] = Field(
        description=f"Up to {MAX_SHEETS} files with this name, of the formats of `/api/predict/`."
    )


class JudgeJson(JudgeQuery, ImagesJson):
    """Photographs of sheets inside JSON."""

    images: list[str] = Field(
        min_length=1, max_length=MAX_SHEETS, description="Each in base64 or as a `data:` URI."
    )


class JudgedCell(BaseModel):
    """A cell of a sheet to write in."""

    row: int = Field(ge=0)
    column: int = Field(ge=0, description="0 is the cell beside the model.")
    box: tuple[float, float, float, float] = Field(
        description="Left, top, width and height in shares of the sheet, as `picture` shows it."
    )
    class_: int | None = Field(
        alias="class", description="What has to be written; null if the row's marks are covered."
    )
    character: str | None
    name: str | None
    help: Help = Field(
        description="A ghost was printed in the cell (`traced`), a model beside it (`hinted`), or "
        "neither (`none`)."
    )
    state: Literal["empty", "judged", "unreadable"] = Field(
        description="`unreadable`: covered, outside the picture or too small in it."
    )
    image: str | None = Field(
        description="The cell as photographed, upright, if it is judged: JPEG as a `data:` URI."
    )
    comparison: ComparisonAnswer | None = Field(
        description="As from `/api/similarity/`, if it is judged."
    )


class JudgedSheet(Success):
    """A photographed sheet."""

    paper: Paper
    rows: int
    columns: int = Field(description="Cells of a row.")
    help: Help = Field(description="What the sheet was printed with.")
    corners: list[tuple[float, float]] = Field(
        min_length=4,
        max_length=4,
        description="Of the paper in shares of the upright photograph, clockwise from the upper "
        "left one. They may lie outside it.",
    )
    picture: str = Field(
        description="The sheet seen from above, in grey: a JPEG of 1024 pixels as a `data:` URI."
    )
    cells: list[JudgedCell] = Field(description="Row by row.")
    model: ModelVersion


class JudgeAnswer(Success):
    """The results of photographs of sheets."""

    results: list[JudgedSheet | ErrorAnswer] = Field(description="In order of the images.")
