"""Ink images as the tensors that networks take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from handlers.arrays import Gray
from handlers.characters import CHARACTERS
from handlers.preprocessing import preprocess


def to_tensor(images: Sequence[Gray]) -> torch.Tensor:
    """Stacks uint8 images of one shape (height, width) to float32 (n, 1, height, width), 0-1."""
    return torch.from_numpy(np.stack(images)).unsqueeze(1).float() / 255


def reference_inks(folder: Path) -> torch.Tensor:
    """The reference pictures in `folder` through the whole preprocessing: float32 of shape
    (36, 1, 64, 64), 0-1. Raises OSError where one cannot be read.
    """
    return to_tensor(
        [
            preprocess((folder / f"class_{character.index}.png").read_bytes()).ink
            for character in CHARACTERS
        ]
    )
