"""The handler of the archive `similarity`: how near an image is to a character's reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray
from handlers.base import Answer, Batch, ImageHandler, PreparedImage, WorkerContext
from handlers.cell_faults import cell_faults
from handlers.characters import CHARACTERS
from handlers.comparison import Comparison, compare
from handlers.distance import THRESHOLD, similarity_score
from handlers.drawing import enlarge, heat_overlay, jpeg_data_uri, overlay, png_data_uri
from handlers.errors import InvalidOption, NoReference
from handlers.faults import Fault, find_faults
from handlers.feedback import sentences
from handlers.heatmap import grad_cam
from handlers.letterforms import load_forms
from handlers.loading import run
from handlers.options import ComparisonOptions, Headers, Source
from handlers.preprocessing import InkImage
from handlers.score import score
from handlers.stroke_matching import Matching
from handlers.worker_metrics import observe
from handlers.worksheets import WorksheetImage, preprocess_worksheet

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
        if options.target is None:
            return options
        if options.target >= len(CHARACTERS):
            raise InvalidOption(
                f"X-Target-Class must be the number of a class, 0-{len(CHARACTERS) - 1}."
            )
        if options.target >= len(self.forms):
            raise NoReference(f"There is no reference for class {options.target}.")
        return options

    def preprocess(self, data: bytes, options: ComparisonOptions) -> InkImage:
        """Finds the ink of a character, or of all cells of a worksheet."""
        if options.source is Source.WORKSHEET:
            return preprocess_worksheet(data)
        return super().preprocess(data, options)

    def inference(self, batch: Batch[ComparisonOptions]) -> Any:
        """Runs the model on all ink images, as many at a time as in a batch.

        Returns the embeddings, (n, dimensions), and their distances to the references of all
        classes, (n, classes), both for each image.
        """
        inks = [_inks(item.image) for item in batch]
        together = [ink for own in inks for ink in own]
        outputs = [
            run(self.model, together[start : start + self.batch_size])
            for start in range(0, len(together), self.batch_size)
        ]
        if not outputs:  # sheets on which nothing is written
            return [((), ()) for _ in batch]
        ends = np.cumsum([len(own) for own in inks])[:-1]
        embeddings, distances = (
            np.split(np.concatenate([each.double().numpy() for each in output]), ends)
            for output in zip(*outputs, strict=True)
        )
        return list(zip(embeddings, distances, strict=True))

    def postprocess(
        self, batch: Batch[ComparisonOptions], output: Any, context: WorkerContext
    ) -> list[Answer]:
        """Compares each image with its reference; `output` is that of `inference`."""
        answers = []
        for item, (embeddings, distances) in zip(batch, output, strict=True):
            if isinstance(item.image, WorksheetImage):
                answers.append(self._worksheet(item, item.image, distances, context))
                continue
            target = item.options.target
            assert target is not None
            answer = self._answer(item.image, target, item.options, distances[0])
            observe(context, item.request_index, "Distance", answer["distance"], "Distance")
            if item.options.embedding:
                answer["embedding"] = embeddings[0].round(6).tolist()
            if item.options.heatmap:
                ink = item.image.ink
                weights = grad_cam(self.model, ink, target)
                answer["heatmap"] = png_data_uri(heat_overlay(ink, weights))
            answers.append(answer)
        return answers

    def _worksheet(
        self,
        item: PreparedImage[ComparisonOptions],
        image: WorksheetImage,
        distances: Sequence[npt.NDArray[np.float64]],
        context: WorkerContext,
    ) -> Answer:
        """Compares all cells of a sheet that are written on."""
        rows = iter(distances)
        cells = []
        for cell in image.cells:
            known = None if cell.character is None else CHARACTERS[cell.character]
            described = {
                "row": cell.row,
                "column": cell.column,
                "box": cell.box,
                "class": known and known.index,
                "character": known and known.text,
                "name": known and known.name,
                "help": cell.help,
                "state": cell.state,
                "image": None,
                "comparison": None,
            }
            if cell.writing and known:
                answer = self._answer(
                    cell.writing.image, known.index, item.options, next(rows), cell.writing.pad
                )
                observe(context, item.request_index, "Distance", answer["distance"], "Distance")
                described["image"] = jpeg_data_uri(cell.writing.picture)
                described["comparison"] = answer
            cells.append(described)
        layout = image.sheet.layout
        return {
            "success": True,
            "paper": layout.paper,
            "rows": layout.rows,
            "columns": layout.columns,
            "help": image.sheet.help,
            "corners": image.corners,
            "picture": jpeg_data_uri(image.picture),
            "cells": cells,
            "model": self.description,
        }

    def _answer(
        self,
        image: InkImage,
        index: int,
        options: ComparisonOptions,
        distances: npt.NDArray[np.float64],
        cell: Gray | None = None,
    ) -> Answer:
        """Compares ink with the reference of the class `index`. `cell` is the cell of a worksheet
        that it is written in: 255 on 0.
        """
        target = CHARACTERS[index]
        ink = image.ink
        distances = distances.round(4)
        distance = float(distances[target.index])
        drawing = image.drawing
        comparison = compare(ink, self.forms[target.index], options.strictness, drawing)
        faults = find_faults(comparison)
        if cell is not None:
            of_cell = cell_faults(comparison, cell)
            faults = sorted([*faults, *of_cell], key=lambda fault: -fault.length)
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
                comparison, faults, f"{target.text} ({target.name})", verdict, image.others
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
            "preprocessed": image.isolated,
            "others": image.others,
            "model": self.description,
        }


def _inks(image: InkImage) -> list[Gray]:
    """The ink images of a picture: one, or those of the cells of a worksheet."""
    if isinstance(image, WorksheetImage):
        return [cell.writing.image.ink for cell in image.cells if cell.writing]
    return [image.ink]


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
