"""The base of the handlers that say which character an image shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from handlers.base import Answer, Batch, ImageHandler, WorkerContext
from handlers.characters import Character
from handlers.drawing import heat_overlay, jpeg_data_uri, png_data_uri
from handlers.heatmap import grad_cam
from handlers.loading import run
from handlers.options import Headers, RecognitionOptions
from handlers.preprocessing import InkImage
from handlers.several import PlacedInkImage, SeveralInkImages, preprocess_several
from handlers.worker_metrics import observe

TOP = 5
"""Number of most likely classes in an answer."""

_DOUBT = 0.5
"""The probability that ink which the edge of the picture cuts is something else than a character.
"""

Probabilities = npt.NDArray[np.float64]
"""One for each class, and maybe one more for none of them: shape (n,)."""


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
                doubt = self.doubt(len(probabilities))
                probabilities = (1 - _DOUBT) * probabilities + _DOUBT * doubt
            confidence = float(probabilities[: len(answered)].max())
            observe(context, item.request_index, "Confidence", confidence, "Share")
            answer = self._describe(item.image, probabilities, answered)
            answer["model"] = self.description
            if item.image.shown is not None:
                answer["picture"] = jpeg_data_uri(item.image.shown)
            if isinstance(item.image, SeveralInkImages):
                answer["characters"] = self._describe_all(item.image.characters, answered)
            if item.options.heatmap:
                ink = item.image.ink
                weights = grad_cam(self.model, ink, answer["predicted_class"])
                answer["heatmap"] = png_data_uri(heat_overlay(ink, weights))
            answers.append(answer)
        return answers

    def answered(self, options: RecognitionOptions) -> Sequence[Character]:
        """The first characters of the model, which a request asks for."""
        return self.characters

    def doubt(self, outputs: int) -> Probabilities:
        """The probabilities of something that is no character: all `outputs` alike."""
        return np.full(outputs, 1 / outputs)

    def likeliest(self, probabilities: Probabilities, answered: Sequence[Character]) -> Answer:
        """The likeliest of the `answered` classes. A model may add fields of its own."""
        best = np.argsort(-probabilities[: len(answered)], kind="stable")[:TOP]
        top = [candidate(answered[index], float(probabilities[index])) for index in best]
        first = top[0]
        return {
            "predicted_class": first["class"],
            "character": first["character"],
            "name": first["name"],
            "confidence": first["confidence"],
            "top": top,
        }

    def preprocess_photograph(self, data: bytes, options: RecognitionOptions) -> InkImage:
        """Finds the ink of one character, or of all."""
        if options.several:
            return preprocess_several(data, options.enhancement, self.draw)
        return super().preprocess_photograph(data, options)

    def _describe_all(
        self, images: Sequence[PlacedInkImage], answered: Sequence[Character]
    ) -> list[Answer]:
        """Runs the model on the characters of a picture, as many at a time as in a batch."""
        answers = []
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size]
            output = run(self.model, [image.ink for image in batch]).double().numpy()
            for image, probabilities in zip(batch, output, strict=True):
                answer = {"box": image.box, **self.likeliest(probabilities, answered)}
                answer["processed_image"] = png_data_uri(image.ink)
                answers.append(answer)
        return answers

    def _describe(
        self, image: InkImage, probabilities: Probabilities, answered: Sequence[Character]
    ) -> Answer:
        return {
            "success": True,
            **self.likeliest(probabilities, answered),
            "probabilities": probabilities[: len(answered)].round(6).tolist(),
            "processed_image": png_data_uri(image.ink),
            "preprocessed": image.isolated,
            "others": image.others,
        }


def candidate(character: Character, probability: float) -> Answer:
    """A class as one of the likeliest."""
    return {
        "class": character.index,
        "character": character.text,
        "name": character.name,
        "confidence": round(100 * probability, 2),
    }
