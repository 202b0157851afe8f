"""What the handlers that say which character an image shows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from handlers.base import Answer, ImageHandler, Readable, WorkerContext, stack
from handlers.characters import Character
from handlers.heatmap import grad_cam
from handlers.observing import observe
from handlers.options import Headers, RecognitionOptions
from handlers.pictures import heat, png_data_uri
from handlers.preprocessing import InkImage

TOP = 5
"""How many of the likeliest classes an answer lists."""


class Reader(ImageHandler[RecognitionOptions]):
    """Answers what `POST /api/predict/` does, less the id in the history."""

    characters: ClassVar[tuple[Character, ...]]
    """What is told apart."""

    def options(self, headers: Headers) -> RecognitionOptions:
        """Raises InvalidOption."""
        return RecognitionOptions.read(headers)

    def postprocess(
        self, batch: Sequence[Readable[RecognitionOptions]], context: WorkerContext
    ) -> list[Answer]:
        """Classifies all images in one run of the model."""
        with torch.inference_mode():
            probabilities = self.model(stack(batch)).double().numpy()
        answers = []
        for item, row in zip(batch, probabilities, strict=True):
            observe(context, item.request, "Confidence", float(row.max()), "Share")
            answer = {**describe(item.image, row, self.characters), "model": self.description}
            if item.options.heatmap:
                ink = item.image.ink
                seen = grad_cam(self.model, ink, answer["predicted_class"])
                answer["heatmap"] = png_data_uri(heat(ink, seen))
            answers.append(self.complete(answer))
        return answers

    def complete(self, answer: Answer) -> Answer:
        """Adds what only this model answers."""
        return answer


def describe(
    image: InkImage, probabilities: npt.NDArray[np.float64], characters: Sequence[Character]
) -> Answer:
    """What an image was read as; `probabilities` is one a character, of shape (n,)."""
    likeliest = np.argsort(-probabilities, kind="stable")[:TOP]
    top = [_candidate(characters[index], float(probabilities[index])) for index in likeliest]
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


def _candidate(character: Character, probability: float) -> Answer:
    return {
        "class": character.index,
        "character": character.text,
        "name": character.name,
        "confidence": round(100 * probability, 2),
    }
