"""Trains a network on drawn batches, resumable at any checkpoint."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.data import DataLoader

from archive_scripts.training.datasets import Batch, Material, SyntheticBatches
from archive_scripts.training.objectives import Objective
from archive_scripts.training.parallel import Share

_CHECKPOINT_SECONDS = 30.0
"""At most so much work is lost when a training is interrupted."""


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
    epochs: int = 1
    """Equal parts, after each of which the averaged weights can be looked at."""

    @property
    def steps(self) -> int:
        """Number of batches."""
        return self.images // self.batch_size

    def epoch_ending_at(self, step: int) -> int | None:
        """The epoch, from 1, whose last step is `step`, or None in the middle of one."""
        epoch = -(-step * self.epochs // max(1, self.steps))
        ends = epoch > 0 and epoch * self.steps // self.epochs == step
        return epoch if ends else None


class Watch(Protocol):
    """Who is told how a training goes on; what it raises ends the training."""

    def stepped(self, step: int, steps: int, loss: float) -> None:
        """So many of the steps are done; `loss` is its moving average."""

    def finished_epoch(self, epoch: int, loss: float, network: nn.Module) -> None:
        """An epoch is over and its checkpoint written: its mean loss and the averaged weights.

        Told again when a training is taken up there.
        """


class Unwatched:
    """Nobody."""

    def stepped(self, step: int, steps: int, loss: float) -> None:
        """Nothing to do."""

    def finished_epoch(self, epoch: int, loss: float, network: nn.Module) -> None:
        """Nothing to do."""


@dataclass
class _State:
    """All that a checkpoint holds, less the settings."""

    network: nn.Module
    averaged: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    recent_loss: float = math.nan
    """Its moving average."""
    epoch_losses: list[float] = field(default_factory=list)
    """Of the steps of this epoch."""


def train(
    build: Callable[[], nn.Module],
    objective: Objective,
    material: Material,
    settings: TrainingSettings,
    checkpoint: Path,
    *,
    loaders: int = 1,
    watch: Watch | None = None,
    share: Share | None = None,
) -> nn.Module:
    """Trains what `build` makes, with seeded initial weights, towards `objective`.

    Returns the network with the averaged weights, in evaluation mode.

    Progress is kept in `checkpoint` and taken up from there when the file exists. Raises
    ValueError when it was written under other settings.

    With a `share`, this process is one of several that train together: it draws its part of each
    batch, and tells `watch` of the losses of that part.
    """
    watch, share = watch or Unwatched(), share or Share()
    torch.manual_seed(settings.seed)
    network = build().to(share.device).train()
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(_decay_groups(network, settings.weight_decay), lr=1.0)
    state = _State(network, averaged, optimizer)
    if checkpoint.exists():
        _resume(checkpoint, settings, state)
        _tell_of_epoch(watch, settings, state)
    data = SyntheticBatches(
        material,
        batch_size=share.of(settings.batch_size),
        batches=settings.steps,
        first=state.step,
        seed=settings.seed,
        part=share.rank,
    )
    # With random numbers of its own, so that those of dropout are the same after a resumption.
    loader: DataLoader[Batch] = DataLoader(
        data, batch_size=None, num_workers=loaders, generator=torch.Generator()
    )
    # After taking up a checkpoint, which every process reads and the first one writes.
    synchronised = share.synchronised(network)
    saved = time.monotonic()
    for images, labels in loader:
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(state.step, settings)
        images = images.to(share.device, memory_format=torch.channels_last)
        loss = objective(synchronised, images, labels.to(share.device))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        # A young average would be mostly random initial weights: let it forget faster.
        decay = min(settings.average_decay, (1 + state.step) / (10 + state.step))
        _average(averaged, network, decay)
        if settings.epoch_ending_at(state.step):
            state.epoch_losses.clear()
        _count(state, loss.item())
        if settings.epoch_ending_at(state.step) or time.monotonic() - saved >= _CHECKPOINT_SECONDS:
            if share.rank == 0:
                _save(checkpoint, settings, state)
            saved = time.monotonic()
        watch.stepped(state.step, settings.steps, state.recent_loss)
        _tell_of_epoch(watch, settings, state)
    return averaged


def _count(state: _State, loss: float) -> None:
    state.step += 1
    state.epoch_losses.append(loss)
    before = state.recent_loss
    state.recent_loss = loss if math.isnan(before) else before + 0.02 * (loss - before)


def _tell_of_epoch(watch: Watch, settings: TrainingSettings, state: _State) -> None:
    epoch = settings.epoch_ending_at(state.step)
    if epoch is not None:
        mean = sum(state.epoch_losses) / len(state.epoch_losses)
        watch.finished_epoch(epoch, mean, state.averaged)


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


def _save(checkpoint: Path, settings: TrainingSettings, state: _State) -> None:
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = checkpoint.with_suffix(".partial")
    torch.save(
        {
            "settings": asdict(settings),
            "step": state.step,
            "recent_loss": state.recent_loss,
            "epoch_losses": state.epoch_losses,
            "network": state.network.state_dict(),
            "averaged": state.averaged.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        },
        partial,
    )
    os.replace(partial, checkpoint)


def _resume(checkpoint: Path, settings: TrainingSettings, state: _State) -> None:
    found = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if found["settings"] != asdict(settings):
        raise ValueError(
            f"{checkpoint} was written under other settings ({found['settings']}): "
            "repeat those, or name another checkpoint"
        )
    state.network.load_state_dict(found["network"])
    state.averaged.load_state_dict(found["averaged"])
    state.optimizer.load_state_dict(found["optimizer"])
    state.step = int(found["step"])
    state.recent_loss = float(found["recent_loss"])
    state.epoch_losses = list(found["epoch_losses"])
    torch.set_rng_state(found["random"])
