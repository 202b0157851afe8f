"""How good a network is on what it never learns from: pictures held out, and synthetic ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from archive_scripts.archives.building import ROOT
from archive_scripts.evaluation.figures import Figures
from archive_scripts.evaluation.recognition import (
    Evaluation,
    LabelledInks,
    fit_temperature,
    probabilities,
)
from archive_scripts.evaluation.verification import fit_scale, verify
from archive_scripts.letterforms.strokes import load_strokes
from archive_scripts.synthesis.capture import capture
from archive_scripts.synthesis.photographs import photograph
from archive_scripts.synthesis.tensors import reference_inks, to_tensor
from archive_scripts.training.networks import Weights
from archive_scripts.training.objectives import objective
from handlers.arrays import Gray
from handlers.characters import CHARACTERS, DIGITS
from handlers.errors import ImageRefused
from handlers.preprocessing import preprocess

_SEED = 2**32 - 1
"""No training has it: theirs are smaller."""
_SYNTHETIC_EACH = 20
"""Synthetic pictures of each character."""
_PICTURE = (240, 180)
"""Width and height of their photographs in pixels."""
_ENOUGH = 30
"""Real pictures from which on a model is calibrated on them alone."""

_SUMMARY = {
    "recognition": ("pictures", "top1", "top3", "expected_calibration_error"),
    "verification": ("pictures", "accuracy", "same", "different", "area_under_curve"),
}


def synthetic_inks() -> LabelledInks:
    """Described characters, written, photographed and preprocessed, always the same ones."""
    inks: list[Gray | None] = []
    for label, forms in enumerate(load_strokes()):
        for number in range(_SYNTHETIC_EACH):
            rng = np.random.default_rng((_SEED, label, number))
            ink = capture(forms[number % len(forms)].write, rng)
            _, encoded = cv2.imencode(".jpg", photograph(ink, rng, size=_PICTURE))
            try:
                inks.append(preprocess(encoded.tobytes()).ink)
            except ImageRefused:
                inks.append(None)
    return LabelledInks(inks, np.arange(len(CHARACTERS)).repeat(_SYNTHETIC_EACH))


@dataclass(frozen=True)
class Judge:
    """Measures networks of one kind on the same pictures."""

    handler: str
    """`recognition`, `similarity` or `digits`."""
    real: LabelledInks
    synthetic: LabelledInks

    @property
    def everything(self) -> LabelledInks:
        """Both, the real ones first."""
        labels = np.concatenate([self.real.labels, self.synthetic.labels])
        return LabelledInks([*self.real.inks, *self.synthetic.inks], labels)

    def loss(self, network: nn.Module) -> float:
        """What training lowers, on all pictures that can be read."""
        data = self.everything
        wanted = objective(self.handler, ROOT / "reference_images")
        losses = []
        inks, labels = data.readable(), torch.from_numpy(data.labels[data.places()])
        with torch.inference_mode():
            for at in range(0, len(inks), 128):
                images = to_tensor(inks[at : at + 128])
                losses.append(float(wanted(network, images, labels[at : at + 128])) * len(images))
        return sum(losses) / len(inks)

    def accuracy(self, network: nn.Module, weights: Weights) -> float:
        """Share of pictures read right, or of right answers to pairs at the threshold."""
        if self.handler == "similarity":
            return verify(network, self._references, weights.scale, self.everything).accuracy()
        return self._evaluation(network, weights, self.everything).top(1)

    def calibrated(self, network: nn.Module, weights: Weights) -> tuple[Weights, str]:
        """The same with a temperature or a scale that fits these pictures, and how it was found.

        The real pictures alone decide where they are enough. Where all are read right, any more
        confidence would fit better still: then the temperature stays as it is.
        """
        enough = len(self.real.readable()) >= _ENOUGH
        data = self.real if enough else self.everything
        fitted = f"was fitted on {'the held-out pictures' if enough else 'all of these pictures'}"
        if self.handler == "similarity":
            scale = round(fit_scale(network, self._references, data), 3)
            return replace(weights, scale=scale), fitted
        if self._evaluation(network, weights, data).top(1) == 1:
            return weights, "was kept, for all pictures to fit it on are read right"
        return replace(weights, temperature=round(fit_temperature(network, data), 3)), fitted

    def figures(self, network: nn.Module, weights: Weights) -> Figures:
        """All figures."""
        if self.handler == "similarity":
            found = verify(network, self._references, weights.scale, self.everything)
            return found.as_json()
        return self._evaluation(network, weights, self.everything).as_json()

    @property
    def _references(self) -> torch.Tensor:
        return reference_inks(ROOT / "reference_images")

    def _evaluation(self, network: nn.Module, weights: Weights, data: LabelledInks) -> Evaluation:
        characters = DIGITS if self.handler == "digits" else CHARACTERS
        found = probabilities(network, weights.temperature, data)
        return Evaluation(data.labels, found, characters)


def summary(figures: Figures) -> dict[str, Any]:
    """The figures that one looks at first."""
    return {name: figures[name] for name in _SUMMARY[figures["kind"]]}
