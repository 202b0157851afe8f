"""The base class of all image handlers: preprocess, inference, postprocess.

TorchServe hands a handler up to `batchSize` requests at once. An exception would answer all of them
with a 503, so a bad image never raises here: it gets a response with its own status, and the other
images of the batch get theirs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import cv2
import torch

from handlers import wire_format, worker_metrics
from handlers.arrays import Gray
from handlers.cpu_limit import OutOfTime, within
from handlers.decoding_work import too_complex
from handlers.drawings import drawing_of_image, drawing_of_strokes
from handlers.errors import ImageTooComplex, Postponed, RequestRefused
from handlers.framing import INK_SIZE
from handlers.loading import load_model, run, warm_up
from handlers.logs import logger, request_ids, set_up
from handlers.options import ImageOptions, Source
from handlers.preprocessing import (
    FoundInk,
    InkImage,
    character_image,
    preprocess,
    preprocess_drawing,
)
from handlers.request_form import Request, image_bytes, with_options
from handlers.wire_format import ImagePart, join
from handlers.worker_metrics import MetricsContext, observe

IMAGE_SECONDS = 2.0
"""Processor time that decoding and preprocessing an image may take. A photograph of 12 megapixels
takes 0.1, the slowest of 40 megapixels, or 64 of a JPEG, about one. HEIC and AVIF have twice the
time, see `handlers.decoding_apart`."""
QUICK_SECONDS = 0.5
"""The same for requests with `X-Quick`, which are sent again, alone, if they take longer."""
QUICK_BATCH_SECONDS = 1.0
"""After this time, further quick images of a batch are not begun: their batch has waited enough."""

Answer = dict[str, Any]


Options = TypeVar("Options", bound=ImageOptions)


class WorkerContext(MetricsContext, Protocol):
    """The part of TorchServe's `ts.context.Context` that handlers use."""

    model_name: str
    manifest: Mapping[str, Any]
    system_properties: Mapping[str, Any]

    def get_all_request_header(self, idx: int) -> Mapping[str, str]: ...

    def set_response_content_type(self, idx: int, value: str) -> None: ...

    def set_response_status(self, code: int, phrase: str, idx: int) -> None: ...


@dataclass(frozen=True)
class PreparedImage(Generic[Options]):
    """A preprocessed image of a batch."""

    index: int
    """Position among all images of the batch."""
    request_index: int
    """Position of its request in the batch."""
    image: InkImage
    options: Options
    request_id: str
    """The request's id in logs, empty if the caller sent none."""


Batch = Sequence[PreparedImage[Options]]


class Response(NamedTuple):
    """The response to one image or one request."""

    document: bytes
    """JSON."""
    status: int = HTTPStatus.OK
    code: str = ""
    """The reason of a refusal, snake_case."""


class _ImageTask(NamedTuple):
    """An image of a batch before preprocessing."""

    request_index: int
    part: ImagePart
    request_id: str


class _IncomingRequest(NamedTuple):
    """A parsed request."""

    parts: Sequence[ImagePart]
    request_ids: Sequence[str]
    """One per image, empty where the caller sent none."""
    grouped: bool = False
    """Whether it came with `X-Images`, even for a single image."""
    refusal: Response | None = None

    def response(self, responses: Sequence[Response]) -> Response:
        """Combines the responses to its images."""
        if self.refusal:
            return self.refusal
        if self.grouped:
            return Response(join([(each.status, each.document) for each in responses]))
        return responses[0]


class ImageHandler(Generic[Options]):
    """Preprocesses each image of a batch, runs the model once, answers each image.

    A subclass implements `options` and `postprocess`; it may override `preprocess_photograph` and
    `draw`.
    """

    side: ClassVar[int] = INK_SIZE
    """Side of the ink images that the model takes, in pixels."""
    batch_size: int = 1
    """Maximum number of images per run of the model."""

    def initialize(self, context: WorkerContext) -> None:
        """Loads the archive's model and warms it up. TorchServe calls it once per worker."""
        # One core per worker: by default torch and OpenCV in every worker would each use all
        # cores and slow the other workers down.
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        manifest = context.manifest["model"]
        folder = Path(context.system_properties["model_dir"])
        self.batch_size = int(context.system_properties["batch_size"])
        self.model = load_model(folder / manifest["serializedFile"], self.batch_size)
        set_up(context.model_name, manifest["modelVersion"])
        worker_metrics.set_up()
        self.description = {"name": context.model_name, "version": manifest["modelVersion"]}
        self.load(folder)
        warm_up(self.model, self.batch_size, self.side)

    def load(self, folder: Path) -> None:
        """Loads further files of the archive, which is unpacked in `folder`."""

    def handle(self, requests: Sequence[Request], context: WorkerContext) -> list[bytes]:
        """Answers a batch: one JSON document per request, in order."""
        incoming = [
            _parse(request, context.get_all_request_header(index))
            for index, request in enumerate(requests)
        ]
        tasks = [
            _ImageTask(index, part, request_id)
            for index, request in enumerate(incoming)
            for part, request_id in zip(request.parts, request.request_ids, strict=True)
        ]
        with worker_metrics.buffered():
            responses = iter(self._run(tasks, context))
        documents = []
        for index, request in enumerate(incoming):
            context.set_response_content_type(index, "application/json")
            response = request.response([next(responses) for _ in request.parts])
            if response.status != HTTPStatus.OK:
                context.set_response_status(response.status, response.code, index)
            documents.append(response.document)
        return documents

    def _run(self, tasks: Sequence[_ImageTask], context: WorkerContext) -> list[Response]:
        """Takes all images through the three steps; one response per image."""
        responses: dict[int, Response] = {}
        prepared: list[PreparedImage[Options]] = []
        batch_started = time.thread_time()
        for index, (request_index, part, request_id) in enumerate(tasks):
            started = time.perf_counter()
            try:
                options = self.options(part.headers)
                image = self._preprocess(part, options, time.thread_time() - batch_started)
                prepared.append(PreparedImage(index, request_index, image, options, request_id))
            except RequestRefused as refusal:
                responses[index] = _refuse(refusal, request_id)
            except Exception:  # our own bug must not fail the whole batch
                logger.exception("preprocessing failed", extra={"request_id": request_id})
                responses[index] = _FAILED
            seconds = time.perf_counter() - started
            observe(context, request_index, "PreprocessingTime", seconds, "Seconds")
        for start in range(0, len(prepared), self.batch_size):
            batch = prepared[start : start + self.batch_size]
            started = time.perf_counter()
            responses |= self._predict(batch, context)
            first, seconds = batch[0].request_index, time.perf_counter() - started
            observe(context, first, "InferenceTime", seconds, "Seconds")
            observe(context, first, "BatchSize", len(batch), "Images")
        return [responses[index] for index in range(len(tasks))]

    def _preprocess(self, part: ImagePart, options: Options, batch_seconds: float) -> InkImage:
        """Preprocesses an image in the time that it may take. Raises RequestRefused.

        `batch_seconds`: the time that earlier images of the batch took.
        """
        quick = "x-quick" in part.headers
        if quick and options.source is Source.WORKSHEET:
            raise Postponed(tried=True)  # it has as much work as a batch of batches
        if quick and batch_seconds > QUICK_BATCH_SECONDS:
            raise Postponed(tried=False)
        seconds = QUICK_SECONDS if quick else IMAGE_SECONDS
        try:
            return within(seconds, lambda: self.preprocess(part.image, options))
        except OutOfTime:
            if quick:
                raise Postponed(tried=True) from None
            if options.source is Source.STROKES:
                raise ImageTooComplex("The drawing has too many points to read.") from None
            raise too_complex() from None

    def _predict(self, batch: Batch[Options], context: WorkerContext) -> dict[int, Response]:
        """Responses by the images' indices. If the batch fails, each image is tried alone."""
        try:
            answers = self.postprocess(batch, self.inference(batch), context)
            responses = {
                item.index: Response(_encode(answer))
                for item, answer in zip(batch, answers, strict=True)
            }
        except Exception:  # as in `_run`
            if len(batch) > 1:
                alone = [self._predict([item], context) for item in batch]
                return {index: response for each in alone for index, response in each.items()}
            logger.exception("answering failed", extra={"request_id": batch[0].request_id})
            return {batch[0].index: _FAILED}
        for item in batch:
            logger.debug("answered", extra={"request_id": item.request_id, "status": 200})
        return responses

    def options(self, headers: Mapping[str, str]) -> Options:
        """Parses the options from request headers, whose names are in lower case.

        Raises RequestRefused.
        """
        raise NotImplementedError

    def preprocess(self, data: bytes, options: Options) -> InkImage:
        """Finds the ink in a request's body. Raises RequestRefused."""
        if options.source is Source.PHOTOGRAPH:
            return self.preprocess_photograph(data, options)
        if options.source is Source.STROKES:
            return preprocess_drawing(drawing_of_strokes(data, options.pen), self.draw)
        return preprocess_drawing(drawing_of_image(data), self.draw)

    def preprocess_photograph(self, data: bytes, options: Options) -> InkImage:
        """Finds the ink of a character. Raises an `handlers.errors.ImageRefused`."""
        return preprocess(data, options.enhancement, self.draw)

    @staticmethod
    def draw(found: FoundInk) -> Gray:
        """Draws the ink image of a character."""
        return character_image(found)

    def inference(self, batch: Batch[Options]) -> Any:
        """Runs the model once; returns its output."""
        return run(self.model, [item.image.ink for item in batch])

    def postprocess(
        self, batch: Batch[Options], output: Any, context: WorkerContext
    ) -> list[Answer]:
        """Turns the model's output for a batch into one answer per image."""
        raise NotImplementedError


def _encode(answer: Answer) -> bytes:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()


def _parse(request: Request, headers: Mapping[str, str]) -> _IncomingRequest:
    lowered = {name.lower(): headers[name] for name in headers}
    description = lowered.pop(wire_format.HEADER, None)
    try:
        body = image_bytes(request)
        if description is None:
            options = with_options(lowered, request)
            return _IncomingRequest([ImagePart(body, options)], request_ids(lowered, 1))
        parts = wire_format.split(description, body, lowered)
        return _IncomingRequest(parts, request_ids(lowered, len(parts)), grouped=True)
    except RequestRefused as refusal:
        return _IncomingRequest([], [], refusal=_refuse(refusal, *request_ids(lowered, 1)))


def _refuse(refusal: RequestRefused, request_id: str) -> Response:
    why = {"request_id": request_id, "status": refusal.status, "code": refusal.code}
    logger.info("refused", extra=why)
    return _error(refusal.status, refusal.code, str(refusal))


def _error(status: int, code: str, sentence: str) -> Response:
    return Response(_encode({"success": False, "error": sentence, "code": code}), status, code)


_FAILED = _error(500, "internal_error", "The image could not be processed.")
