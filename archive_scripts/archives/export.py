"""Exports trained weights as the TorchScript model that a worker loads.

TorchScript is deprecated in torch 2.13. Only `_save` and `handlers.loading.load_model` depend on
it.

Every model has three methods: `forward` evaluates a batch of ink images; `maps` and `scores` do
the same in two steps, because `handlers.heatmap` needs the feature maps between them.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from archive_scripts.synthesis.tensors import reference_tensors
from archive_scripts.training.networks import describe_weights, halves, load_network
from handlers.framing import INK_SIZE


class Recogniser(nn.Module):
    """Images (batch, 1, side, side) in 0-1 to calibrated probabilities (batch, classes)."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.early, self.late = halves(network)
        self.temperature = temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images to probabilities."""
        return torch.softmax(self.scores(self.maps(images)) / self.temperature, dim=1)

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """Images to feature maps, (batch, channels, 8, 8); 7x7 for digits."""
        maps: torch.Tensor = self.early(images.contiguous(memory_format=torch.channels_last))
        return maps

    def scores(self, maps: torch.Tensor) -> torch.Tensor:
        """Feature maps to one logit per class."""
        logits: torch.Tensor = self.late(maps)
        return logits


class Comparer(nn.Module):
    """Embeddings of length 1, and the distance of each to all references, 0-2.

    An embedding is the network's output normalised to length `scale`, and one more number, equal
    for all images, that makes its length 1. This calibrates distances: they are those of outputs
    normalised to length 1, multiplied by `scale`.
    """

    references: torch.Tensor

    def __init__(self, network: nn.Module, references: torch.Tensor, scale: float) -> None:
        """`references` are images, (classes, 1, 64, 64); they are embedded once, here."""
        super().__init__()
        self.early, self.late = halves(network)
        self.scale = scale
        with torch.no_grad():
            self.register_buffer("references", self._embeddings(self.maps(references)))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (batch, 1, 64, 64) in 0-1 to (batch, outputs + 1) and (batch, classes)."""
        embeddings = self._embeddings(self.maps(images))
        squared = (embeddings[:, None] - self.references).square().sum(dim=2)
        return embeddings, squared.sqrt()

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """Images to feature maps, (batch, channels, 8, 8)."""
        maps: torch.Tensor = self.early(images.contiguous(memory_format=torch.channels_last))
        return maps

    def scores(self, maps: torch.Tensor) -> torch.Tensor:
        """Feature maps to the cosine of the angle to each reference, (batch, classes)."""
        return self._embeddings(maps) @ self.references.T

    def _embeddings(self, maps: torch.Tensor) -> torch.Tensor:
        outputs = self.scale * functional.normalize(self.late(maps), dim=1)
        return functional.pad(outputs, (0, 1), value=math.sqrt(1 - self.scale**2))


def export_recogniser(weights: Path, destination: Path, side: int = INK_SIZE) -> None:
    """Writes frozen TorchScript of `Recogniser`; `side` is that of its images, in pixels."""
    temperature = describe_weights(weights).temperature
    _save(Recogniser(load_network(weights), temperature), destination, side)


def export_comparer(weights: Path, reference_images: Path, destination: Path) -> None:
    """Writes frozen TorchScript of `Comparer` with the embeddings of the references."""
    references = reference_tensors(reference_images)
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
