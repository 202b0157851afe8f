"""Measures and calibrates a network on data that no training uses.

These are held-out pictures and photographs of synthetic handwriting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from archive_scripts.archives.building import ROOT
from archive_scripts.evaluation.figures import Figures
from archive_scripts.evaluation.recognition import Evaluation, fit_temperature, probabilities
from archive_scripts.evaluation.verification import fit_scale, verify
from archive_scripts.letterforms.strokes import load_strokes
from archive_scripts.synthesis.capture import capture
from archive_scripts.synthesis.photographs import photograph
from archive_scripts.synthesis.tensors import reference_tensors, to_tensor
from archive_scripts.training.labelled import LabelledInkImages, ink_or_none
from archive_scripts.training.networks import Weights
from archive_scripts.training.objectives import objective
from handlers.characters import CHARACTERS, DIGITS

_SEED = 2**32 - 1
"""No training has this seed, because theirs are smaller."""
_MAX_PER_CLASS = 20
"""Synthetic pictures of a class to measure on."""
_PHOTOGRAPH_SIZE = (240, 180)
"""Width and height, in pixels."""
_MIN_REAL_PICTURES = 30
"""With fewer readable real pictures, calibration uses the synthetic ones too."""

_SUMMARY = {
    "recognition": ("pictures", "top1", "top3", "expected_calibration_error"),
    "verification": ("pictures", "accuracy", "same", "different", "area_under_curve"),
}


def synthetic_ink_images(images_per_epoch: int) -> LabelledInkImages:
    """Photographs of synthetic handwriting, preprocessed; the same in every run.

    As many per class as an epoch has, but at most 20, so that a small trial ends soon.
    """
    per_class = max(1, min(_MAX_PER_CLASS, images_per_epoch // len(CHARACTERS)))
    images = []
    for label, forms in enumerate(load_strokes()):
        for number in range(per_class):
            rng = np.random.default_rng((_SEED, label, number))
            ink = capture(forms[number % len(forms)].write, rng)
            _, encoded = cv2.imencode(".jpg", photograph(ink, rng, size=_PHOTOGRAPH_SIZE))
            images.append(ink_or_none(encoded.tobytes()))
    return LabelledInkImages(images, np.arange(len(CHARACTERS)).repeat(per_class))


@dataclass(frozen=True)
class Validator:
    """Measures networks of one handler on the same pictures."""

    handler: str
    """`recognition`, `similarity` or `digits`."""
    real: LabelledInkImages
    synthetic: LabelledInkImages

    @property
    def everything(self) -> LabelledInkImages:
        """The real pictures, then the synthetic ones."""
        labels = np.concatenate([self.real.labels, self.synthetic.labels])
        return LabelledInkImages([*self.real.images, *self.synthetic.images], labels)

    def loss(self, network: nn.Module) -> float:
        """The training loss on all readable pictures."""
        data = self.everything
        loss = objective(self.handler, ROOT / "reference_images")
        losses = []
        images, labels = data.readable(), torch.from_numpy(data.labels[data.readable_indices()])
        with torch.inference_mode():
            for at in range(0, len(images), 128):
                batch = to_tensor(images[at : at + 128])
                losses.append(float(loss(network, batch, labels[at : at + 128])) * len(batch))
        return sum(losses) / len(images)

    def accuracy(self, network: nn.Module, weights: Weights) -> float:
        """Share of pictures read correctly; for similarity, of pairs told apart correctly."""
        if self.handler == "similarity":
            return verify(network, self._references, weights.scale, self.everything).accuracy()
        return self._evaluation(network, weights, self.everything).top(1)

    def calibrated(self, network: nn.Module, weights: Weights) -> tuple[Weights, str]:
        """Fits the temperature or the scale. Returns the weights and how it was found.

        Uses only the real pictures if there are enough. Keeps the temperature if every picture is
        read correctly, because then any lower one would fit even better.
        """
        enough = len(self.real.readable()) >= _MIN_REAL_PICTURES
        data = self.real if enough else self.everything
        fitted = f"was fitted on {'the held-out pictures' if enough else 'all of these pictures'}"
        if self.handler == "similarity":
            scale = round(fit_scale(network, self._references, data), 3)
            return replace(weights, scale=scale), fitted
        if self._evaluation(network, weights, data).top(1) == 1:
            return weights, "was kept, because all pictures to fit it on are read correctly"
        return replace(weights, temperature=round(fit_temperature(network, data), 3)), fitted

    def figures(self, network: nn.Module, weights: Weights) -> Figures:
        if self.handler == "similarity":
            return verify(network, self._references, weights.scale, self.everything).as_json()
        return self._evaluation(network, weights, self.everything).as_json()

    @property
    def _references(self) -> torch.Tensor:
        return reference_tensors(ROOT / "reference_images")

    def _evaluation(
        self, network: nn.Module, weights: Weights, data: LabelledInkImages
    ) -> Evaluation:
        characters = DIGITS if self.handler == "digits" else CHARACTERS
        predicted = probabilities(network, weights.temperature, data, characters)
        return Evaluation(data.labels, predicted, characters)


def summary(figures: Figures) -> dict[str, Any]:
    """The most important figures."""
    return {name: figures[name] for name in _SUMMARY[figures["kind"]]}
