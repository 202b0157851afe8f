"""The service that apps talk to: requests in, TorchServe's answers out, in one contract.

All image work happens in TorchServe's workers: nothing here imports torch or OpenCV.
"""

__version__ = "0.1.0"
