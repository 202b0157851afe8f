"""Recognition over HTTP with a real TorchServe."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image

from archive_scripts.synthesis.photographs import photograph
from handlers.characters import CHARACTERS
from tests.support.bad_images import BAD_IMAGES
from tests.support.client_forms import CLIENTS
from tests.support.digits import held_out
from tests.support.pictures import encode, page, reference
from tests.support.running import Ranjana


def photo_of(index: int) -> bytes:
    """A simulated phone photo of the reference character on paper."""
    rng = np.random.default_rng(index)
    picture = photograph(255 - reference(index), rng, rules=index % 2 == 0, chalk=False)
    return encode(picture[..., ::-1].copy(), "JPEG")


def test_the_answer_matches_the_contract(ranjana: Ranjana) -> None:
    response = ranjana.predict(encode(reference(12)))
    assert response.status_code == 200
    assert response.headers["X-Request-ID"]
    answer = response.json()
    assert answer["success"] is True
    assert (answer["predicted_class"], answer["character"], answer["name"]) == (12, "ड", "dda")
    assert 50 < answer["confidence"] <= 100
    assert len(answer["top"]) == 5
    assert answer["top"][0] == {
        "class": 12,
        "character": "ड",
        "name": "dda",
        "confidence": answer["confidence"],
    }
    confidences = [candidate["confidence"] for candidate in answer["top"]]
    assert confidences == sorted(confidences, reverse=True)
    assert len(answer["probabilities"]) == 36
    # The rest to 1 is the probability of anything else.
    assert answer["confidence"] / 100 <= sum(answer["probabilities"]) <= 1 + 1e-4
    assert answer["also"] is None
    assert answer["preprocessed"] is True
    assert answer["model"] == {"name": "ranjana", "version": "1.0"}
    assert answer["prediction_id"] is None
    head, _, data = answer["processed_image"].partition(",")
    assert head == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (picture.size, picture.mode) == ((64, 64), "L")


def test_all_characters_of_a_picture_are_answered_in_reading_order(ranjana: Ranjana) -> None:
    classes = [2, 12, 20, 3, 15, 28]
    picture, boxes = page(classes, 3)
    one = ranjana.predict(encode(picture)).json()
    assert one["others"] == 5
    assert "characters" not in one
    answer = ranjana.predict(encode(picture), several="true").json()
    assert answer["others"] == 5
    assert [each["predicted_class"] for each in answer["characters"]] == classes
    height, width = picture.shape
    for each, box in zip(answer["characters"], boxes, strict=True):
        shares = np.array(box) / (width, height, width, height)
        assert each["box"] == pytest.approx(shares, abs=0.01)
        assert each["top"][0]["class"] == each["predicted_class"]
        assert len(each["top"]) == 5
        assert each["processed_image"].startswith("data:image/png;base64,")
    main = next(
        each
        for each in answer["characters"]
        if each["processed_image"] == answer["processed_image"]
    )
    assert answer["predicted_class"] == main["predicted_class"] == one["predicted_class"]
    alone = ranjana.predict(encode(reference(12)), several="true").json()
    assert alone["others"] == 0
    assert [each["predicted_class"] for each in alone["characters"]] == [12]
    crowd = page([30] * 110, 11, sizes=(40,)).picture
    refused = ranjana.predict(encode(crowd), several="true")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_many_characters")
    assert ranjana.predict(encode(crowd)).json()["others"] == 109


def test_the_digits_of_a_number_are_answered_from_the_left(ranjana: Ranjana) -> None:
    number = [2, 7, 1, 5]
    digits = np.hstack([np.pad(held_out(digit, 0), 2) for digit in number])
    picture = Image.fromarray(255 - digits).resize((8 * digits.shape[1], 8 * digits.shape[0]))
    answer = ranjana.predict(encode(picture), model="digits", several="true").json()
    assert [each["digit"] for each in answer["characters"]] == number
    assert answer["others"] == 3


def test_photographs_of_all_characters_are_recognised(ranjana: Ranjana) -> None:
    right = sum(
        ranjana.predict(photo_of(each.index), characters="all").json().get("predicted_class")
        == each.index
        for each in CHARACTERS
    )
    assert right >= 56


def test_vowels_and_digits_of_the_script_are_read_where_they_are_asked_for(
    ranjana: Ranjana,
) -> None:
    """Without, they get no sure consonant, and `also` says what they are."""
    for index in range(36, 62, 3):
        image = encode(reference(index))
        whole, consonants = (
            ranjana.predict(image, **options).json() for options in ({"characters": "all"}, {})
        )
        assert (whole["predicted_class"], len(whole["probabilities"])) == (index, 62)
        assert whole["character"] == CHARACTERS[index].text
        assert whole["also"] is None
        assert consonants["predicted_class"] < 36
        assert max(each["class"] for each in consonants["top"]) < 36
        assert consonants["confidence"] < 50
        assert consonants["also"] == whole["top"][0]
        assert consonants["probabilities"] == pytest.approx(whole["probabilities"][:36], abs=1e-4)
    picture, _ = page([2, 40, 20, 55], 2)
    for characters, expected in (("all", [2, 40, 20, 55]), ("consonants", [2, None, 20, None])):
        answer = ranjana.predict(encode(picture), several="true", characters=characters).json()
        read = [None if each["also"] else each["predicted_class"] for each in answer["characters"]]
        assert read == expected
        also = [each["also"]["class"] for each in answer["characters"] if each["also"]]
        assert also == ([] if characters == "all" else [40, 55])


def test_each_picture_of_a_group_gets_the_characters_that_were_asked_for(
    ranjana: Ranjana,
) -> None:
    """Pictures of several callers share a request to TorchServe."""
    options = [{}, {"characters": "all"}, {"model": "digits", "characters": "all"}]

    def ask(number: int) -> int:
        answer = ranjana.predict(encode(reference(36 + number % 26)), **options[number % 3])
        return len(answer.json()["probabilities"])

    with ThreadPoolExecutor(16) as callers:
        assert list(callers.map(ask, range(48))) == [36, 62, 10] * 16


def test_real_handwriting_is_recognised(ranjana: Ranjana, shared_data: Path) -> None:
    paths = [
        shared_data / folder / f"class_{index}.png"
        for folder in ("ranjana_handwriting", "ranjana_handwriting_b")
        for index in range(36)
    ]
    right = [
        ranjana.predict(path.read_bytes()).json()["predicted_class"] == index % 36
        for index, path in enumerate(paths)
    ]
    assert sum(right) / len(right) >= 0.85


def test_the_photo_on_lined_paper_is_recognised_as_class_12(
    ranjana: Ranjana, shared_data: Path
) -> None:
    photo = shared_data / "photos" / "lined_paper_class_12.png"
    assert ranjana.predict(photo.read_bytes()).json()["predicted_class"] == 12


def test_file_base64_and_data_uri_get_the_same_answer(ranjana: Ranjana) -> None:
    image = photo_of(3)
    text = base64.b64encode(image).decode()
    wrapped = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    answers = [
        ranjana.predict(image).json(),
        ranjana.client.post("/api/predict/", files={"file": ("photo.jpg", image)}).json(),
        ranjana.client.post("/api/predict", files={"image": image}).json(),
        ranjana.predict(image, model="ranjana", version="1.0").json(),
    ]
    for encoded in (text, wrapped, f"data:image/jpeg;base64,{text}", f"data:;base64,{text}"):
        answers.append(ranjana.client.post("/api/predict/", json={"image": encoded}).json())
    assert answers[0]["predicted_class"] == 3
    # Floating-point sums differ slightly between batch sizes.
    for answer in answers:
        assert answer["probabilities"] == pytest.approx(answers[0]["probabilities"], abs=1e-4)


def test_the_forms_of_all_clients_get_the_same_answer(ranjana: Ranjana) -> None:
    """Their options count too."""
    image = photo_of(3)
    texts = {"model": "ranjana", "version": "1.0", "heatmap": "true", "enhancement_level": "1"}
    expected = ranjana.predict(image, **texts).json()
    assert (expected["predicted_class"], "heatmap" in expected) == (3, True)
    for name, client in CLIENTS.items():
        form = client([image], texts, "image")
        headers = {"Content-Type": form.content_type}
        response = ranjana.client.post("/api/predict/", content=form.body, headers=headers)
        assert response.status_code == 200, f"{name}: {response.text}"
        assert response.json()["heatmap"], name
        assert response.json()["predicted_class"] == 3, name


def test_options_count_in_query_form_and_json_and_must_agree(ranjana: Ranjana) -> None:
    image, path = encode(reference(4)), "/api/predict/"
    text = base64.b64encode(image).decode()
    null = {"version": None, "enhancement_level": None, "model": None}
    unset = ranjana.client.post(path, json={"image": text, **null}, params={"heatmap": "1"})
    assert unset.json()["heatmap"], unset.text
    for query, body in (({}, {"heatmap": "true"}), ({"heatmap": "1"}, {"heatmap": True})):
        body |= {"characters": "all"}
        in_form = ranjana.client.post(path, files={"image": image}, data=body, params=query)
        in_json = ranjana.client.post(path, json={"image": text, **body}, params=query)
        for response in (in_form, in_json):
            assert response.json()["heatmap"], response.text
            assert len(response.json()["probabilities"]) == 62
    body, query = {"enhancement_level": "1"}, {"enhancement_level": "2"}
    in_form = ranjana.client.post(path, files={"image": image}, data=body, params=query)
    in_json = ranjana.client.post(path, json={"image": text, **body}, params=query)
    for response in (in_form, in_json):
        assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
        sentence = "enhancement_level: the query says 2, and the body 1."
        assert response.json()["error"] == sentence
    for model in ("ranjana", "digits"):
        other = {"model": model, "characters": "vowels"}
        in_query = ranjana.client.post(path, files={"image": image}, params=other)
        in_form = ranjana.client.post(path, files={"image": image}, data=other)
        in_json = ranjana.client.post(path, json={"image": text, **other})
        for response in (in_query, in_form, in_json):
            assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
            sentence = "characters: Input should be 'consonants' or 'all'."
            assert response.json()["error"] == sentence
    unknown = ranjana.client.post(path, files={"image": image}, data={"model": "nonsense"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("field", ["", "data", "image", "file"])
def test_torchserve_itself_gives_the_same_answer(ranjana: Ranjana, field: str) -> None:
    """To a raw body and to a form, which may have the options too."""
    image = photo_of(7)
    texts = {"enhancement_level": "1", "heatmap": "true", "characters": "all"}
    through = ranjana.predict(image, **texts).json()
    if field:
        form = httpx2.Request("POST", "http://x", files={field: image}, data=texts)
        headers = {"Content-Type": form.headers["Content-Type"]}
        direct = ranjana.ask_directly("ranjana", form.read(), headers).json()
    else:
        headers = {f"X-{name.replace('_', '-')}": text for name, text in texts.items()}
        direct = ranjana.ask_directly("ranjana", image, headers).json()
    assert direct["predicted_class"] == through["predicted_class"] == 7
    assert set(through) == {*direct, "prediction_id"}
    assert len(direct["probabilities"]) == len(through["probabilities"]) == 62


def test_images_in_one_batch_do_not_affect_each_other(ranjana: Ranjana) -> None:
    bad = list(BAD_IMAGES.values())
    images = [bad[i % len(bad)] if i % 3 == 0 else (photo_of(i % 36), 200, "") for i in range(64)]
    with ThreadPoolExecutor(32) as callers:
        responses = list(callers.map(lambda image: ranjana.predict(image[0]), images))
    right = 0
    for index, ((_, status, code), response) in enumerate(zip(images, responses, strict=True)):
        assert response.status_code == status, response.text
        if code:
            assert response.json()["code"] == code
        else:
            right += response.json()["predicted_class"] == index % 36
    assert right >= 38


def test_custom_metrics_reach_torchserves_metrics(ranjana: Ranjana) -> None:
    ranjana.predict(photo_of(1))
    text = httpx2.get(f"http://127.0.0.1:{ranjana.metrics_port}/metrics").text
    assert "PreprocessingTime_bucket{" in text
    assert "Confidence_bucket{" in text
    assert "ts_inference_requests_total{" in text
