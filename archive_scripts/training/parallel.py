"""Several processes that train one network together, as `torchrun` starts them.

Each draws its own share of every batch; after each step the gradients of all are averaged, so that
the network is the same in all of them.
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
class Share:
    """What one of the processes does."""

    rank: int = 0
    """Which one it is; the first, 0, keeps the checkpoints."""
    processes: int = 1
    device: str = "cpu"

    def of(self, batch_size: int) -> int:
        """Images of every batch that this process draws.

        Raises ValueError where a batch cannot be divided evenly.
        """
        if batch_size % self.processes:
            raise ValueError(f"{self.processes} processes cannot share batches of {batch_size}")
        return batch_size // self.processes

    def synchronised(self, network: nn.Module) -> nn.Module:
        """`network` as it is to be called in training."""
        return network if self.processes == 1 else DistributedDataParallel(network)


@contextmanager
def joined(device: str) -> Iterator[Share]:
    """The share of this process: all of it, unless `torchrun` started it beside others.

    On `cuda`, each process of a machine takes a device of its own.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        yield Share(device=device)
        return
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Share(distributed.get_rank(), processes, device)
    finally:
        distributed.destroy_process_group()
