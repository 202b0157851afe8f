"""A sheet of synthetic beside real handwriting, to judge by eye."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from archive_scripts.synthesis.capture import capture
from archive_scripts.training.datasets import CharacterMaterial
from archive_scripts.training.labelled import labelled_pictures, load_samples
from handlers.arrays import Gray, gray
from handlers.characters import CHARACTERS
from handlers.framing import INK_SIZE

_COLUMNS = 3
_LABEL_WIDTH = 124
_GAP = 3
_REAL, _SYNTHETIC = 40, 0
"""Grey level of the frame around real and around synthetic ink."""


def contact_sheet(
    material: CharacterMaterial, folders: Iterable[Path], samples: int = 10, seed: int = 0
) -> Gray:
    """Draws a strip per class: its name, up to `samples` ink images of each of `folders` on grey,
    evenly chosen, then as many synthetic ones. Returns a uint8 picture, (height, width).
    """
    real: list[list[Gray]] = [[] for _ in CHARACTERS]
    for folder in folders:
        for label, samples_of_class in enumerate(load_samples(labelled_pictures(folder))):
            step = max(1, -(-len(samples_of_class) // samples))
            real[label] += [sample.ink for sample in samples_of_class[::step]]
    widest = max(len(pictures) for pictures in real)
    rng = np.random.default_rng(seed)
    strips = []
    for character, pictures in zip(CHARACTERS, real, strict=True):
        blank = [gray(np.zeros((INK_SIZE, INK_SIZE)))] * (widest - len(pictures))
        forms = material.letterforms[character.index]
        synthetic = [capture(forms[k % len(forms)].write, rng) for k in range(samples)]
        title = f"{character.index} {character.name}"
        strips.append(_strip(title, [*pictures, *blank], synthetic))
    rows = -(-len(strips) // _COLUMNS)
    strips += [np.zeros_like(strips[0])] * (rows * _COLUMNS - len(strips))
    columns = [np.vstack(strips[at : at + rows]) for at in range(0, len(strips), rows)]
    return np.hstack(columns)


def _strip(title: str, real: Sequence[Gray], synthetic: Sequence[Gray]) -> Gray:
    height = INK_SIZE + 2 * _GAP
    label = gray(np.zeros((height, _LABEL_WIDTH)))
    cv2.putText(label, title, (6, height // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    tiles = [_framed(np.maximum(ink, _REAL), _REAL) for ink in real]
    tiles += [_framed(ink, _SYNTHETIC) for ink in synthetic]
    return np.hstack([label, *tiles])


def _framed(ink: Gray, grey: int) -> Gray:
    return gray(cv2.copyMakeBorder(ink, *[_GAP] * 4, cv2.BORDER_CONSTANT, value=grey))
