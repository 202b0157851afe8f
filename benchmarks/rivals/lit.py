"""LitServe with the exported model of the archive: `python -m benchmarks.rivals.lit ARCHIVE PORT`.

One worker per core with one torch thread each, and the batch size of TorchServe.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import litserve
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.rivals.worker import BATCH_SIZE, unpack


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Reads one character per image."""

    def setup(self, device: str) -> None:
        """Loads the model, once per worker."""
        self.folder = tempfile.TemporaryDirectory()
        self.handler, self.context = unpack(Path(sys.argv[1]), Path(self.folder.name))

    def decode_request(self, request: Request) -> bytes:
        """The bytes of the image."""
        # LitServe passes the form as `request`, and evaluates the annotation at its start.
        image: bytes = cast(Any, request)["image"].file.read()
        return image

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        """Returns its argument: the handler takes and returns lists."""
        return inputs

    def predict(self, inputs: list[bytes]) -> list[bytes]:
        """The responses, JSON."""
        return self.handler.handle([{"body": image} for image in inputs], self.context)

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        """Returns its argument: the handler takes and returns lists."""
        return output

    def encode_response(self, output: bytes) -> Response:
        """Wraps the JSON of the handler."""
        return Response(output, media_type="application/json")


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(max_batch_size=BATCH_SIZE, batch_timeout=0.001, api_path="/api/predict/"),
        accelerator="cpu",
        workers_per_device=os.cpu_count() or 1,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False
    )
