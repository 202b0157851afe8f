"""Training data: batches of synthetic images, the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from archive_scripts.letterforms.glyphs import folder_glyphs, font_glyphs
from archive_scripts.letterforms.pictured import PicturedLetterform
from archive_scripts.letterforms.strokes import load_strokes
from archive_scripts.synthesis.capture import Letterform, capture
from archive_scripts.synthesis.negatives import Negatives
from archive_scripts.synthesis.script_negatives import script_negatives
from archive_scripts.training.labelled import LabelledPicture, load_samples
from handlers.arrays import Gray
from handlers.characters import CHARACTERS

Batch = tuple[Gray, npt.NDArray[np.int64]]

NEGATIVE = -1
"""The label of negatives: marks that are no character."""

_FONT_PIXELS = 256
_ENOUGH_SAMPLES = 12
# Share of the images of samples that are nearly as people wrote them.
_FAITHFUL_SHARE = 0.25


class Material(Protocol):
    """Draws training images."""

    def image(self, rng: np.random.Generator) -> tuple[Gray, int]:
        """Draws one ink image, uint8 of shape (side, side), and its class."""


@dataclass(frozen=True)
class CharacterMaterial:
    """Draws images of characters from letterforms, handwriting and negatives."""

    letterforms: list[list[Letterform]]
    """`[class][variant]`"""
    samples: list[list[Letterform]] = field(default_factory=list)
    """Characters that people wrote: `[class][sample]`, or empty."""
    sample_share: float = 0.0
    """Share of the images made from `samples`, in classes that have enough; less in others."""
    negatives: Negatives | None = None
    negative_share: float = 0.0
    """Share of the images that show no character, if there are `negatives`."""
    strength: float = 1.0
    """Strength of distortion and augmentation, 0-2: 1 is that of real writers and cameras."""

    def image(self, rng: np.random.Generator) -> tuple[Gray, int]:
        """Draws one ink image, uint8 of shape (64, 64), and its class or `NEGATIVE`."""
        if self.negatives and rng.random() < self.negative_share:
            return capture(self.negatives.write, rng, self.strength), NEGATIVE
        label = int(rng.integers(len(self.letterforms)))
        forms = self.letterforms[label]
        samples = self.samples[label] if self.samples else []
        # Few samples, drawn again and again, would be learned by heart.
        share = self.sample_share * min(1, len(samples) / _ENOUGH_SAMPLES)
        if samples and (rng.random() < share or not forms):
            forms = samples
        strength = self.strength
        if forms is samples and rng.random() < _FAITHFUL_SHARE:
            strength *= 0.3
        write = partial(forms[rng.integers(len(forms))].write, strength=strength)
        return capture(write, rng, strength), label


def load_material(
    *,
    strokes: bool = True,
    without: Iterable[str] = (),
    fonts: Iterable[Path] = (),
    glyph_folders: Iterable[Path] = (),
    labelled: Sequence[LabelledPicture] = (),
    sample_share: float = 0.5,
    photographs: int = 0,
    negative_share: float = 0.12,
    negative_fonts: Iterable[Path] = (),
    strength: float = 1.0,
) -> CharacterMaterial:
    """Loads the described strokes, fonts, folders of glyphs and labelled pictures.

    `photographs` is how many photographs of each labelled picture are made. `without` names sources
    of strokes to leave out, `negative_fonts` are those of `script_negatives`. Raises ValueError if
    nothing shows one of the classes, or if a share is not between 0 and 1.
    """
    for share in (sample_share, negative_share):
        if not 0 <= share <= 1:
            raise ValueError(f"a share is between 0 and 1, not {share}")
    letterforms: list[list[Letterform]] = [[] for _ in CHARACTERS]
    if strokes:
        unwanted = set(without)
        for forms, described in zip(letterforms, load_strokes(), strict=True):
            forms += [form for form in described if form.source not in unwanted]
    pictures = [font_glyphs(font, _FONT_PIXELS) for font in fonts]
    pictures += [folder_glyphs(folder) for folder in glyph_folders]
    for masks in pictures:
        for forms, mask in zip(letterforms, masks, strict=True):
            if mask is not None:
                forms.append(PicturedLetterform.from_mask(mask))
    samples: list[list[Letterform]] = []
    if labelled:
        samples = [list(written) for written in load_samples(labelled, photographs)]
    for index, forms in enumerate(letterforms):
        if not forms and not (samples and samples[index]):
            raise ValueError(
                f"nothing shows class {index} ({CHARACTERS[index].name}): every class needs a "
                "labelled picture, or a letterform described, printed or in a font"
            )
    characters = [form.write for forms in letterforms for form in forms]
    characters += [sample.write for written in samples for sample in written]
    negatives = script_negatives(characters, negative_fonts) if negative_share else None
    return CharacterMaterial(
        letterforms, samples, sample_share, negatives, negative_share, strength
    )


@dataclass(frozen=True, eq=False)
class SyntheticBatches(Dataset[Batch]):
    """A fixed sequence of batches: batch i is the same in every run with the same seed.

    Each item is (uint8 (batch_size, side, side), int64 (batch_size,)), of ink images and classes.
    They are arrays, because loader processes would share tensors by a socket in the temporary
    folder, and lose them where its path is too long for one. A batch depends only on its number,
    so that an interrupted training can resume in the middle of the sequence and any number of
    loader processes yields the same data. `part` is the rank of the training process, because each
    process draws a different part of a batch.
    """

    material: Material
    _: KW_ONLY
    batch_size: int
    batches: int
    first: int = 0
    """Number of the first batch of the sequence."""
    seed: int = 0
    part: int = 0

    def __len__(self) -> int:
        return self.batches - self.first

    def __getitem__(self, index: int) -> Batch:
        # A trailing 0 does not change the seed: process 0 draws the same data as without `part`.
        rng = np.random.default_rng((self.seed, self.first + index, self.part))
        images, labels = zip(
            *(self.material.image(rng) for _ in range(self.batch_size)), strict=True
        )
        return np.stack(images), np.array(labels)
