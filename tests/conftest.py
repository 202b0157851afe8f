"""What unit, service and browser tests share: pictures to send, and where real ones are."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from archive_scripts.archives import ROOT

SHARED_DATA = ROOT.parent / "shared" / "data"
REFERENCES = ROOT / "reference_images"

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real handwriting, which is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs real handwriting in {SHARED_DATA}")
    return SHARED_DATA


def encode(
    picture: npt.NDArray[np.uint8] | Image.Image, kind: str = "PNG", **options: object
) -> bytes:
    """Encodes a picture with Pillow; `options` are those of its writer."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def reference(index: int) -> npt.NDArray[np.uint8]:
    """The reference picture of a class: 256x256, black ink on white."""
    return np.asarray(Image.open(REFERENCES / f"class_{index}.png"))
