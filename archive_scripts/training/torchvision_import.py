"""The only import of torchvision.

Its PyPI wheel for Linux is built for a CUDA torch. With a CPU build of torch its C++ operators do
not load, and the import fails with `operator torchvision::nms does not exist`, because torchvision
registers Python kernels for two of them. Declaring their schemas first is enough, because nothing
here calls the operators.
"""

from __future__ import annotations

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare_missing_operators() -> torch.library.Library | None:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        declarations = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            declarations.define(schema)
        return declarations
    return None


# Kept as long as the module, because a deleted library object removes its operators.
_declarations = _declare_missing_operators()

from torchvision.models import efficientnet_b0  # noqa: E402

__all__ = ["efficientnet_b0"]
