"""How well a network reads a folder of labelled pictures, through the whole preprocessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

from archive_scripts.datasets import to_tensor
from archive_scripts.glyphs import class_of_file
from archive_scripts.photographs import photograph
from handlers.characters import CHARACTERS
from handlers.errors import ImageRefused
from handlers.preprocessing import preprocess


@dataclass(frozen=True)
class Evaluation:
    """Shares are of all labelled images, also of those that preprocessing refused."""

    images: int
    top1: float
    top3: float
    mistakes: list[tuple[int, int | None]]
    """(true class, predicted class) of each image read wrongly; None where it was refused."""


def evaluate(network: nn.Module, folder: Path, photographs: int = 0) -> Evaluation:
    """Reads every `class_N.png` of `folder` whose class is one of the 36.

    With `photographs`, each picture (white ink on black) is laid on paper and photographed so
    many times, always the same way, and the photographs are read instead. Raises ValueError
    when there is no picture.
    """
    labelled = [
        (path, label)
        for path in sorted(folder.glob("class_*.png"))
        if (label := class_of_file(path)) is not None and label < len(CHARACTERS)
    ]
    if not labelled:
        raise ValueError(f"{folder} has no class_N.png")
    hits1, hits3 = 0, 0
    mistakes: list[tuple[int, int | None]] = []
    for data, label in _images(labelled, photographs):
        try:
            image = to_tensor([preprocess(data).ink])
        except ImageRefused:
            mistakes.append((label, None))
            continue
        with torch.inference_mode():
            ranked = network(image)[0].argsort(descending=True).tolist()
        hits1 += ranked[0] == label
        hits3 += label in ranked[:3]
        if ranked[0] != label:
            mistakes.append((label, ranked[0]))
    images = len(labelled) * max(1, photographs)
    return Evaluation(images, hits1 / images, hits3 / images, mistakes)


def _images(labelled: list[tuple[Path, int]], photographs: int) -> Iterator[tuple[bytes, int]]:
    for path, label in labelled:
        if not photographs:
            yield path.read_bytes(), label
        ink = np.asarray(Image.open(path).convert("L"))
        for number in range(photographs):
            picture = photograph(ink, np.random.default_rng((label, number)))
            _, encoded = cv2.imencode(".jpg", picture)
            yield encoded.tobytes(), label


def report(folder: Path, evaluation: Evaluation) -> str:
    """The figures in a few lines of text."""
    lines = [
        f"{folder}: {evaluation.images} images, "
        f"top-1 {evaluation.top1:.3f}, top-3 {evaluation.top3:.3f}"
    ]
    for true, predicted in evaluation.mistakes:
        read = "refused" if predicted is None else f"read as {CHARACTERS[predicted].name}"
        lines.append(f"  {CHARACTERS[true].name} ({true}) {read}")
    return "\n".join(lines)
