"""What every image handler shares: batches in which each image stands for itself.

TorchServe hands a handler up to `batchSize` requests at once and turns an exception into a
503 for all of them, so nothing here raises for a bad image: it gets an answer with a status
of its own, and its neighbours get theirs.
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
import numpy as np
import torch

from handlers import grouping, observing
from handlers.errors import RequestRefused, UnreadableImage
from handlers.framing import INK_SIZE
from handlers.grouping import Part, join
from handlers.loading import load_model, warm_up
from handlers.logs import logger, request_ids, set_up
from handlers.observing import Observer, observe
from handlers.preprocessing import InkImage, preprocess

Answer = dict[str, Any]
Request = Mapping[str, Any]


class ImageOptions(Protocol):
    """What every request may ask for."""

    @property
    def enhancement(self) -> int | None:
        """How much to do about a poor picture, see `handlers.preprocessing`."""


Options = TypeVar("Options", bound=ImageOptions)


class WorkerContext(Observer, Protocol):
    """The part of TorchServe's `ts.context.Context` that is used here."""

    model_name: str
    manifest: Mapping[str, Any]
    system_properties: Mapping[str, Any]

    def get_all_request_header(self, idx: int) -> Mapping[str, str]: ...

    def set_response_content_type(self, idx: int, value: str) -> None: ...

    def set_response_status(self, code: int, phrase: str, idx: int) -> None: ...


@dataclass(frozen=True)
class Readable(Generic[Options]):
    """An image of a batch that could be read."""

    place: int
    """Among all images of the batch."""
    request: int
    """The place of its request in the batch."""
    image: InkImage
    options: Options
    request_id: str
    """What the request is called in logs, empty if it said nothing."""


class Response(NamedTuple):
    """What is answered to one image or one request."""

    document: bytes
    """JSON."""
    status: int = HTTPStatus.OK
    code: str = ""
    """Why it was refused, snake_case."""


class _Asked(NamedTuple):
    """An image of a batch."""

    request: int
    """The place of its request in the batch."""
    part: Part
    request_id: str


class _Arrived(NamedTuple):
    """A request taken apart."""

    parts: Sequence[Part]
    request_ids: Sequence[str]
    """What each image is called in logs, empty if nothing was said."""
    together: bool = False
    """Whether it has its images in a group, be it a group of one."""
    refusal: Response | None = None

    def reply(self, replies: Sequence[Response]) -> Response:
        """The answer to the request, of those to its images."""
        if self.refusal:
            return self.refusal
        if self.together:
            return Response(join([(reply.status, reply.document) for reply in replies]))
        return replies[0]


class ImageHandler(Generic[Options]):
    """Preprocesses each image of a batch, runs the model once, answers each image.

    A subclass says in `options` what else a request asks for and in `postprocess` what the
    answers are.
    """

    side: ClassVar[int] = INK_SIZE
    """Of the ink images that the model takes, in pixels."""
    batch_size: int = 1
    """Images that the model looks at together, at most."""

    def initialize(self, context: WorkerContext) -> None:
        """Loads the model of the archive and warms it up; called once in a worker's life."""
        # One core a worker: left alone, torch and OpenCV in every worker would each take all
        # cores and slow the others down.
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        manifest = context.manifest["model"]
        folder = Path(context.system_properties["model_dir"])
        self.batch_size = int(context.system_properties["batch_size"])
        self.model = load_model(folder / manifest["serializedFile"], self.batch_size)
        set_up(context.model_name, manifest["modelVersion"])
        observing.set_up()
        self.description = {"name": context.model_name, "version": manifest["modelVersion"]}
        self.load(folder)
        warm_up(self.model, self.batch_size, self.side)

    def load(self, folder: Path) -> None:
        """Reads what else there is in the unpacked archive at `folder`."""

    def handle(self, requests: Sequence[Request], context: WorkerContext) -> list[bytes]:
        """Answers a batch: one JSON document a request, in order."""
        arrived = [
            _arrived(request, context.get_all_request_header(index))
            for index, request in enumerate(requests)
        ]
        asked = [
            _Asked(index, part, identifier)
            for index, each in enumerate(arrived)
            for part, identifier in zip(each.parts, each.request_ids, strict=True)
        ]
        with observing.written_together():
            replies = iter(self._replies(asked, context))
        answers = []
        for index, each in enumerate(arrived):
            context.set_response_content_type(index, "application/json")
            reply = each.reply([next(replies) for _ in each.parts])
            if reply.status != HTTPStatus.OK:
                context.set_response_status(reply.status, reply.code, index)
            answers.append(reply.document)
        return answers

    def _replies(self, asked: Sequence[_Asked], context: WorkerContext) -> list[Response]:
        """One for each image."""
        replies: dict[int, Response] = {}
        readable: list[Readable[Options]] = []
        for place, (request, part, identifier) in enumerate(asked):
            started = time.perf_counter()
            try:
                options = self.options(part.headers)
                image = self.preprocess(part.image, options.enhancement)
                readable.append(Readable(place, request, image, options, identifier))
            except RequestRefused as refusal:
                replies[place] = _refusal(refusal, identifier)
            except Exception:  # a bug of ours must not take the whole batch along
                logger.exception("preprocessing failed", extra={"request_id": identifier})
                replies[place] = _FAILED
            seconds = time.perf_counter() - started
            observe(context, request, "PreprocessingTime", seconds, "Seconds")
        for start in range(0, len(readable), self.batch_size):
            batch = readable[start : start + self.batch_size]
            started = time.perf_counter()
            replies |= self._answers_of(batch, context)
            first, seconds = batch[0].request, time.perf_counter() - started
            observe(context, first, "InferenceTime", seconds, "Seconds")
            observe(context, first, "BatchSize", len(batch), "Images")
        return [replies[place] for place in range(len(asked))]

    def _answers_of(
        self, batch: Sequence[Readable[Options]], context: WorkerContext
    ) -> dict[int, Response]:
        """The answers by the places of their images. Where they cannot be had together, each is
        tried alone.
        """
        try:
            found = self.postprocess(batch, context)
            answers = {
                item.place: Response(_encode(answer))
                for item, answer in zip(batch, found, strict=True)
            }
        except Exception:  # as above
            if len(batch) > 1:
                alone = [self._answers_of([item], context) for item in batch]
                return {place: answer for each in alone for place, answer in each.items()}
            logger.exception("answering failed", extra={"request_id": batch[0].request_id})
            return {batch[0].place: _FAILED}
        for item in batch:
            logger.debug("answered", extra={"request_id": item.request_id, "status": 200})
        return answers

    def preprocess(self, data: bytes, enhancement: int | None) -> InkImage:
        """The ink in an encoded image. Raises an `handlers.errors.ImageRefused`."""
        return preprocess(data, enhancement)

    def options(self, headers: Mapping[str, str]) -> Options:
        """What a request asks for in its headers, whose names are in lower case.

        Raises RequestRefused.
        """
        raise NotImplementedError

    def postprocess(
        self, batch: Sequence[Readable[Options]], context: WorkerContext
    ) -> list[Answer]:
        """Runs the model on all images at once and describes what it found in each."""
        raise NotImplementedError


def stack(batch: Sequence[Readable[Any]]) -> torch.Tensor:
    """The ink images of a batch as the model takes them: float32 (n, 1, side, side), 0-1."""
    inks = np.stack([item.image.ink for item in batch])
    return torch.from_numpy(inks).unsqueeze(1).float().div_(255)


def image_bytes(request: Request) -> bytes:
    """The encoded image of a request: its raw body or its multipart field `data`.

    Raises UnreadableImage when there is neither.
    """
    body = request.get("body", request.get("data"))
    if not isinstance(body, (bytes, bytearray)) or not body:
        raise UnreadableImage("There is no image in the request.")
    return bytes(body)


def _encode(answer: Answer) -> bytes:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()


def _arrived(request: Request, headers: Mapping[str, str]) -> _Arrived:
    lowered = {name.lower(): headers[name] for name in headers}
    described = lowered.pop(grouping.HEADER, None)
    try:
        body = image_bytes(request)
        if described is None:
            return _Arrived([Part(body, lowered)], request_ids(lowered, 1))
        parts = grouping.split(described, body, lowered)
        return _Arrived(parts, request_ids(lowered, len(parts)), together=True)
    except RequestRefused as refusal:
        return _Arrived([], [], refusal=_refusal(refusal, *request_ids(lowered, 1)))


def _refusal(refusal: RequestRefused, request_id: str) -> Response:
    why = {"request_id": request_id, "status": refusal.status, "code": refusal.code}
    logger.info("refused", extra=why)
    return _refused(refusal.status, refusal.code, str(refusal))


def _refused(status: int, code: str, error: str) -> Response:
    return Response(_encode({"success": False, "error": error, "code": code}), status, code)


_FAILED = _refused(500, "internal_error", "The image could not be processed.")
