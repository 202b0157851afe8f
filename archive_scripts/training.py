"""Trains a network on synthetic batches, resumable at any checkpoint."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import nn
from torch.utils.data import DataLoader

from archive_scripts.datasets import Batch, Material, SyntheticBatches

_CHECKPOINT_STEPS = 250

Objective = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes a network, images (n, 1, 64, 64) and labels (n,), answers the loss to be lowered."""


@dataclass(frozen=True)
class TrainingSettings:
    """What decides a training's outcome; a checkpoint resumes only under equal settings."""

    images: int = 1_000_000
    """Images seen, each once."""
    batch_size: int = 128
    learning_rate: float = 2e-3
    """Peak of a one-cycle schedule: linear warm-up over the first 3 %, cosine to zero."""
    weight_decay: float = 0.02
    average_decay: float = 0.999
    """Of the exponential moving average of the weights, which is what is kept."""
    seed: int = 0
    data: str = ""
    """What the images are made of and where the weights start, in words."""

    @property
    def steps(self) -> int:
        """Number of batches."""
        return self.images // self.batch_size


def train(
    build: Callable[[], nn.Module],
    objective: Objective,
    material: Material,
    settings: TrainingSettings,
    checkpoint: Path,
    *,
    device: str = "cpu",
    loaders: int = 1,
) -> nn.Module:
    """Trains what `build` makes, with seeded initial weights, towards `objective`.

    Returns the network with the averaged weights, in evaluation mode.

    Progress is kept in `checkpoint` and taken up from there when the file exists. Raises
    ValueError when it was written under other settings.
    """
    torch.manual_seed(settings.seed)
    network = build().to(device).train()
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(_decay_groups(network, settings.weight_decay), lr=1.0)
    first = 0
    if checkpoint.exists():
        first = _resume(checkpoint, settings, network, averaged, optimizer)
    data = SyntheticBatches(
        material,
        batch_size=settings.batch_size,
        batches=settings.steps,
        first=first,
        seed=settings.seed,
    )
    recent_loss = math.nan
    with _progress() as progress:
        bar = progress.add_task("training", total=settings.steps, completed=first, loss=0.0)
        loader: DataLoader[Batch] = DataLoader(data, batch_size=None, num_workers=loaders)
        for step, (images, labels) in enumerate(loader, first):
            for group in optimizer.param_groups:
                group["lr"] = _learning_rate(step, settings)
            images = images.to(device, memory_format=torch.channels_last)
            loss = objective(network, images, labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            # A young average would be mostly random initial weights: let it forget faster.
            _average(averaged, network, min(settings.average_decay, (1 + step) / (10 + step)))
            recent_loss = _follow(recent_loss, loss.item())
            progress.update(bar, advance=1, loss=recent_loss)
            if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == settings.steps:
                _save(checkpoint, settings, step + 1, network, averaged, optimizer)
    return averaged


def _follow(average: float, value: float) -> float:
    return value if math.isnan(average) else average + 0.02 * (value - average)


def _learning_rate(step: int, settings: TrainingSettings) -> float:
    warm_up = max(1, round(0.03 * settings.steps))
    if step < warm_up:
        return settings.learning_rate * (step + 1) / warm_up
    done = (step - warm_up) / max(1, settings.steps - warm_up)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def _decay_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and filters; none for biases and normalisation."""
    decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    free = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    current = network.state_dict()
    for name, value in averaged.state_dict().items():
        if value.is_floating_point():
            value.lerp_(current[name], 1 - decay)
        else:
            value.copy_(current[name])


def _save(
    checkpoint: Path,
    settings: TrainingSettings,
    step: int,
    network: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = checkpoint.with_suffix(".partial")
    torch.save(
        {
            "settings": asdict(settings),
            "step": step,
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimizer": optimizer.state_dict(),
        },
        partial,
    )
    os.replace(partial, checkpoint)


def _resume(
    checkpoint: Path,
    settings: TrainingSettings,
    network: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> int:
    state = torch.load(checkpoint, weights_only=True)
    if state["settings"] != asdict(settings):
        raise ValueError(
            f"{checkpoint} was written under other settings ({state['settings']}): "
            "repeat those, or name another checkpoint"
        )
    network.load_state_dict(state["network"])
    averaged.load_state_dict(state["averaged"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        refresh_per_second=1,
    )
