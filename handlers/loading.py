"""The model of an archive, ready to be run."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def load_model(path: Path, batch_size: int) -> torch.jit.ScriptModule:
    """Loads what `archive_scripts.archives.export` wrote, for the CPU and up to
    `batch_size` images at once.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        # Fuses convolutions with what follows them: half the time for one image and for eight.
        torch.jit.enable_onednn_fusion(True)
        # As many compiled variants as there are batch sizes: by default the thirteenth and
        # all after it would run unfused, slower than without any of this.
        torch.jit.set_fusion_strategy([("STATIC", batch_size)])
    model: torch.jit.ScriptModule = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    return model.eval()


def warm_up(model: torch.jit.ScriptModule, batch_size: int, side: int) -> None:
    """Runs `model` on every number of images up to `batch_size`.

    The fused kernels are compiled for each, a tenth of a second a time, which no caller
    should wait for: TorchScript profiles in the first run and compiles in the second.
    """
    with torch.inference_mode():
        for images in range(1, batch_size + 1):
            for _ in range(2):
                model(torch.zeros(images, 1, side, side))
