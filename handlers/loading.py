"""Loads the model of an archive and warms it up."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from handlers.arrays import Gray


def load_model(path: Path, batch_size: int) -> torch.jit.ScriptModule:
    """Loads a model of `archive_scripts.archives.export` for up to `batch_size` images per run."""
    if platform.machine() in ("x86_64", "AMD64"):
        # Fuses convolutions with the operations after them: half the time for one image and for
        # eight.
        torch.jit.enable_onednn_fusion(True)
        # One compiled variant per batch size. With the default limit the thirteenth and later
        # variants run unfused, slower than without fusion.
        torch.jit.set_fusion_strategy([("STATIC", batch_size)])
    model: torch.jit.ScriptModule = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    return model.eval()


def warm_up(model: torch.jit.ScriptModule, batch_size: int, side: int) -> None:
    """Runs `model` on every number of images up to `batch_size`.

    The fused kernels are compiled for each number, a tenth of a second each, and no caller should
    wait for that. Two runs, because TorchScript profiles in the first and compiles in the second.
    """
    with torch.inference_mode():
        for images in range(1, batch_size + 1):
            for _ in range(2):
                model(torch.zeros(images, 1, side, side))


def run(model: torch.jit.ScriptModule, inks: Sequence[Gray]) -> Any:
    """Runs `model` once on ink images of one size, as float32 (n, 1, side, side), 0-1."""
    with torch.inference_mode():
        return model(torch.from_numpy(np.stack(inks)).unsqueeze(1).float().div_(255))
