"""Trains a network on synthetic batches; can resume at any checkpoint."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from archive_scripts.synthesis.tensors import to_tensor
from archive_scripts.training.datasets import Batch, Material, SyntheticBatches
from archive_scripts.training.objectives import Objective
from archive_scripts.training.parallel import TrainingProcess

_CHECKPOINT_SECONDS = 30.0
"""An interrupted training loses at most this much work."""


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of a training. A checkpoint resumes only under equal settings."""

    images: int = 1_000_000
    """Number of images; each is seen once."""
    batch_size: int = 128
    learning_rate: float = 2e-3
    """Peak of a one-cycle schedule: linear warm-up over the first 3 %, cosine to zero."""
    weight_decay: float = 0.02
    average_decay: float = 0.999
    """Decay of the exponential moving average of the weights, which is the result."""
    seed: int = 0
    data: str = ""
    """Describes the training data and the initial weights, so that a checkpoint is not resumed with
    others."""
    epochs: int = 1
    """Equal parts of the training; `Callback.on_epoch_end` follows each."""

    @property
    def steps(self) -> int:
        """Number of batches."""
        return self.images // self.batch_size

    def epoch_ending_at(self, step: int) -> int | None:
        """The epoch (from 1) whose last step is `step`, or None within an epoch."""
        epoch = -(-step * self.epochs // max(1, self.steps))
        ends = epoch > 0 and epoch * self.steps // self.epochs == step
        return epoch if ends else None


class Callback:
    """Receives the progress of a training; an exception that it raises ends the training."""

    def on_step(self, step: int, steps: int, loss: float) -> None:
        """Called after each step; `loss` is a moving average."""

    def on_epoch_end(self, epoch: int, loss: float, network: nn.Module) -> None:
        """Called after the checkpoint of an epoch, with its mean loss and the averaged weights.

        Called again when a training resumes at that checkpoint.
        """


@dataclass
class _State:
    """The contents of a checkpoint, except the settings."""

    network: nn.Module
    averaged: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    recent_loss: float = math.nan
    """Moving average of the loss."""
    epoch_losses: list[float] = field(default_factory=list)
    """Losses of the steps of this epoch."""


def train(
    build: Callable[[], nn.Module],
    objective: Objective,
    material: Material,
    settings: TrainingSettings,
    checkpoint: Path,
    *,
    loaders: int = 1,
    callback: Callback | None = None,
    process: TrainingProcess | None = None,
) -> nn.Module:
    """Trains the network of `build`, with seeded initial weights, to lower `objective`.

    Returns the network with the averaged weights, in evaluation mode. Resumes at `checkpoint` if
    the file exists. Raises ValueError if the checkpoint was written under other settings.

    `process` is one of several that train together: it draws its part of each batch, and
    `callback` receives the losses of that part.
    """
    callback, process = callback or Callback(), process or TrainingProcess()
    torch.manual_seed(settings.seed)
    network = build().to(process.device).train()
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(_decay_groups(network, settings.weight_decay), lr=1.0)
    state = _State(network, averaged, optimizer)
    if checkpoint.exists():
        _resume(checkpoint, settings, state)
        _report_epoch(callback, settings, state)
    data = SyntheticBatches(
        material,
        batch_size=process.images_per_batch(settings.batch_size),
        batches=settings.steps,
        first=state.step,
        seed=settings.seed,
        part=process.rank,
    )
    # Its own generator, so that the random numbers of dropout are the same after a resumption.
    loader: DataLoader[Batch] = DataLoader(
        data,
        batch_size=None,
        num_workers=loaders,
        collate_fn=_as_they_are,
        generator=torch.Generator(),
    )
    # After the resumption: every process reads the checkpoint, which process 0 writes.
    synchronised = process.synchronised(network)
    saved = time.monotonic()
    for drawn, classes in loader:
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(state.step, settings)
        images = to_tensor(drawn).to(process.device, memory_format=torch.channels_last)
        loss = objective(synchronised, images, torch.from_numpy(classes).to(process.device))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        # A smaller decay at first, or the average would be mostly the random initial weights.
        decay = min(settings.average_decay, (1 + state.step) / (10 + state.step))
        _update_average(averaged, network, decay)
        if settings.epoch_ending_at(state.step):
            state.epoch_losses.clear()
        _record_loss(state, loss.item())
        if settings.epoch_ending_at(state.step) or time.monotonic() - saved >= _CHECKPOINT_SECONDS:
            if process.rank == 0:
                _save(checkpoint, settings, state)
            saved = time.monotonic()
        callback.on_step(state.step, settings.steps, state.recent_loss)
        _report_epoch(callback, settings, state)
    return averaged


def _as_they_are(batch: Batch) -> Batch:
    return batch


def _record_loss(state: _State, loss: float) -> None:
    state.step += 1
    state.epoch_losses.append(loss)
    before = state.recent_loss
    state.recent_loss = loss if math.isnan(before) else before + 0.02 * (loss - before)


def _report_epoch(callback: Callback, settings: TrainingSettings, state: _State) -> None:
    epoch = settings.epoch_ending_at(state.step)
    if epoch is not None:
        mean = sum(state.epoch_losses) / len(state.epoch_losses)
        callback.on_epoch_end(epoch, mean, state.averaged)


def _learning_rate(step: int, settings: TrainingSettings) -> float:
    warm_up = max(1, round(0.03 * settings.steps))
    if step < warm_up:
        return settings.learning_rate * (step + 1) / warm_up
    done = (step - warm_up) / max(1, settings.steps - warm_up)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def _decay_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and filters only, not for biases and normalisation."""
    decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    free = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


@torch.no_grad()
def _update_average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
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
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if content["settings"] != asdict(settings):
        raise ValueError(
            f"{checkpoint} was written under other settings ({content['settings']}): "
            "repeat those, or name another checkpoint"
        )
    state.network.load_state_dict(content["network"])
    state.averaged.load_state_dict(content["averaged"])
    state.optimizer.load_state_dict(content["optimizer"])
    state.step = int(content["step"])
    state.recent_loss = float(content["recent_loss"])
    state.epoch_losses = list(content["epoch_losses"])
    torch.set_rng_state(content["random"])
