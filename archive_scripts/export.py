"""Trained weights -> the model that a worker loads.

TorchScript is deprecated in torch 2.13; `export_model` here and `handlers.base.load_model`
are the only two places that its successor will have to change.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from archive_scripts.networks import load_weights, recognition_network


class Probabilities(nn.Module):
    """Logits to probabilities, on channels-last memory."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, 1, 64, 64) in 0-1 to (batch, classes), each row summing to 1."""
        channels_last = images.contiguous(memory_format=torch.channels_last)
        return torch.softmax(self.network(channels_last), dim=1)


def export_model(weights: Path, destination: Path) -> None:
    """Writes the recognition network as frozen TorchScript that answers probabilities."""
    network = load_weights(recognition_network(), weights)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(Probabilities(network).eval(), torch.zeros(2, 1, 64, 64))
        torch.jit.freeze(traced).save(str(destination))
