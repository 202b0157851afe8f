"""The one place that imports torchvision.

Its PyPI wheel for Linux is built against a CUDA torch. Beside a CPU build its C++ operators
do not load, and importing it fails with `operator torchvision::nms does not exist`, because
it registers Python kernels for two of them. Declaring their schemas first is enough: nothing
here calls them.
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


# Kept for as long as the module is: a library object takes its operators with it when it dies.
_declarations = _declare_missing_operators()

from torchvision.models import efficientnet_b0  # noqa: E402

__all__ = ["efficientnet_b0"]
