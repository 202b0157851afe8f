"""Images to learn from and images to measure on, as float32 tensors a network takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from archive_scripts.glyphs import folder_glyphs, font_glyphs
from archive_scripts.synthesis import Letterform, synthesise
from handlers.arrays import Gray

Batch = tuple[torch.Tensor, torch.Tensor]

_FONT_PIXELS = 256


def to_tensor(images: Sequence[Gray]) -> torch.Tensor:
    """Stacks uint8 images of one shape (height, width) to float32 (n, 1, height, width), 0-1."""
    return torch.from_numpy(np.stack(images)).unsqueeze(1).float() / 255


def load_letterforms(
    fonts: Iterable[Path], glyph_folders: Iterable[Path]
) -> list[list[Letterform]]:
    """All ways to write each class that the sources show: `[class][variant]`.

    Raises ValueError when there is no source at all.
    """
    sources = [font_glyphs(font, _FONT_PIXELS) for font in fonts]
    sources += [folder_glyphs(folder) for folder in glyph_folders]
    if not sources:
        raise ValueError("no letterforms: name a font, a folder of glyphs or both")
    return [[Letterform.from_mask(mask) for mask in masks] for masks in zip(*sources, strict=True)]


class SyntheticBatches(Dataset[Batch]):
    """A fixed sequence of synthetic batches: number i is the same in every run with one seed.

    Each item is (float32 (batch_size, 1, 64, 64), int64 (batch_size,)). Because a batch
    depends on its number alone, an interrupted training resumes in the middle of the
    sequence, and any number of loader processes yields the same data.
    """

    def __init__(
        self,
        letterforms: Sequence[Sequence[Letterform]],
        *,
        batch_size: int,
        batches: int,
        first: int = 0,
        seed: int = 0,
    ) -> None:
        self._letterforms = letterforms
        self._batch_size = batch_size
        self._batches = batches
        self._first = first
        self._seed = seed

    def __len__(self) -> int:
        return self._batches - self._first

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng((self._seed, self._first + index))
        labels = rng.integers(len(self._letterforms), size=self._batch_size)
        images = [synthesise(self._letterforms[label], rng) for label in labels]
        return to_tensor(images), torch.from_numpy(labels)
