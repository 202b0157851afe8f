"""One training: from a specification to a network."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn

from archive_scripts.archives.building import ROOT
from archive_scripts.archives.checksums import sha256
from archive_scripts.improvement.events import Events
from archive_scripts.improvement.specification import Parameters, Specification
from archive_scripts.improvement.split import PictureSplit, labelled_digits
from archive_scripts.improvement.validation import Validator
from archive_scripts.synthesis.digit_negatives import digit_negatives
from archive_scripts.training.datasets import Material, load_material
from archive_scripts.training.digits import DigitMaterial
from archive_scripts.training.loop import Callback, TrainingSettings, train
from archive_scripts.training.networks import (
    DEFAULT_NETWORKS,
    OUTPUTS,
    Weights,
    build_network,
    describe_weights,
)
from archive_scripts.training.objectives import objective

_CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Trainer:
    """Trains networks for one specification; each training may have other parameters."""

    specification: Specification
    handler: str
    """`recognition`, `similarity` or `digits`."""
    pictures: PictureSplit
    validator: Validator

    @property
    def weights(self) -> Weights:
        """The metadata of the trained weights, with the calibration of the initial weights.

        Raises ValueError if the initial weights are of a network for other images, OSError if they
        are missing.
        """
        outputs = OUTPUTS[self.handler]
        if self.specification.start is None:
            default = DEFAULT_NETWORKS[self.handler]
            return Weights(self.specification.network or default, outputs)
        start = describe_weights(self.specification.start)
        if (start.network == "digits") != (self.handler == "digits"):
            raise ValueError(f"a model cannot start from weights of the network {start.network}")
        if start.outputs != outputs:
            return Weights(start.network, outputs)
        return start

    def train(self, parameters: Parameters, checkpoint: Path, callback: Callback) -> nn.Module:
        """Trains with `parameters`, or resumes at `checkpoint`. Returns the network."""
        weights = self.weights
        start = self.specification.start
        build = partial(build_network, weights.network, weights.outputs, start)
        settings = TrainingSettings(
            images=parameters.epochs * parameters.images_per_epoch,
            batch_size=parameters.batch_size,
            learning_rate=parameters.learning_rate,
            seed=parameters.seed,
            data=self._describe_data(parameters),
            epochs=parameters.epochs,
        )
        loss = objective(self.handler, ROOT / "reference_images")
        material = self._material(parameters.augmentation)
        return train(build, loss, material, settings, checkpoint, loaders=0, callback=callback)

    def _material(self, augmentation: float) -> Material:
        if self.handler == "digits":
            digits = labelled_digits(self.pictures.training)
            return DigitMaterial(digits, augmentation, digit_negatives())
        return load_material(
            strokes=self.specification.synthesis,
            labelled=self.pictures.training,
            strength=augmentation,
        )

    def _describe_data(self, parameters: Parameters) -> str:
        start = self.specification.start
        return (
            f"{self.handler}, start {start and sha256(start)}, pictures {self.pictures.digest}, "
            f"synthesis {self.specification.synthesis}, augmentation {parameters.augmentation}"
        )


def train_once(trainer: Trainer, folder: Path, events: Events) -> nn.Module:
    """Trains as the specification says. Emits each epoch once, also after an interruption."""
    callback = _EventCallback(trainer, events)
    return trainer.train(trainer.specification.parameters, folder / _CHECKPOINT, callback)


class _EventCallback(Callback):
    def __init__(self, trainer: Trainer, events: Events) -> None:
        self._trainer = trainer
        self._events = events
        self._emitted = {event["epoch"] for event in events.past("epoch")}
        self._began = time.monotonic()

    def on_step(self, step: int, steps: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise ValueError(
                "the network does not learn at this rate: choose a lower learning rate"
            )
        self._events.progress(step / steps, loss)

    def on_epoch_end(self, epoch: int, loss: float, network: nn.Module) -> None:
        if epoch in self._emitted:
            return
        validator, epochs = self._trainer.validator, self._trainer.specification.epochs
        validation_loss = validator.loss(network)
        accuracy = validator.accuracy(network, self._trainer.weights)
        now = time.monotonic()
        self._events.emit(
            "epoch",
            epoch=epoch,
            epochs=epochs,
            progress=round(epoch / epochs, 4),
            loss=round(loss, 4),
            validation_loss=round(validation_loss, 4),
            accuracy=round(accuracy, 4),
            seconds=round(now - self._began, 1),
        )
        self._began = now
