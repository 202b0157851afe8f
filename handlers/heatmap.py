"""Shows where a model looked: Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from handlers.arrays import Field, Gray, field


def grad_cam(model: torch.jit.ScriptModule, ink: Gray, target: int) -> Field:
    """How much each pixel of `ink`, an ink image, speaks for class `target`.

    Weights the feature maps half-way through `model` by the mean gradient of the class's score,
    adds them up and keeps the positive values. Returns float32 of the shape of `ink`, 0-1, or all 0
    if nothing speaks for the class.
    """
    images = torch.from_numpy(ink[None, None]).float() / 255
    with torch.no_grad():
        maps = model.maps(images)
    # Serving uses oneDNN's fusion, which cannot be differentiated.
    with torch.enable_grad(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
        maps = maps.detach().requires_grad_(True)
        (gradients,) = torch.autograd.grad(model.scores(maps)[0, target], maps)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    heat = field(torch.relu((weights * maps).sum(dim=1))[0].detach().numpy())
    heat /= max(float(heat.max()), 1e-12)
    large = cv2.resize(heat, ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return field(np.clip(large, 0, 1))
