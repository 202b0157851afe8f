"""What every image handler shares: batches in which each image stands for itself.

TorchServe hands a handler up to `batchSize` requests at once and turns an exception into a
503 for all of them, so nothing here raises for a bad image: it gets an answer with a status
of its own, and its neighbours get theirs.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import cv2
import numpy as np
import torch
from ts.metrics.metric_type_enum import MetricTypes

from handlers.errors import RequestRefused, UnreadableImage
from handlers.framing import INK_SIZE
from handlers.logs import logger, request_ids, set_up
from handlers.preprocessing import InkImage, preprocess

Answer = dict[str, Any]
Request = Mapping[str, Any]


class ImageOptions(Protocol):
    """What every request may ask for."""

    @property
    def enhancement(self) -> int | None:
        """How much to do about a poor picture, see `handlers.preprocessing`."""


Options = TypeVar("Options", bound=ImageOptions)


class WorkerContext(Protocol):
    """The part of TorchServe's `ts.context.Context` that is used here."""

    model_name: str
    manifest: Mapping[str, Any]
    system_properties: Mapping[str, Any]
    metrics: Any

    def get_all_request_header(self, idx: int) -> Mapping[str, str]: ...

    def set_response_content_type(self, idx: int, value: str) -> None: ...

    def set_response_status(self, code: int, phrase: str, idx: int) -> None: ...


@dataclass(frozen=True)
class Readable(Generic[Options]):
    """A request of a batch whose image could be read."""

    index: int
    """Its place in the batch."""
    image: InkImage
    options: Options
    request_id: str
    """What the request is called in logs, empty if it said nothing."""


class ImageHandler(Generic[Options]):
    """Preprocesses each image of a batch, runs the model once, answers each image.

    A subclass says in `options` what else a request asks for and in `answers` what the
    answers are.
    """

    side: ClassVar[int] = INK_SIZE
    """Of the ink images that the model takes, in pixels."""

    def initialize(self, context: WorkerContext) -> None:
        """Loads the model of the archive and warms it up; called once in a worker's life."""
        # One core a worker: left alone, torch and OpenCV in every worker would each take all
        # cores and slow the others down.
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        manifest = context.manifest["model"]
        folder = Path(context.system_properties["model_dir"])
        batch_size = int(context.system_properties["batch_size"])
        self.model = load_model(folder / manifest["serializedFile"], batch_size)
        set_up(context.model_name, manifest["modelVersion"])
        self.description = {"name": context.model_name, "version": manifest["modelVersion"]}
        self.load(folder)
        warm_up(self.model, batch_size, self.side)

    def load(self, folder: Path) -> None:
        """Reads what else there is in the unpacked archive at `folder`."""

    def handle(self, requests: Sequence[Request], context: WorkerContext) -> list[bytes]:
        """Answers a batch: one JSON document a request, in order."""
        answers: dict[int, bytes] = {}
        readable: list[Readable[Options]] = []
        for index, request in enumerate(requests):
            context.set_response_content_type(index, "application/json")
            started = time.perf_counter()
            sent = context.get_all_request_header(index)
            headers = {name.lower(): sent[name] for name in sent}
            (identifier,) = request_ids(headers, 1)
            try:
                options = self.options(headers)
                image = self.see(image_bytes(request), options.enhancement)
                readable.append(Readable(index, image, options, identifier))
            except RequestRefused as refusal:
                why = {"request_id": identifier, "status": refusal.status, "code": refusal.code}
                logger.info("refused", extra=why)
                answers[index] = _refuse(context, index, refusal.status, refusal.code, str(refusal))
            except Exception:  # a bug of ours must not take the whole batch along
                logger.exception("preprocessing failed", extra={"request_id": identifier})
                answers[index] = _fail(context, index)
            observe(context, index, "PreprocessingTime", time.perf_counter() - started, "Seconds")
        answers |= self._answers_of(readable, context)
        return [answers[index] for index in range(len(requests))]

    def _answers_of(
        self, batch: Sequence[Readable[Options]], context: WorkerContext
    ) -> dict[int, bytes]:
        """The answers by their places in the batch. Where they cannot be had together, each is
        tried alone.
        """
        if not batch:
            return {}
        try:
            found = self.answers(batch, context)
            answers = {i.index: _encode(answer) for i, answer in zip(batch, found, strict=True)}
        except Exception:  # as above
            if len(batch) > 1:
                alone = [self._answers_of([item], context) for item in batch]
                return {index: answer for each in alone for index, answer in each.items()}
            logger.exception("answering failed", extra={"request_id": batch[0].request_id})
            return {batch[0].index: _fail(context, batch[0].index)}
        for item in batch:
            logger.debug("answered", extra={"request_id": item.request_id, "status": 200})
        return answers

    def see(self, data: bytes, enhancement: int | None) -> InkImage:
        """The ink in an encoded image. Raises an `handlers.errors.ImageRefused`."""
        return preprocess(data, enhancement)

    def options(self, headers: Mapping[str, str]) -> Options:
        """What a request asks for in its headers, whose names are in lower case.

        Raises RequestRefused.
        """
        raise NotImplementedError

    def answers(self, batch: Sequence[Readable[Options]], context: WorkerContext) -> list[Answer]:
        """Runs the model on all images at once and describes what it found in each."""
        raise NotImplementedError


def load_model(path: Path, batch_size: int) -> torch.jit.ScriptModule:
    """Loads what `archive_scripts.export` wrote, for the CPU and up to
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


def stack(batch: Sequence[Readable[Any]]) -> torch.Tensor:
    """The ink images of a batch as the model takes them: float32 (n, 1, side, side), 0-1."""
    inks = np.stack([item.image.ink for item in batch])
    return torch.from_numpy(inks).unsqueeze(1).float().div_(255)


def warm_up(model: torch.jit.ScriptModule, batch_size: int, side: int) -> None:
    """Runs `model` on every number of images up to `batch_size`.

    The fused kernels are compiled for each, a tenth of a second a time, which no caller
    should wait for: TorchScript profiles in the first run and compiles in the second.
    """
    with torch.inference_mode():
        for images in range(1, batch_size + 1):
            for _ in range(2):
                model(torch.zeros(images, 1, side, side))


def image_bytes(request: Request) -> bytes:
    """The encoded image of a request: its raw body or its multipart field `data`.

    Raises UnreadableImage when there is neither.
    """
    body = request.get("body", request.get("data"))
    if not isinstance(body, (bytes, bytearray)) or not body:
        raise UnreadableImage("There is no image in the request.")
    return bytes(body)


def observe(context: WorkerContext, index: int, name: str, value: float, unit: str) -> None:
    """Adds one observation to a histogram that `deploy/torchserve/metrics.yaml` names.

    TorchServe's histograms have the default buckets of Prometheus clients, 0.005 to 10:
    times are therefore given in seconds and shares as 0-1.
    """
    context.metrics.add_metric(name, value, unit, index, metric_type=MetricTypes.HISTOGRAM)


def _encode(answer: Answer) -> bytes:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()


def _fail(context: WorkerContext, index: int) -> bytes:
    return _refuse(context, index, 500, "internal_error", "The image could not be processed.")


def _refuse(context: WorkerContext, index: int, status: int, code: str, error: str) -> bytes:
    context.set_response_status(status, code, index)
    return _encode({"success": False, "error": error, "code": code})
