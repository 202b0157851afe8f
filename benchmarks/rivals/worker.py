"""A worker without a server: the handler of an archive, on batches that are there already.

`python -m benchmarks.rivals.worker ARCHIVE FOLDER` reads the pictures in FOLDER over and over. For
each line with a number of seconds it works for so long and writes how many it has answered.
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

BATCH = 8
"""Images that a worker of TorchServe gets together."""


class Context:
    """What TorchServe tells a handler."""

    model_name = "ranjana"

    def __init__(self, folder: Path) -> None:
        self.manifest = {"model": {"serializedFile": "model.pt", "modelVersion": "1.0"}}
        self.system_properties = {"model_dir": str(folder), "batch_size": BATCH}
        self.metrics = self

    def add_metric(self, *_: object, **__: object) -> None:
        """Nobody looks at them."""

    def get_all_request_header(self, idx: int) -> Mapping[str, str]:
        """None."""
        return {}

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Nothing is sent."""

    def set_response_status(self, code: int, phrase: str, idx: int) -> None:
        """Nothing that is read here is refused."""
        raise AssertionError(f"{code} {phrase}")


def unpacked(archive: Path, folder: Path) -> tuple[RecognitionHandler, Context]:
    """The handler of `archive`, unpacked into `folder`, ready to read."""
    with zipfile.ZipFile(archive) as members:
        members.extractall(folder)
        assert yaml.safe_load(members.read("model-config.yaml"))["batchSize"] == BATCH
    handler, context = RecognitionHandler(), Context(folder)
    handler.initialize(context)
    return handler, context


def main(archive: Path, pictures: Path) -> None:
    """Works as long as it is told to."""
    with tempfile.TemporaryDirectory() as folder:
        handler, context = unpacked(archive, Path(folder))
        requests: Any = cycle([{"body": path.read_bytes()} for path in sorted(pictures.iterdir())])
        print("ready", flush=True)
        for line in sys.stdin:
            deadline = time.perf_counter() + float(line)
            count = 0
            while time.perf_counter() < deadline:
                count += len(handler.handle(list(islice(requests, BATCH)), context))
            print(count, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
