"""Trains one network in several processes, which `torchrun` starts.

Each process draws its own part of every batch. The gradients are averaged after each step, so that
all processes hold the same network.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class TrainingProcess:
    """One of the processes that train together."""

    rank: int = 0
    """Process 0 writes the checkpoints."""
    processes: int = 1
    device: str = "cpu"

    def images_per_batch(self, batch_size: int) -> int:
        """The number of images that this process draws.

        Raises ValueError if a batch cannot be divided evenly.
        """
        if batch_size % self.processes:
            raise ValueError(f"{self.processes} processes cannot share batches of {batch_size}")
        return batch_size // self.processes

    def synchronised(self, network: nn.Module) -> nn.Module:
        """Wraps `network` so that training averages the gradients of all processes."""
        return network if self.processes == 1 else DistributedDataParallel(network)


@contextmanager
def process_group(device: str) -> Iterator[TrainingProcess]:
    """Joins the processes that `torchrun` started; without `torchrun` this process is alone.

    With `cuda`, each process of a machine uses its own device.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        yield TrainingProcess(device=device)
        return
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield TrainingProcess(distributed.get_rank(), processes, device)
    finally:
        distributed.destroy_process_group()
