"""The handler of the archive `similarity`: how near an image is to a character's reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handlers.base import Answer, Batch, ImageHandler, PreparedImage, WorkerContext
from handlers.characters import CHARACTERS
from handlers.comparison import Comparison, compare
from handlers.distance import THRESHOLD, similarity_score
from handlers.drawing import enlarge, heat_overlay, overlay, png_data_uri
from handlers.errors import InvalidOption, NoReference
from handlers.faults import Fault, find_faults
from handlers.feedback import sentences
from handlers.heatmap import grad_cam
from handlers.letterforms import load_forms
from handlers.options import ComparisonOptions, Headers
from handlers.score import score
from handlers.stroke_matching import Matching
from handlers.worker_metrics import observe

OTHER_CHARACTER = 45
"""Maximum mark of a writing that is another character."""
NEAREST = 5
"""Number of nearest reference characters in an answer."""


class SimilarityHandler(ImageHandler[ComparisonOptions]):
    """Answers what `POST /api/similarity/` does, except for the id in the history."""

    def load(self, folder: Path) -> None:
        """Loads the letterforms of all characters."""
        self.forms = load_forms(folder / "forms.json")

    def options(self, headers: Headers) -> ComparisonOptions:
        """Raises InvalidOption, also for a class that no model has, and NoReference for a class
        without a reference.
        """
        options = ComparisonOptions.read(headers)
        if options.target >= len(CHARACTERS):
            raise InvalidOption(
                f"X-Target-Class must be the number of a class, 0-{len(CHARACTERS) - 1}."
            )
        if options.target >= len(self.forms):
            raise NoReference(f"There is no reference for class {options.target}.")
        return options

    def postprocess(
        self, batch: Batch[ComparisonOptions], output: Any, context: WorkerContext
    ) -> list[Answer]:
        """Compares each image with its reference.

        `output` is the embeddings, (n, dimensions), and their distances to the references of all
        classes, (n, classes).
        """
        embeddings, distances = (each.double().numpy() for each in output)
        answers = []
        for item, embedding, row in zip(batch, embeddings, distances, strict=True):
            answer = self._answer(item, row)
            observe(context, item.request_index, "Distance", answer["distance"], "Distance")
            if item.options.embedding:
                answer["embedding"] = embedding.round(6).tolist()
            if item.options.heatmap:
                ink = item.image.ink
                weights = grad_cam(self.model, ink, item.options.target)
                answer["heatmap"] = png_data_uri(heat_overlay(ink, weights))
            answers.append(answer)
        return answers

    def _answer(
        self, item: PreparedImage[ComparisonOptions], distances: npt.NDArray[np.float64]
    ) -> Answer:
        target = CHARACTERS[item.options.target]
        ink = item.image.ink
        distances = distances.round(4)
        distance = float(distances[target.index])
        drawing = item.image.drawing
        comparison = compare(ink, self.forms[target.index], item.options.strictness, drawing)
        faults = find_faults(comparison)
        order = np.argsort(distances, kind="stable")[:NEAREST]
        verdict = None if distance < THRESHOLD else _verdict(target.index, distances)
        is_other = distance >= THRESHOLD > float(distances.min())
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
            "reference_image": comparison.form.picture_uri,
            "user_image": png_data_uri(255 - (drawing.pad if drawing else enlarge(ink))),
            "blended_overlay": png_data_uri(
                overlay(comparison.form.picture, drawing.pad if drawing else comparison.ink)
            ),
            "score": min(score(comparison), OTHER_CHARACTER if is_other else 100),
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
            "faults": [_describe(fault, comparison) for fault in faults],
            "strokes": comparison.matching and _describe_strokes(comparison.matching),
            "feedback": sentences(
                comparison, faults, f"{target.text} ({target.name})", verdict, item.image.others
            ),
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
            "others": item.image.others,
            "model": self.description,
        }


def _describe(fault: Fault, comparison: Comparison) -> Answer:
    parts = comparison.form.parts
    return {
        "fault": fault.fault,
        "part": None if fault.stroke is None else parts[fault.stroke].name,
        "stroke": fault.stroke,
        "end": fault.end,
        "direction": fault.direction,
        "row": fault.row,
        "column": fault.column,
        "share": round(min(1.0, fault.length / comparison.length), 4),
    }


def _describe_strokes(matching: Matching) -> Answer:
    return {
        "expected": matching.expected,
        "drawn": matching.drawn,
        "matched": [
            {"drawn": match.drawn, "stroke": match.stroke, "reversed": match.reversed}
            for match in matching.matched
        ],
        "missing": matching.missing,
        "extra": matching.extra,
        "in_order": not matching.early,
    }


def _verdict(target: int, distances: npt.NDArray[np.float64]) -> str:
    """The sentence for a learner whose ink is not the character with index `target`."""
    wanted, nearest = CHARACTERS[target], CHARACTERS[int(distances.argmin())]
    if distances[nearest.index] < THRESHOLD:
        return f"This looks more like {nearest.text} ({nearest.name}) than {wanted.text}."
    return f"This is hard to recognise as {wanted.text} ({wanted.name})."
