"""Workers answer every image of a batch, with bad images and with bugs in the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from handlers.base import Answer, Batch, ImageHandler, WorkerContext
from handlers.comparison import Strictness
from handlers.errors import InvalidOption
from handlers.logs import request_ids
from handlers.options import ComparisonOptions, RecognitionOptions
from tests.support.pictures import encode, reference


class Context:
    """TorchServe's context: the headers of a batch, and the statuses that the handler set."""

    model_name = "test"
    manifest: Mapping[str, Any] = {}
    system_properties: Mapping[str, Any] = {}

    def __init__(self, headers: Sequence[Mapping[str, str]]) -> None:
        self.headers = headers
        self.statuses = dict.fromkeys(range(len(headers)), 200)
        self.metrics = self

    def add_metric(self, *_: object, **__: object) -> None:
        pass

    def get_all_request_header(self, idx: int) -> Mapping[str, str]:
        return self.headers[idx]

    def set_response_content_type(self, idx: int, value: str) -> None:
        assert value == "application/json"

    def set_response_status(self, code: int, phrase: str, idx: int) -> None:
        self.statuses[idx] = code


@dataclass(frozen=True)
class Options:
    text: str
    enhancement: int | None = None


class Buggy(ImageHandler[Options]):
    """Divides by zero for the text "zero"."""

    batch_size = 8

    def options(self, headers: Mapping[str, str]) -> Options:
        return Options(headers["x-text"])

    def inference(self, batch: Batch[Options]) -> list[float]:
        return [1 / (item.options.text != "zero") for item in batch]

    def postprocess(
        self, batch: Batch[Options], output: list[float], context: WorkerContext
    ) -> list[Answer]:
        return [{"answer": value} for value in output]


def test_a_bug_with_one_image_does_not_affect_the_others() -> None:
    image = encode(reference(0))
    texts = ("one", "zero", "two", "three")
    context = Context([{"X-Text": text} for text in texts])
    bodies = [{"body": image}, {"body": image}, {"body": b"no image"}, {"data": image}]
    answers = [json.loads(answer) for answer in Buggy().handle(bodies, context)]
    assert context.statuses == {0: 200, 1: 500, 2: 415, 3: 200}
    assert answers[0] == answers[3] == {"answer": 1}
    assert [answers[index]["code"] for index in (1, 2)] == ["internal_error", "unreadable_image"]


def test_grouped_images_get_the_same_answers_as_single_ones() -> None:
    image = encode(reference(0))
    texts = ("one", "zero", "two", "three")
    bodies = [image, image, b"no image", image]
    described = [
        {"bytes": len(body), "headers": {"X-Text": text}}
        for body, text in zip(bodies, texts, strict=True)
    ]
    context = Context([{"X-Images": json.dumps(described)}, {"x-text": "alone"}])
    together, alone = Buggy().handle([{"body": b"".join(bodies)}, {"body": image}], context)
    assert context.statuses == {0: 200, 1: 200}
    answers = json.loads(together)["answers"]
    assert [answer["status"] for answer in answers] == [200, 500, 415, 200]
    assert answers[0]["answer"] == answers[3]["answer"] == json.loads(alone) == {"answer": 1}
    codes = [answers[index]["answer"]["code"] for index in (1, 2)]
    assert codes == ["internal_error", "unreadable_image"]


def test_headers_of_a_group_are_the_defaults_of_its_images() -> None:
    image = encode(reference(0))
    described = [{"bytes": len(image), "headers": {"x-TEXT": "zero"}}, {"bytes": len(image)}]
    context = Context([{"X-Images": json.dumps(described), "X-Text": "one"}])
    (together,) = Buggy().handle([{"body": 2 * image}], context)
    assert [answer["status"] for answer in json.loads(together)["answers"]] == [500, 200]


@pytest.mark.parametrize(
    "described",
    [
        "",
        "{",
        "{}",
        "[]",
        "[3]",
        '[{"bytes": -1}]',
        '[{"bytes": true}]',
        '[{"bytes": 2}]',
        '[{"bytes": 4}]',
        '[{"bytes": 3, "headers": ["x"]}]',
        '[{"bytes": 3, "headers": {"x": 1}}]',
        json.dumps([{"bytes": 3}, *[{"bytes": 0}] * 64]),
        "[" * 100_000,
    ],
)
def test_a_wrong_description_of_images_is_refused(described: str) -> None:
    context = Context([{"X-Images": described}, {"x-text": "alone"}])
    refused, answered = Buggy().handle([{"body": b"abc"}, {"body": encode(reference(0))}], context)
    assert context.statuses == {0: 400, 1: 200}
    assert json.loads(refused)["code"] == "invalid_option"
    assert "X-Images" in json.loads(refused)["error"]
    assert json.loads(answered) == {"answer": 1}


def test_options_are_read_in_any_case_and_have_defaults() -> None:
    everything = {
        "x-target-class": " 12 ",
        "x-strictness": "strict",
        "x-embedding": "TRUE",
        "x-heatmap": "true",
        "x-enhancement-level": "2",
    }
    assert ComparisonOptions.read(everything) == ComparisonOptions(
        12, Strictness.STRICT, embedding=True, heatmap=True, enhancement=2
    )
    assert ComparisonOptions.read({"x-target-class": "0"}) == ComparisonOptions(
        0, Strictness.NORMAL, embedding=False, heatmap=False, enhancement=None
    )
    nothing = RecognitionOptions(heatmap=False, enhancement=None)
    assert RecognitionOptions.read({}) == nothing
    assert RecognitionOptions.read({"x-heatmap": "yes", "x-enhancement-level": "Auto"}) == nothing


@pytest.mark.parametrize("level", ["3", "-1", "1.0", "much"])
def test_an_unknown_enhancement_level_is_refused(level: str) -> None:
    with pytest.raises(InvalidOption, match="X-Enhancement-Level"):
        RecognitionOptions.read({"x-enhancement-level": level})


@pytest.mark.parametrize("target", ["", "-1", "1.0", "ka", "٣", "²", "1234567890", "None"])
def test_a_wrong_class_number_is_refused(target: str) -> None:
    with pytest.raises(InvalidOption, match="X-Target-Class"):
        ComparisonOptions.read({"x-target-class": target})


def test_each_image_has_its_own_request_id() -> None:
    assert request_ids({"x-request-id": "one, two"}, 2) == ["one", "two"]
    assert request_ids({"x-request-id": "one"}, 2) == ["one", ""]
    assert request_ids({}, 1) == [""]
    assert request_ids({"x-request-id": "a" * 5000}, 1) == ["a" * 128]
