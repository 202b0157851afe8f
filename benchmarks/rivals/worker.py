"""A worker without a server: the handler of an archive, with ready batches.

`python -m benchmarks.rivals.worker ARCHIVE FOLDER` reads the pictures in FOLDER repeatedly. For
each line with a number of seconds it works that long, then prints the number of images.
"""

from __future__ import annotations

import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

from handlers.recognition import RecognitionHandler

BATCH_SIZE = 8
"""Batch size of a TorchServe worker."""


class Context:
    """A stand-in for TorchServe's context."""

    model_name = "ranjana"

    def __init__(self, folder: Path) -> None:
        self.manifest: Mapping[str, Any] = {
            "model": {"serializedFile": "model.pt", "modelVersion": "1.0"}
        }
        self.system_properties: Mapping[str, Any] = {
            "model_dir": str(folder),
            "batch_size": BATCH_SIZE,
        }
        self.metrics: Any = self

    def add_metric(self, *_: object, **__: object) -> None:
        """Ignores metrics."""

    def get_all_request_header(self, idx: int) -> Mapping[str, str]:
        """Returns no headers."""
        return {}

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Does nothing."""

    def set_response_status(self, code: int, phrase: str, idx: int) -> None:
        """Fails, because every picture must be read."""
        raise AssertionError(f"{code} {phrase}")


def unpack(archive: Path, folder: Path) -> tuple[RecognitionHandler, Context]:
    """Unpacks `archive` into `folder` and initialises its handler."""
    with zipfile.ZipFile(archive) as members:
        members.extractall(folder)
        assert yaml.safe_load(members.read("model-config.yaml"))["batchSize"] == BATCH_SIZE
    handler, context = RecognitionHandler(), Context(folder)
    handler.initialize(context)
    return handler, context


def main(archive: Path, pictures: Path) -> None:
    """Works for the seconds in each line of standard input."""
    with tempfile.TemporaryDirectory() as folder:
        handler, context = unpack(archive, Path(folder))
        requests: Any = cycle([{"body": path.read_bytes()} for path in sorted(pictures.iterdir())])
        print("ready", flush=True)
        for line in sys.stdin:
            deadline = time.perf_counter() + float(line)
            count = 0
            while time.perf_counter() < deadline:
                count += len(handler.handle(list(islice(requests, BATCH_SIZE)), context))
            print(count, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
