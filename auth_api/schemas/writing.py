"""What a learner wrote, as callers send it: images and strokes, and how to treat them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

MAX_IMAGES = 32
"""Maximum in one request."""
STROKES = "strokes"
"""The field of a request that has the strokes of a drawing."""
MAX_STROKES = 64
MAX_POINTS = 2000
"""Of a stroke."""
POINT_SIZES = {2, 3}
"""Numbers of a point: x and y, and maybe the pressure."""
NEAREST, FARTHEST = -1, 2
"""Limits of x and y, in shares of the pad's side: a pen may leave the pad."""

Pen = Literal["nib", "round"]
"""The pen of strokes: the edge of a reed pen, or a pencil."""
PEN_WIDTHS = (0.01, 0.3)
"""Limits of the width of a pen, in shares of the pad's side."""
PEN_ANGLES = (0, 180)
"""Limits of the angle of a nib, in degrees."""


class ImageQuery(BaseModel):
    """Options for the handlers of all models."""

    enhancement_level: int | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Enhancement of poor pictures: 0 is none, 1 and 2 help with noise and faint "
        "writing. Chosen automatically if absent.",
    )
    source: Literal["photograph", "drawing"] = Field(
        default="photograph",
        description="What the image is: a photograph, in which the character is looked for, or a "
        "drawing, of which all ink is meant.",
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        level = self.enhancement_level
        enhancement = {} if level is None else {"X-Enhancement-Level": str(level)}
        return enhancement | ({"X-Source": "drawing"} if self.source == "drawing" else {})


class PenQuery(ImageQuery):
    """Options for strokes."""

    pen: Pen = Field(default="round", description="The pen that the strokes are drawn with.")
    pen_width: float | None = Field(
        default=None,
        ge=PEN_WIDTHS[0],
        le=PEN_WIDTHS[1],
        description="Its width in shares of the pad's side. If absent, 0.12 for a nib and 0.036 "
        "for a round pen.",
    )
    pen_angle: float | None = Field(
        default=None,
        ge=PEN_ANGLES[0],
        le=PEN_ANGLES[1],
        description="The angle of the edge of a nib, in degrees clockwise from the horizontal. 34 "
        "if absent. A round pen has none.",
    )

    def options_for(self, *, strokes: bool) -> dict[str, str]:
        """The request headers for the handler, which gets strokes or an image."""
        if not strokes:
            return self.options()
        pen = {"X-Pen": self.pen, "X-Pen-Width": self.pen_width, "X-Pen-Angle": self.pen_angle}
        drawn = {name: str(value) for name, value in pen.items() if value is not None}
        return self.options() | {"X-Source": "strokes"} | drawn


class HeatmapQuery(ImageQuery):
    """Options for one picture."""

    heatmap: bool = Field(default=False, description="Whether to show where the model looked.")

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        return super().options() | ({"X-Heatmap": "true"} if self.heatmap else {})


_STROKES = (
    f"What was drawn on a pad, in place of the image or beside it: up to {MAX_STROKES} strokes of "
    f"up to {MAX_POINTS} points in the order of drawing. A point is `[x, y]` or "
    f"`[x, y, pressure]`: x to the right and y down in shares of the pad's side, {NEAREST} to "
    f"{FARTHEST}, pressure 0 to 1. The pad is the frame of the reference picture. If an image "
    "comes too, the strokes are judged."
)
_Numbers = Annotated[list[float], Field(min_length=min(POINT_SIZES), max_length=max(POINT_SIZES))]
_Points = Annotated[list[_Numbers], Field(min_length=1, max_length=MAX_POINTS)]
Strokes = Annotated[list[_Points], Field(min_length=1, max_length=MAX_STROKES)]
"""Strokes in JSON. `auth_api.http.strokes` checks them, because pydantic takes long."""


class WritingForm(BaseModel):
    """An image as a file of a multipart form, or strokes."""

    image: BaseFile | None = Field(
        default=None,
        description="JPEG (up to 64 megapixels), PNG, WebP, HEIC, AVIF, BMP or GIF (up to 40). "
        "The name `file` works too. Required without strokes.",
    )
    strokes: str | None = Field(default=None, description=f"As JSON text. {_STROKES}")


class WritingJson(BaseModel):
    """An image inside JSON, or strokes."""

    image: str | None = Field(
        default=None,
        description="The image in base64, or as a `data:` URI. Required without strokes.",
    )
    strokes: Strokes | None = Field(default=None, description=_STROKES)


class ImagesForm(BaseModel):
    """Images as files of a multipart form."""

    images: list[BaseFile] = Field(description="Up to 32 files with this name.")


class ImagesJson(BaseModel):
    """Images inside JSON."""

    images: list[str] = Field(
        min_length=1, max_length=MAX_IMAGES, description="Each in base64 or as a `data:` URI."
    )
