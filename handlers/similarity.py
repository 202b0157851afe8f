"""The handler of the archive `similarity`: how near an image is to a character's reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from handlers.base import Answer, ImageHandler, Readable, WorkerContext, stack
from handlers.characters import CHARACTERS
from handlers.comparison import compare
from handlers.distance import THRESHOLD, similarity_score
from handlers.errors import NoReference
from handlers.feedback import sentences
from handlers.heatmap import grad_cam
from handlers.letterforms import load_forms
from handlers.observing import observe
from handlers.options import ComparisonOptions, Headers
from handlers.pictures import enlarged, heat, overlay, png_data_uri

NEAREST = 5
"""How many reference characters an answer lists."""


class SimilarityHandler(ImageHandler[ComparisonOptions]):
    """Answers what `POST /api/similarity/` does, less the id in the history."""

    def load(self, folder: Path) -> None:
        """Reads the forms of all characters."""
        self.forms = load_forms(folder / "forms.json")

    def options(self, headers: Headers) -> ComparisonOptions:
        """Raises InvalidOption, and NoReference for a class that has no reference."""
        options = ComparisonOptions.read(headers)
        if options.target >= len(self.forms):
            raise NoReference(f"There is no reference for class {options.target}.")
        return options

    def postprocess(
        self, batch: Sequence[Readable[ComparisonOptions]], context: WorkerContext
    ) -> list[Answer]:
        """Embeds all images in one run of the model and compares each with its reference."""
        with torch.inference_mode():
            embeddings, distances = (found.double().numpy() for found in self.model(stack(batch)))
        answers = []
        for item, embedding, row in zip(batch, embeddings, distances, strict=True):
            answer = self._answer(item, row)
            observe(context, item.request, "Distance", answer["distance"], "Distance")
            if item.options.embedding:
                answer["embedding"] = embedding.round(6).tolist()
            if item.options.heatmap:
                ink = item.image.ink
                seen = grad_cam(self.model, ink, item.options.target)
                answer["heatmap"] = png_data_uri(heat(ink, seen))
            answers.append(answer)
        return answers

    def _answer(
        self, item: Readable[ComparisonOptions], distances: npt.NDArray[np.float64]
    ) -> Answer:
        target = CHARACTERS[item.options.target]
        ink = item.image.ink
        distances = distances.round(4)
        distance = float(distances[target.index])
        comparison = compare(ink, self.forms[target.index], item.options.strictness)
        order = np.argsort(distances, kind="stable")[:NEAREST]
        verdict = None if distance < THRESHOLD else _verdict(target.index, distances)
        return {
            "success": True,
            "similarity_score": round(similarity_score(distance), 2),
            "distance": distance,
            "is_same_character": distance < THRESHOLD,
            "threshold": THRESHOLD,
            "compared_with_class": target.index,
            "character": target.text,
            "name": target.name,
            "form": comparison.form.source,
            "reference_image": png_data_uri(255 - comparison.form.picture),
            "user_image": png_data_uri(255 - enlarged(ink)),
            "blended_overlay": png_data_uri(overlay(comparison.form.picture, comparison.ink)),
            "regions": [
                {
                    "row": region.row,
                    "column": region.column,
                    "missing": round(region.missing, 4),
                    "extra": round(region.extra, 4),
                    "score": round(region.score, 2),
                }
                for region in comparison.regions
            ],
            "feedback": sentences(comparison, f"{target.text} ({target.name})", verdict),
            "nearest": [
                {
                    "class": int(index),
                    "character": CHARACTERS[index].text,
                    "name": CHARACTERS[index].name,
                    "distance": float(distances[index]),
                }
                for index in order
            ],
            "preprocessed": item.image.isolated,
            "model": self.description,
        }


def _verdict(target: int, distances: npt.NDArray[np.float64]) -> str:
    """What to tell a learner whose ink is not the character with index `target`."""
    meant, nearest = CHARACTERS[target], CHARACTERS[int(distances.argmin())]
    if distances[nearest.index] < THRESHOLD:
        return f"This looks more like {nearest.text} ({nearest.name}) than {meant.text}."
    return f"This is hard to recognise as {meant.text} ({meant.name})."
