"""Where a model looked: Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from handlers.arrays import Field, Gray, field


def grad_cam(model: torch.jit.ScriptModule, ink: Gray, target: int) -> Field:
    """How much each place of `ink`, an ink image, speaks for class `target`.

    The maps half-way through `model`, weighted by the mean gradient of the class's score and
    added up where that is positive. Returns float32 of the shape of `ink`, 0-1, all 0 where
    nothing speaks for the class.
    """
    images = torch.from_numpy(ink[None, None]).float() / 255
    with torch.no_grad():
        maps = model.maps(images)
    # oneDNN's fusion, which serving uses, cannot be differentiated.
    with torch.enable_grad(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
        maps = maps.detach().requires_grad_(True)
        (slopes,) = torch.autograd.grad(model.scores(maps)[0, target], maps)
    weights = slopes.mean(dim=(2, 3), keepdim=True)
    found = field(torch.relu((weights * maps).sum(dim=1))[0].detach().numpy())
    found /= max(float(found.max()), 1e-12)
    large = cv2.resize(found, ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return field(np.clip(large, 0, 1))
