"""Names for array types.

OpenCV's type stubs give no element type. `gray`, `mask` and `field` state it and convert if needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
"""A grey picture of shape (height, width), 0-255."""

Mask = npt.NDArray[np.bool_]
"""True where there is ink, shape (height, width)."""

Field = npt.NDArray[np.float32]
"""A number per pixel, shape (height, width) or (height, width, channels)."""


def gray(array: Any) -> Gray:
    """`array` as uint8; decimals are cut off."""
    return np.asarray(array, dtype=np.uint8)


def mask(array: Any) -> Mask:
    """`array` as bool."""
    return np.asarray(array, dtype=np.bool_)


def field(array: Any) -> Field:
    """`array` as float32."""
    return np.asarray(array, dtype=np.float32)


def border(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The pixels at the four edges of a picture; those of the corners twice."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
