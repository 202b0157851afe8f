"""Converts ink images to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from handlers.arrays import Gray
from handlers.characters import CHARACTERS
from handlers.preprocessing import preprocess


def to_tensor(images: Sequence[Gray]) -> torch.Tensor:
    """Stacks uint8 images of equal shape (height, width) to float32 (n, 1, height, width), 0-1."""
    return torch.from_numpy(np.stack(images)).unsqueeze(1).float() / 255


def reference_tensors(folder: Path) -> torch.Tensor:
    """Preprocesses the reference pictures in `folder`: float32 (62, 1, 64, 64), 0-1.

    Raises OSError if one cannot be read.
    """
    return to_tensor(
        [
            preprocess((folder / f"class_{character.index}.png").read_bytes()).ink
            for character in CHARACTERS
        ]
    )
