"""The handler of the archive `ranjana`: which of the 36 characters an image shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from handlers.base import Answer, ImageHandler, Readable, WorkerContext, observe, stack
from handlers.characters import CHARACTERS
from handlers.heatmap import grad_cam
from handlers.options import Headers, RecognitionOptions
from handlers.pictures import heat, png_data_uri
from handlers.preprocessing import InkImage

TOP = 5
"""How many of the likeliest classes an answer lists."""


class RecognitionHandler(ImageHandler[RecognitionOptions]):
    """Answers what `POST /api/predict/` does, less the id in the history."""

    def options(self, headers: Headers) -> RecognitionOptions:
        """Raises nothing: what is not understood is not asked for."""
        return RecognitionOptions.read(headers)

    def answers(
        self, batch: Sequence[Readable[RecognitionOptions]], context: WorkerContext
    ) -> list[Answer]:
        """Classifies all images in one run of the model."""
        with torch.inference_mode():
            probabilities = self.model(stack(batch)).double().numpy()
        answers = []
        for item, row in zip(batch, probabilities, strict=True):
            observe(context, item.index, "Confidence", float(row.max()), "Share")
            answer = {**describe(item.image, row), "model": self.description}
            if item.options.heatmap:
                ink = item.image.ink
                seen = grad_cam(self.model, ink, answer["predicted_class"])
                answer["heatmap"] = png_data_uri(heat(ink, seen))
            answers.append(answer)
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
