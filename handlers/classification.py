"""The base of the handlers that say which character an image shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray
from handlers.base import Answer, Batch, ImageHandler, WorkerContext
from handlers.characters import Character
from handlers.drawing import heat_overlay, jpeg_data_uri, png_data_uri
from handlers.heatmap import grad_cam
from handlers.loading import run
from handlers.options import Headers, RecognitionOptions
from handlers.preprocessing import FoundInk, InkImage, character_image, preprocess
from handlers.several import PlacedInkImage, SeveralInkImages, preprocess_several
from handlers.worker_metrics import observe

TOP = 5
"""Number of most likely classes in an answer."""

_DOUBT = 0.5
"""The probability that ink which the edge of the picture cuts is something else than a character.
It is shared by all classes."""


class ClassificationHandler(ImageHandler[RecognitionOptions]):
    """Answers what `POST /api/predict/` does, except for the id in the history."""

    characters: ClassVar[tuple[Character, ...]]
    """The classes of the model."""

    def options(self, headers: Headers) -> RecognitionOptions:
        """Raises InvalidOption."""
        return RecognitionOptions.read(headers)

    def postprocess(
        self, batch: Batch[RecognitionOptions], output: Any, context: WorkerContext
    ) -> list[Answer]:
        """Describes the classes; `output` has one probability per class, and maybe one more for
        none of them: (n, classes).
        """
        answers = []
        for item, probabilities in zip(batch, output.double().numpy(), strict=True):
            answered = self.answered(item.options)
            if item.image.doubtful:
                probabilities = self.doubted(probabilities)
            confidence = float(probabilities[: len(answered)].max())
            observe(context, item.request_index, "Confidence", confidence, "Share")
            answer = describe(item.image, probabilities, answered)
            answer["model"] = self.description
            if item.image.shown is not None:
                answer["picture"] = jpeg_data_uri(item.image.shown)
            if isinstance(item.image, SeveralInkImages):
                answer["characters"] = self._describe_all(item.image.characters, answered)
            if item.options.heatmap:
                ink = item.image.ink
                weights = grad_cam(self.model, ink, answer["predicted_class"])
                answer["heatmap"] = png_data_uri(heat_overlay(ink, weights))
            answers.append(self.complete(answer, probabilities, answered))
        return answers

    def answered(self, options: RecognitionOptions) -> Sequence[Character]:
        """The first characters of the model, which a request asks for."""
        return self.characters

    def doubted(self, probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The probabilities of ink that may be no character; all classes share the doubt."""
        return (1 - _DOUBT) * probabilities + _DOUBT / len(probabilities)

    def preprocess(self, data: bytes, options: RecognitionOptions) -> InkImage:
        """Finds the ink of one character, or of all."""
        if options.several:
            return preprocess_several(data, options.enhancement, self.draw)
        return preprocess(data, options.enhancement, self.draw)

    @staticmethod
    def draw(found: FoundInk) -> Gray:
        """Draws the ink image of a character."""
        return character_image(found)

    def _describe_all(
        self, images: Sequence[PlacedInkImage], answered: Sequence[Character]
    ) -> list[Answer]:
        """Runs the model on the characters of a picture, as many at a time as in a batch."""
        answers = []
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size]
            output = run(self.model, [image.ink for image in batch]).double().numpy()
            for image, probabilities in zip(batch, output, strict=True):
                answer = {"box": image.box, **_likeliest(probabilities, answered)}
                answer["processed_image"] = png_data_uri(image.ink)
                answers.append(self.complete(answer, probabilities, answered))
        return answers

    def complete(
        self,
        answer: Answer,
        probabilities: npt.NDArray[np.float64],
        answered: Sequence[Character],
    ) -> Answer:
        """Adds the fields that only this model has."""
        return answer


def describe(
    image: InkImage, probabilities: npt.NDArray[np.float64], characters: Sequence[Character]
) -> Answer:
    """The answer for one image; `probabilities` begins with one per character, shape (n,)."""
    return {
        "success": True,
        **_likeliest(probabilities, characters),
        "probabilities": probabilities[: len(characters)].round(6).tolist(),
        "processed_image": png_data_uri(image.ink),
        "preprocessed": image.isolated,
        "others": image.others,
    }


def _likeliest(probabilities: npt.NDArray[np.float64], characters: Sequence[Character]) -> Answer:
    likeliest = np.argsort(-probabilities[: len(characters)], kind="stable")[:TOP]
    top = [candidate(characters[index], float(probabilities[index])) for index in likeliest]
    best = top[0]
    return {
        "predicted_class": best["class"],
        "character": best["character"],
        "name": best["name"],
        "confidence": best["confidence"],
        "top": top,
    }


def candidate(character: Character, probability: float) -> Answer:
    """A class as one of the likeliest."""
    return {
        "class": character.index,
        "character": character.text,
        "name": character.name,
        "confidence": round(100 * probability, 2),
    }
