"""How well a network reads a folder of labelled pictures, through the whole preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from archive_scripts.datasets import to_tensor
from archive_scripts.glyphs import class_of_file
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


def evaluate(network: nn.Module, folder: Path) -> Evaluation:
    """Reads every `class_N.png` of `folder` whose class is one of the 36.

    Raises ValueError when there is none.
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
    for path, label in labelled:
        try:
            image = to_tensor([preprocess(path.read_bytes()).ink])
        except ImageRefused:
            mistakes.append((label, None))
            continue
        with torch.inference_mode():
            ranked = network(image)[0].argsort(descending=True).tolist()
        hits1 += ranked[0] == label
        hits3 += label in ranked[:3]
        if ranked[0] != label:
            mistakes.append((label, ranked[0]))
    return Evaluation(len(labelled), hits1 / len(labelled), hits3 / len(labelled), mistakes)


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
