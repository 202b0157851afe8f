"""The losses that networks are trained with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from archive_scripts.synthesis.tensors import reference_tensors
from archive_scripts.training.datasets import NEGATIVE
from handlers.distance import THRESHOLD

Objective = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes a network, images (n, 1, side, side) and labels (n,). Returns the loss, a scalar."""

_SMOOTHING = 0.05
# The class that ink shows, the class that its writer may mean, and its share. Some people write ड
# with the tip of उ, ३ with a tooth less, like २, and ५ without its slant, like ४. The Latin O, r
# and the sign § look like zero, eight and nine (-1 is none of the characters). Without this, a
# network that has learned from people who tell them apart is sure.
_ALIKE = ((40, 12, 0.1), (54, 55, 0.1), (56, 57, 0.1), (52, -1, 0.3), (60, -1, 0.3), (61, -1, 0.3))


def recognise(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross entropy with label smoothing 0.05.

    The target of negatives is the uniform distribution (outlier exposure, Hendrycks et al. 2019,
    arXiv:1812.04606).
    """
    logits = network(images)
    classes = logits.shape[1]
    targets = functional.one_hot(labels.clamp(min=0), classes).to(logits.dtype)
    targets = targets * (1 - _SMOOTHING) + _SMOOTHING / classes
    targets[labels == NEGATIVE] = 1 / classes
    return functional.cross_entropy(logits, targets)


def recognise_or_none(
    network: nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Cross entropy with label smoothing 0.05. The last class is that of negatives.

    A part of the target of some characters is that of another, or of none, with the same form.
    """
    logits = network(images)
    classes = logits.shape[1]
    targets = functional.one_hot(torch.where(labels == NEGATIVE, classes - 1, labels), classes)
    targets = targets.to(logits.dtype)
    for shown, meant, part in _ALIKE:
        share = part * targets[:, shown]
        targets[:, shown] -= share
        targets[:, meant] += share
    return functional.cross_entropy(logits, targets, label_smoothing=_SMOOTHING)


def objective(model: str, reference_images: Path) -> Objective:
    """The loss of the model `recognition`, `digits` or `similarity`."""
    if model == "similarity":
        return Verify(reference_tensors(reference_images))
    return recognise if model == "digits" else recognise_or_none


_STEEPNESS = 12.0
_SHARPNESS = 24.0


def embed(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The outputs of the network, normalised to length 1: shape (n, outputs)."""
    return functional.normalize(network(images), dim=1)


class Verify:
    """Brings each image nearer than `THRESHOLD` to the reference of its class and farther than that
    from all others. Negatives come far from all references.

    The sum of two cross entropies. The first is that of "same", a logistic function of the distance
    that is one half at the threshold; an image's pair with its own reference weighs as much as its
    pairs with all others together. The second is that of the class, a softmax over the negative
    squared distances to all references (Snell et al. 2017, arXiv:1703.05175), because it separates
    characters that are easily confused.
    """

    def __init__(self, references: torch.Tensor) -> None:
        """`references` are images: float32 of shape (classes, 1, 64, 64)."""
        self._references = references

    def __call__(
        self, network: nn.Module, images: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        count = len(self._references)
        references = self._references.to(images.device)
        both = embed(
            network, torch.cat([images, references]).contiguous(memory_format=torch.channels_last)
        )
        squared = (2 - 2 * both[:-count] @ both[-count:].T).clamp(min=1e-6)
        same = functional.one_hot(labels.clamp(min=0), count).bool()
        same &= (labels != NEGATIVE)[:, None]
        logits = _STEEPNESS * (THRESHOLD - squared.sqrt())
        # Summed over the other references, because most of them are far away and cost nothing.
        pairs = functional.binary_cross_entropy_with_logits(
            logits, same.to(logits.dtype), reduction="none"
        )
        verification = pairs[same].sum() / same.sum().clamp(min=1)
        verification = verification + pairs[~same].sum() / len(images)
        known = labels != NEGATIVE
        identity = functional.cross_entropy(
            -_SHARPNESS / 2 * squared[known], labels[known], reduction="sum"
        )
        return verification + identity / known.sum().clamp(min=1)
