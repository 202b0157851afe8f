"""One training: from what is asked for to a network."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from archive_scripts.archives.building import ROOT
from archive_scripts.archives.checksums import sha256
from archive_scripts.improvement.events import Events
from archive_scripts.improvement.judging import Judge
from archive_scripts.improvement.pictures import Pictures, digits
from archive_scripts.improvement.specification import Parameters, Specification
from archive_scripts.training.datasets import Material, load_material
from archive_scripts.training.digits import DigitMaterial
from archive_scripts.training.loop import TrainingSettings, Unwatched, Watch, train
from archive_scripts.training.networks import (
    NETWORKS,
    OUTPUTS,
    Weights,
    describe_weights,
    start_from,
)
from archive_scripts.training.objectives import objective

_CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Trainer:
    """Trains networks for one specification with whatever parameters."""

    specification: Specification
    handler: str
    """`recognition`, `similarity` or `digits`."""
    pictures: Pictures
    judge: Judge

    @property
    def weights(self) -> Weights:
        """What the weights will be of, calibrated as those that they start from.

        Raises ValueError where those are of a network for other images, OSError without them.
        """
        outputs = OUTPUTS[self.handler]
        if self.specification.start is None:
            usual = "digits" if self.handler == "digits" else "efficientnet_b0"
            return Weights(self.specification.network or usual, outputs)
        start = describe_weights(self.specification.start)
        if (start.network == "digits") != (self.handler == "digits"):
            raise ValueError(f"a model cannot start from weights of the network {start.network}")
        if start.outputs != outputs:
            return Weights(start.network, outputs)
        return start

    def train(self, parameters: Parameters, checkpoint: Path, watch: Watch) -> nn.Module:
        """Trains with `parameters`, or goes on where `checkpoint` is; answers the network."""
        weights = self.weights

        def build() -> nn.Module:
            network = NETWORKS[weights.network](weights.outputs)
            if self.specification.start is not None:
                start_from(network, self.specification.start)
            return network

        settings = TrainingSettings(
            images=parameters.epochs * parameters.images_per_epoch,
            batch_size=parameters.batch_size,
            learning_rate=parameters.learning_rate,
            seed=parameters.seed,
            data=self._in_words(parameters),
            epochs=parameters.epochs,
        )
        wanted = objective(self.handler, ROOT / "reference_images")
        material = self._material(parameters.augmentation)
        return train(build, wanted, material, settings, checkpoint, loaders=0, watch=watch)

    def _material(self, augmentation: float) -> Material:
        if self.handler == "digits":
            return DigitMaterial(digits(self.pictures.training), augmentation)
        return load_material(
            strokes=self.specification.synthesis,
            labelled=self.pictures.training,
            strength=augmentation,
        )

    def _in_words(self, parameters: Parameters) -> str:
        start = self.specification.start
        return (
            f"{self.handler}, start {start and sha256(start)}, pictures {self.pictures.digest}, "
            f"synthesis {self.specification.synthesis}, augmentation {parameters.augmentation}"
        )


def train_once(trainer: Trainer, folder: Path, events: Events) -> nn.Module:
    """Trains as the specification says, telling of every epoch once."""
    watch = _Teller(trainer, events)
    return trainer.train(trainer.specification.parameters, folder / _CHECKPOINT, watch)


class _Teller(Unwatched):
    def __init__(self, trainer: Trainer, events: Events) -> None:
        self._trainer = trainer
        self._events = events
        self._told = {event["epoch"] for event in events.past("epoch")}
        self._began = time.monotonic()

    def stepped(self, step: int, steps: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise ValueError(
                "the network does not learn at this rate: choose a lower learning rate"
            )
        self._events.progress(step / steps, loss)

    def finished_epoch(self, epoch: int, loss: float, network: nn.Module) -> None:
        if epoch in self._told:
            return
        judge, epochs = self._trainer.judge, self._trainer.specification.epochs
        validation_loss = judge.loss(network)
        accuracy = judge.accuracy(network, self._trainer.weights)
        now = time.monotonic()
        self._events.tell(
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
