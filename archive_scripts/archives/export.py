"""Trained weights -> the model that a worker loads.

TorchScript is deprecated in torch 2.13; `_save` here and `handlers.loading.load_model` are the
only two places that its successor will have to change.

Every model has three methods: `forward` answers a batch of ink images; `maps` and `scores`
are the same in two steps, for `handlers.heatmap` to look between.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from archive_scripts.synthesis.tensors import reference_inks
from archive_scripts.training.networks import describe_weights, halves, load_network
from handlers.framing import INK_SIZE


class Recogniser(nn.Module):
    """Answers probabilities: (batch, 1, side, side) in 0-1 to (batch, classes), rows summing to
    1; the side is that of the network's images.
    """

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.early, self.late = halves(network)
        self.temperature = temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Calibrated probabilities."""
        return torch.softmax(self.scores(self.maps(images)) / self.temperature, dim=1)

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """The maps half-way, (batch, channels, 8, 8), for digits 7x7."""
        maps: torch.Tensor = self.early(images.contiguous(memory_format=torch.channels_last))
        return maps

    def scores(self, maps: torch.Tensor) -> torch.Tensor:
        """From the maps to one logit a class."""
        logits: torch.Tensor = self.late(maps)
        return logits


class Comparer(nn.Module):
    """Answers embeddings of length 1 and the distance of each to all references, 0-2.

    An embedding is what the network answers, at length `scale`, and one number more, the same
    for all, that makes its length 1. Distances are thereby those of the network's answers at
    length 1, multiplied by `scale`: that is how they are calibrated.
    """

    references: torch.Tensor

    def __init__(self, network: nn.Module, references: torch.Tensor, scale: float) -> None:
        """Takes the references as images, (classes, 1, 64, 64): they are embedded here, once."""
        super().__init__()
        self.early, self.late = halves(network)
        self.scale = scale
        with torch.no_grad():
            self.register_buffer("references", self._embeddings(self.maps(references)))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, 1, 64, 64) in 0-1 to (batch, outputs + 1) and (batch, classes)."""
        embeddings = self._embeddings(self.maps(images))
        squared = (embeddings[:, None] - self.references).square().sum(dim=2)
        return embeddings, squared.sqrt()

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """The maps half-way, (batch, channels, 8, 8)."""
        maps: torch.Tensor = self.early(images.contiguous(memory_format=torch.channels_last))
        return maps

    def scores(self, maps: torch.Tensor) -> torch.Tensor:
        """From the maps to the cosine of the angle to each reference, (batch, classes)."""
        return self._embeddings(maps) @ self.references.T

    def _embeddings(self, maps: torch.Tensor) -> torch.Tensor:
        answers = self.scale * functional.normalize(self.late(maps), dim=1)
        return functional.pad(answers, (0, 1), value=math.sqrt(1 - self.scale**2))


def export_recogniser(weights: Path, destination: Path, side: int = INK_SIZE) -> None:
    """Writes a network that recognises as frozen TorchScript that answers probabilities."""
    temperature = describe_weights(weights).temperature
    _save(Recogniser(load_network(weights), temperature), destination, side)


def export_comparer(weights: Path, reference_images: Path, destination: Path) -> None:
    """Writes the similarity network, which carries the embeddings of the references."""
    references = reference_inks(reference_images)
    _save(Comparer(load_network(weights), references, describe_weights(weights).scale), destination)


def _save(model: Recogniser | Comparer, destination: Path, side: int = INK_SIZE) -> None:
    model.eval()
    images = torch.zeros(2, 1, side, side)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", DeprecationWarning)
        maps = model.maps(images)
        inputs = {"forward": images, "maps": images, "scores": maps}
        traced = torch.jit.trace_module(model, inputs)
        torch.jit.freeze(traced, preserved_attrs=["maps", "scores"]).save(str(destination))
