"""Up to 32 images in a request, each with its own answer or error."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from tests.support.apis import Api, StartApi, User
from tests.support.bad_images import BAD_IMAGES
from tests.support.digits import held_out
from tests.support.pictures import encode, reference

BATCH = "/api/predict/batch/"


def files(*images: bytes, name: str = "images") -> list[tuple[str, bytes]]:
    return [(name, image) for image in images]


@pytest.mark.database("sqlite")
def test_each_bad_image_among_good_ones_gets_its_own_error(api: Api) -> None:
    bad = list(BAD_IMAGES.values())[:15]
    images = [image for index, (data, _, _) in enumerate(bad) for image in (good(index), data)]
    response = api.client.post(BATCH, files=files(*images, good(35)))
    assert response.status_code == 200
    answer = response.json()
    assert answer["success"] is True
    results = answer["results"]
    assert [result.get("predicted_class") for result in results[::2]] == [*range(15), 35]
    assert [result.get("code") for result in results[1::2]] == [code for _, _, code in bad]
    for result in results[1::2]:
        assert result["success"] is False
        assert result["error"].endswith(".")
        assert set(result) <= {"success", "error", "code", "details"}


def good(index: int) -> bytes:
    return encode(reference(index))


@pytest.mark.database("sqlite")
def test_each_answer_is_that_of_a_single_call(api: Api) -> None:
    images = [good(index) for index in (3, 7)]
    results = api.client.post(BATCH, files=files(*images)).json()["results"]
    for image, result in zip(images, results, strict=True):
        single = api.client.post("/api/predict/", files={"image": image}).json()
        assert result["probabilities"] == pytest.approx(single["probabilities"], abs=1e-4)
        assert set(result) == set(single)


@pytest.mark.database("sqlite")
def test_a_batch_may_ask_for_the_whole_script(api: Api) -> None:
    images, texts = [good(36), good(59)], {"characters": "all"}
    sent = {"images": [base64.b64encode(image).decode() for image in images]}
    for response in (
        api.client.post(BATCH, files=files(*images), params=texts),
        api.client.post(BATCH, files=files(*images), data=texts),
        api.client.post(BATCH, json={**sent, **texts}),
    ):
        results = response.json()["results"]
        assert [result["predicted_class"] for result in results] == [36, 59]
    results = api.client.post(BATCH, files=files(*images)).json()["results"]
    assert [result["also"]["class"] for result in results] == [36, 59]
    wrong = api.client.post(BATCH, json={**sent, "characters": "digits"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "validation_failed")


@pytest.mark.parametrize("name", ["images", "image", "files", "file"])
@pytest.mark.database("sqlite")
def test_form_fields_may_have_the_names_of_older_systems(api: Api, name: str) -> None:
    response = api.client.post(BATCH, files=files(good(1), good(2), name=name))
    assert [result["predicted_class"] for result in response.json()["results"]] == [1, 2]


@pytest.mark.database("sqlite")
def test_json_takes_base64_and_data_uris(api: Api) -> None:
    text = base64.b64encode(encode(held_out(4, 2))).decode()
    sent = {"images": [text, f"data:image/png;base64,{text}", "no base64!", ""]}
    response = api.client.post(f"{BATCH}?model=digits", json=sent)
    results = response.json()["results"]
    assert [result.get("digit") for result in results] == [4, 4, None, None]
    assert [result.get("code") for result in results[2:]] == ["invalid_base64", "empty_image"]


@pytest.mark.database("sqlite")
def test_a_text_instead_of_an_image_is_a_failed_result(api: Api) -> None:
    response = api.client.post(BATCH, files=files(good(1), b""), data={"images": "text"})
    codes = [result.get("code") for result in response.json()["results"]]
    assert codes == ["image_not_a_file", None, "empty_image"]


@pytest.mark.parametrize("count", [0, 33])
@pytest.mark.database("sqlite")
def test_a_batch_has_one_to_thirty_two_images(api: Api, count: int) -> None:
    image = good(0)
    as_files = files(*[image] * count) or {"other": b"x"}
    response = api.client.post(BATCH, files=as_files)
    assert response.status_code == 400
    text = base64.b64encode(image).decode()
    assert api.client.post(BATCH, json={"images": [text] * count}).status_code == 400
    if count:
        assert response.json()["code"] == "too_many_images"
        assert len(api.client.post(BATCH, files=as_files[:32]).json()["results"]) == 32


@pytest.mark.database("sqlite")
def test_an_image_that_is_too_large_does_not_stop_the_others(start_api: StartApi) -> None:
    api = start_api({"MAX_BODY_BYTES": "30000", "MAX_BATCH_BYTES": "200000"})
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    response = api.client.post(BATCH, files=files(good(1), encode(noise), good(2)))
    results = response.json()["results"]
    assert [result.get("code") for result in results] == [None, "image_too_large", None]
    whole = api.client.post(BATCH, files=files(*[encode(noise)] * 6))
    assert (whole.status_code, whole.json()["code"]) == (413, "body_too_large")


def test_a_signed_in_callers_batch_is_in_the_history(user: User) -> None:
    images = [good(index) for index in range(8)]
    results = user.post(BATCH, files=files(*images[:4], b"bad", *images[4:])).json()["results"]
    numbers = [result["prediction_id"] for result in results if result["success"]]
    rows = user.get("/api/history/predictions/").json()["results"]
    assert sorted(row["id"] for row in rows) == sorted(numbers)
    for number, image in zip(numbers, images, strict=True):
        path = f"/api/history/predictions/{number}/image/"
        assert user.get(path).content == image


def test_digits_in_the_history_can_be_corrected(user: User) -> None:
    image = encode(held_out(6, 1))
    number = user.post("/api/predict/?model=digits", files={"image": image}).json()["prediction_id"]
    row = user.get(f"/api/history/predictions/{number}/").json()
    assert (row["character"], row["name"], row["model"]["name"]) == ("6", "six", "digits")
    wrong = user.post("/api/feedback/", json={"prediction_id": number, "actual_class": 10})
    assert wrong.status_code == 400
    corrected = user.post("/api/feedback/", json={"prediction_id": number, "actual_class": 9})
    assert corrected.status_code == 201


@pytest.mark.database("sqlite")
def test_an_unknown_model_or_version_is_a_404(api: Api) -> None:
    for query in ("model=nonsense", "model=similarity", "version=9.9"):
        response = api.client.post(f"{BATCH}?{query}", files=files(good(0)))
        assert (response.status_code, response.json()["code"]) == (404, "model_not_found")


@pytest.mark.database("sqlite")
def test_an_unreachable_model_server_is_a_503(start_api: StartApi) -> None:
    api = start_api({"TORCHSERVE_INFERENCE_URL": "http://127.0.0.1:9"})
    response = api.client.post(BATCH, files=files(good(0), good(1)))
    assert response.status_code == 503
    assert response.headers["Retry-After"]
