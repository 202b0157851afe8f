"""The time of one comparison in a worker, step by step, against a recognition."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from archive_scripts.archives.building import ROOT
from archive_scripts.archives.contents import recognition, similarity
from benchmarks.timing import milliseconds
from handlers.characters import CHARACTERS
from handlers.comparison import Strictness, compare
from handlers.drawing import enlarge, overlay, png_data_uri
from handlers.faults import find_faults
from handlers.feedback import sentences
from handlers.framing import INK_SIZE
from handlers.heatmap import grad_cam
from handlers.letterforms import load_forms
from handlers.loading import load_model, warm_up
from handlers.preprocessing import preprocess
from handlers.score import score
from tests.support.pictures import encode, reference

_CLASSES = range(0, len(CHARACTERS), 3)
_BATCH_SIZE = 8


def comparing_table() -> str:
    """Times of the steps of a comparison, and their ratios to a whole recognition."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        recognition(ROOT / "weights/recognition.safetensors", folder / "recognition.pt", folder)
        similarity(ROOT / "weights/similarity.safetensors", folder / "similarity.pt", folder)
        recogniser = load_model(folder / "recognition.pt", _BATCH_SIZE)
        comparer = load_model(folder / "similarity.pt", _BATCH_SIZE)
        forms = load_forms(folder / "forms.json")
    for model in (recogniser, comparer):
        warm_up(model, _BATCH_SIZE, INK_SIZE)
    drawings = [encode(reference(index)) for index in _CLASSES]
    inks = [preprocess(drawing).ink for drawing in drawings]
    images = torch.from_numpy(np.stack(inks)[:, None]).float() / 255
    compared = [
        compare(ink, forms[index], Strictness.NORMAL)
        for index, ink in zip(_CLASSES, inks, strict=True)
    ]

    def each(work: Callable[[int], object]) -> float:
        return milliseconds(lambda: [work(k) for k in range(len(inks))]) / len(inks)

    with torch.inference_mode():
        steps = {
            "preprocessing": each(lambda k: preprocess(drawings[k])),
            "encoder": each(lambda k: comparer(images[k : k + 1])),
            "alignment, parts and regions": each(
                lambda k: compare(inks[k], forms[_CLASSES[k]], Strictness.NORMAL)
            ),
            "mark and sentences": each(
                lambda k: (
                    score(compared[k]),
                    sentences(compared[k], find_faults(compared[k]), "it"),
                )
            ),
            "three pictures": each(
                lambda k: (
                    compared[k].form.picture_uri,
                    png_data_uri(255 - enlarge(inks[k])),
                    png_data_uri(overlay(compared[k].form.picture, compared[k].ink)),
                )
            ),
        }
        recognition_time = steps["preprocessing"] + each(lambda k: recogniser(images[k : k + 1]))
    heat_map = each(lambda k: grad_cam(comparer, inks[k], _CLASSES[k]))
    rows = [*steps.items(), ("total", sum(steps.values())), ("heat map, extra", heat_map)]
    lines = [
        "### A comparison, in one worker, one drawing of 256x256 at a time",
        "",
        "| step | ms | ratio to a recognition |",
        "|---|---|---|",
        *(f"| {name} | {time:.2f} | {time / recognition_time:.2f} |" for name, time in rows),
    ]
    return "\n".join([*lines, ""])
