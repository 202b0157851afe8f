"""The service that apps talk to: requests in, TorchServe's answers out, in one contract.

All image work happens in TorchServe's workers: nothing here imports torch or OpenCV.
"""

from __future__ import annotations

VERSION = "0.1.0"
"""Of the service, as in `pyproject.toml`."""
