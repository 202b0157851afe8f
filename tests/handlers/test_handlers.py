"""Workers answer every image of a batch, with bad images and with bugs in the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ts.metrics.metric_type_enum import MetricTypes

from auth_api.torchserve.wire_format import PredictionRequest, pack, unpack
from handlers import base
from handlers.base import Answer, Batch, ImageHandler, WorkerContext
from handlers.comparison import Strictness
from handlers.drawings import Pen
from handlers.errors import InvalidOption
from handlers.logs import request_ids
from handlers.options import ComparisonOptions, ImageOptions, RecognitionOptions, Source
from handlers.preprocessing import InkImage
from handlers.request_form import MAX_BYTES, with_options
from tests.support.pictures import encode, reference


class Context:
    """TorchServe's context: the headers of a batch, and the statuses that the handler set."""

    model_name = "test"
    manifest: Mapping[str, Any] = {}
    system_properties: Mapping[str, Any] = {}

    def __init__(self, headers: Sequence[Mapping[str, str]]) -> None:
        self.headers = headers
        self.statuses = dict.fromkeys(range(len(headers)), 200)
        self.phrases: dict[int, str] = {}
        self.metrics = self
        self.observed: list[tuple[str, float, str]] = []

    def add_metric(
        self, name: str, value: float, unit: str, idx: int, *, metric_type: MetricTypes
    ) -> None:
        assert metric_type is MetricTypes.HISTOGRAM
        assert idx in self.statuses
        self.observed.append((name, value, unit))

    def get_all_request_header(self, idx: int) -> Mapping[str, str]:
        return self.headers[idx]

    def set_response_content_type(self, idx: int, value: str) -> None:
        assert value == "application/json"

    def set_response_status(self, code: int, phrase: str, idx: int) -> None:
        self.statuses[idx], self.phrases[idx] = code, phrase


@dataclass(frozen=True)
class Options(ImageOptions):
    text: str


class Buggy(ImageHandler[Options]):
    """Divides by zero for the text "zero", in preprocessing for "early", at the end for "late"."""

    batch_size = 8

    def __init__(self) -> None:
        self.runs: list[int] = []
        """Number of images of each run of the model."""

    def options(self, headers: Mapping[str, str]) -> Options:
        if (text := headers["x-text"]) == "early":
            raise ZeroDivisionError
        return Options(Source.PHOTOGRAPH, Pen("round"), heatmap=False, enhancement=None, text=text)

    def inference(self, batch: Batch[Options]) -> list[float]:
        self.runs.append(len(batch))
        return [1 / (item.options.text != "zero") for item in batch]

    def postprocess(
        self, batch: Batch[Options], output: list[float], context: WorkerContext
    ) -> list[Answer]:
        if any(item.options.text == "late" for item in batch):
            raise ZeroDivisionError
        if any(item.options.text == "nan" for item in batch):
            output = [float("nan")] * len(batch)
        if any(item.options.text == "few" for item in batch):
            output = output[1:]
        return [{"answer": value} for value in output]


@pytest.mark.parametrize("bug", ["zero", "early", "late", "nan", "few"])
def test_a_bug_with_one_image_does_not_affect_the_others(bug: str) -> None:
    image = encode(reference(0))
    texts = ("one", bug, "two", "three")
    context = Context([{"X-Text": text} for text in texts])
    bodies = [{"body": image}, {"body": image}, {"body": b"no image"}, {"data": image}]
    answers = [json.loads(answer) for answer in Buggy().handle(bodies, context)]
    assert context.statuses == {0: 200, 1: 500, 2: 415, 3: 200}
    assert context.phrases == {1: "internal_error", 2: "unreadable_image"}
    assert answers[0] == answers[3] == {"answer": 1}
    assert [answers[index]["code"] for index in (1, 2)] == ["internal_error", "unreadable_image"]
    assert [answers[index]["success"] for index in (1, 2)] == [False, False]


class Slow(Buggy):
    """Decodes the images `SLOW` for ever."""

    def preprocess(self, data: bytes, options: Options) -> InkImage:
        while data == SLOW:
            pass
        return super().preprocess(data, options)


SLOW = b"slow"


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("IMAGE", 0.3), ("QUICK", 0.1), ("QUICK_BATCH", 0.15)):
        monkeypatch.setattr(base, f"{name}_SECONDS", seconds)


@pytest.mark.usefixtures("short_limits")
def test_an_image_that_takes_too_long_is_refused_and_the_others_are_answered() -> None:
    bodies = [encode(reference(0)), SLOW, SLOW, encode(reference(1))]
    context = Context(texts_of(["one"] * 4))
    answers = [json.loads(each) for each in Slow().handle([{"body": b} for b in bodies], context)]
    assert context.statuses == {0: 200, 1: 413, 2: 413, 3: 200}
    assert answers[0] == answers[3] == {"answer": 1}
    assert [answers[index]["code"] for index in (1, 2)] == ["image_too_complex"] * 2


@pytest.mark.usefixtures("short_limits")
def test_quick_images_keep_their_batch_waiting_for_a_short_time_only() -> None:
    """The first two take too long, so the third has no turn; a patient one has."""
    bodies = [encode(reference(0)), SLOW, SLOW, encode(reference(1)), encode(reference(2))]
    headers = [{"X-Text": "one", **({"X-Quick": "1"} if place < 4 else {})} for place in range(5)]
    context = Context(headers)
    answers = [json.loads(each) for each in Slow().handle([{"body": b} for b in bodies], context)]
    assert list(context.statuses.values()) == [200, 503, 503, 503, 200]
    codes = [answer.get("code") for answer in answers]
    assert codes == [None, "image_slow", "image_slow", "image_untried", None]


@pytest.mark.parametrize("name", ["body", "data", "image", "file"])
def test_an_image_may_be_a_field_of_a_form(name: str) -> None:
    """Fields of the form are options, as headers are."""
    image = encode(reference(0))
    request = {"note": bytearray(b"x" * 1000), "X-Text": "one", "some": {"json": 1}, name: image}
    headers = {"x-text": "one"} if name == "body" else {}
    context = Context([headers, {"x-text": "one"}])
    answered, refused = Buggy().handle([request, {name: image, "text": b"two"}], context)
    assert context.statuses == {0: 200, 1: 200 if name == "body" else 400}
    assert json.loads(answered) == {"answer": 1}
    if name != "body":
        sentence = "text: the header says one, and the form two."
        assert json.loads(refused)["error"] == sentence


def test_options_in_a_form_have_the_names_of_the_service() -> None:
    form = {"image": b"", "target_class": b"12 ", "STRICTNESS": "strict", "embedding": True}
    options = ComparisonOptions.read(with_options({"x-heatmap": "true"}, form))
    assert (options.target, options.strictness) == (12, Strictness.STRICT)
    assert options.embedding
    assert options.heatmap


def test_too_large_an_image_is_refused_with_a_sentence() -> None:
    context = Context([{"x-text": "one"}, {"x-text": "one"}])
    bodies = [{"body": bytes(MAX_BYTES + 1)}, {"data": encode(reference(0))}]
    refused, answered = (json.loads(each) for each in Buggy().handle(bodies, context))
    assert context.statuses == {0: 413, 1: 200}
    assert (refused["code"], answered) == ("image_too_large", {"answer": 1})
    assert refused["error"] == "The request is too large: the limit is 11 MB."


@pytest.mark.parametrize(
    "body",
    [{}, {"body": b""}, {"body": {"image": "text"}}, {"photo": b"x"}, {"image": "text"}],
)
def test_a_request_without_an_image_is_refused(body: Mapping[str, Any]) -> None:
    context = Context([{"x-text": "one"}, {"x-text": "one"}])
    answers = Buggy().handle([body, {"body": encode(reference(0))}], context)
    assert context.statuses == {0: 415, 1: 200}
    assert json.loads(answers[0])["code"] == "unreadable_image"


@pytest.mark.parametrize("grouped", [False, True])
def test_the_model_takes_at_most_a_batch_at_once(grouped: bool) -> None:
    """20 images: 8, 8 and 3, because one cannot be read. The answers keep their order."""
    image, texts = encode(reference(0)), ["late" if number == 11 else "one" for number in range(20)]
    bodies = [b"no image" if number == 9 else image for number in range(20)]
    handler = Buggy()
    if grouped:
        requests = [
            PredictionRequest(*each)
            for each in zip(bodies, [None] * 20, texts_of(texts), strict=True)
        ]
        body, headers = pack(requests)
        context = Context([headers])
        (document,) = handler.handle([{"body": body}], context)
        answers = unpack(json.loads(document), 20)
        assert answers is not None
        statuses = [status for status, _ in answers]
    else:
        context = Context(texts_of(texts))
        handler.handle([{"body": body} for body in bodies], context)
        statuses = list(context.statuses.values())
    assert [number for number in range(20) if statuses[number] != 200] == [9, 11]
    assert (statuses[9], statuses[11]) == (415, 500)
    # The second batch fails and is tried image by image.
    assert handler.runs == [8, 8, *[1] * 8, 3]
    sizes = [value for name, value, _ in context.observed if name == "BatchSize"]
    assert sizes == [8, 8, 3]
    assert sum(name == "PreprocessingTime" for name, *_ in context.observed) == 20
    assert all(value >= 0 for _, value, _ in context.observed)
    assert {(name, unit) for name, _, unit in context.observed} == {
        ("PreprocessingTime", "Seconds"),
        ("InferenceTime", "Seconds"),
        ("BatchSize", "Images"),
    }


def texts_of(texts: Sequence[str]) -> list[dict[str, str]]:
    return [{"X-Text": text} for text in texts]


@pytest.mark.parametrize("options", [{}, {"X-Text": "one"}])
def test_a_group_of_one_is_answered_as_a_group(options: Mapping[str, str]) -> None:
    body, headers = pack([PredictionRequest(encode(reference(0)), None, options)])
    described = {"bytes": len(body), "headers": options} if options else {"bytes": len(body)}
    assert json.loads(headers["X-Images"]) == [described]
    context = Context([{**headers, "x-text": "one"}])
    (document,) = Buggy().handle([{"body": body}], context)
    assert unpack(json.loads(document), 1) == [(200, {"answer": 1})]


@pytest.mark.parametrize("answer", [{"answer": 1}, {"answers": {}}, {"answers": [{}, {}]}])
def test_the_answer_of_an_older_handler_is_no_group(answer: dict[str, Any]) -> None:
    assert unpack(answer, 1) is None


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
        "[{}]",
        "[[]]",
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
        "x-source": " Strokes",
        "x-pen": "NIB",
        "x-pen-width": " 0.2",
        "x-pen-angle": "45",
    }
    assert ComparisonOptions.read(everything) == ComparisonOptions(
        Source.STROKES,
        Pen("nib", 0.2, 45),
        heatmap=True,
        enhancement=2,
        target=12,
        strictness=Strictness.STRICT,
        embedding=True,
    )
    plain = ImageOptions(Source.PHOTOGRAPH, Pen("round"), heatmap=False, enhancement=None)
    assert ComparisonOptions.read({"x-target-class": "0"}) == ComparisonOptions(
        **vars(plain), target=0, strictness=Strictness.NORMAL, embedding=False
    )
    recognition = {"x-heatmap": "true", "x-several": "True", "x-enhancement-level": "1"}
    recognition["x-characters"] = " ALL"
    assert RecognitionOptions.read(recognition) == RecognitionOptions(
        Source.PHOTOGRAPH,
        Pen("round"),
        heatmap=True,
        enhancement=1,
        whole_script=True,
        several=True,
    )
    nothing = RecognitionOptions(**vars(plain), whole_script=False, several=False)
    assert RecognitionOptions.read({"x-characters": "consonants"}) == nothing
    assert RecognitionOptions.read({}) == nothing
    assert RecognitionOptions.read({"x-heatmap": "yes", "x-enhancement-level": "Auto"}) == nothing


@pytest.mark.parametrize("level", ["3", "-1", "1.0", "much"])
def test_an_unknown_enhancement_level_is_refused(level: str) -> None:
    with pytest.raises(InvalidOption, match="X-Enhancement-Level"):
        RecognitionOptions.read({"x-enhancement-level": level})


@pytest.mark.parametrize(
    "headers",
    [
        {"x-source": "scan"},
        {"x-pen": "quill"},
        {"x-pen-width": "0"},
        {"x-pen-width": "0.31"},
        {"x-pen-width": "nan"},
        {"x-pen-angle": "-1"},
        {"x-pen-angle": "181"},
        {"x-pen-angle": "steep"},
        {"x-several": "true", "x-source": "drawing"},
    ],
)
def test_an_unknown_source_or_pen_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidOption, match=r"X-(Source|Pen)|Several"):
        RecognitionOptions.read(headers)


@pytest.mark.parametrize("characters", ["vowels", "true", "62"])
def test_an_unknown_group_of_characters_is_refused(characters: str) -> None:
    with pytest.raises(InvalidOption, match="X-Characters"):
        RecognitionOptions.read({"x-characters": characters})


@pytest.mark.parametrize("target", ["", "-1", "1.0", "ka", "٣", "²", "1234567890", "None"])
def test_a_wrong_class_number_is_refused(target: str) -> None:
    with pytest.raises(InvalidOption, match="X-Target-Class"):
        ComparisonOptions.read({"x-target-class": target})


def test_each_image_has_its_own_request_id() -> None:
    assert request_ids({"x-request-id": "one, two"}, 2) == ["one", "two"]
    assert request_ids({"x-request-id": "one"}, 2) == ["one", ""]
    assert request_ids({}, 1) == [""]
    assert request_ids({"x-request-id": "a" * 5000}, 1) == ["a" * 128]
