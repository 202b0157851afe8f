"""The handler of the archive `ranjana`: which of the 36 characters an image shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch

from handlers.base import Answer, ImageHandler, Readable, WorkerContext, observe
from handlers.characters import CHARACTERS
from handlers.preprocessing import InkImage

TOP = 5
"""How many of the likeliest classes an answer lists."""


class RecognitionHandler(ImageHandler):
    """Answers what API.md gives for `POST /api/predict/`, less the id in the history."""

    def answers(self, batch: Sequence[Readable], context: WorkerContext) -> list[Answer]:
        """Classifies all images in one run of the model."""
        inks = np.stack([item.image.ink for item in batch])
        with torch.inference_mode():
            images = torch.from_numpy(inks).unsqueeze(1).float().div_(255)
            probabilities = self.model(images).double().numpy()
        answers = []
        for item, row in zip(batch, probabilities, strict=True):
            observe(context, item.index, "Confidence", float(row.max()), "Share")
            answers.append({**describe(item.image, row), "model": self.description})
        return answers


def describe(image: InkImage, probabilities: npt.NDArray[np.float64]) -> Answer:
    """What an image was read as; `probabilities` is one a class, of shape (36,)."""
    likeliest = np.argsort(-probabilities, kind="stable")[:TOP]
    top = [_candidate(int(index), float(probabilities[index])) for index in likeliest]
    best = top[0]
    return {
        "success": True,
        "predicted_class": best["class"],
        "character": best["character"],
        "name": best["name"],
        "confidence": best["confidence"],
        "top": top,
        "probabilities": probabilities.round(6).tolist(),
        "processed_image": png_data_uri(image.ink),
        "preprocessed": image.isolated,
    }


def _candidate(index: int, probability: float) -> Answer:
    character = CHARACTERS[index]
    return {
        "class": index,
        "character": character.text,
        "name": character.name,
        "confidence": round(100 * probability, 2),
    }


def png_data_uri(image: npt.NDArray[np.uint8]) -> str:
    """A uint8 picture, (height, width) or (height, width, 3), as a `data:` URI."""
    _, encoded = cv2.imencode(".png", image)
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
