"""Comparison with the reference over HTTP, with a real TorchServe."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from PIL import Image

from archive_scripts.synthesis.photographs import photograph
from handlers.characters import CHARACTERS
from tests.support import tables
from tests.support.bad_images import BAD_IMAGES
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana


def compare(ranjana: Ranjana, image: bytes, target: object, **query: str) -> httpx2.Response:
    return ranjana.client.post(
        "/api/similarity/",
        files={"image": image},
        data={"target_class": str(target)},
        params=query,
    )


def picture_in(answer: dict[str, Any], name: str) -> Image.Image:
    head, _, data = answer[name].partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def photo_of(index: int) -> bytes:
    rng = np.random.default_rng(100 + index)
    picture = photograph(255 - reference(index), rng, rules=index % 2 == 0, chalk=False)
    return encode(picture[..., ::-1].copy(), "JPEG")


def test_the_answer_matches_the_contract(ranjana: Ranjana) -> None:
    response = compare(ranjana, encode(reference(12)), 12)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["success"] is True
    assert answer["is_same_character"] is True
    assert answer["threshold"] == 0.45
    assert answer["compared_with_class"] == 12
    assert (answer["character"], answer["name"]) == ("ड", "dda")
    assert 0 <= answer["distance"] < 0.1
    assert answer["similarity_score"] == round(100 - 50 * answer["distance"] / 0.45, 2)
    assert [(region["row"], region["column"]) for region in answer["regions"]] == [
        (row, column) for row in range(3) for column in range(3)
    ]
    for region in answer["regions"]:
        assert 0 <= region["missing"] <= 1
        assert 0 <= region["extra"] <= 1
        assert 80 < region["score"] <= 100
        assert region["score"] == round(region["score"], 2)
    assert answer["feedback"] == ["Well written: every part of ड (dda) is there and in its place."]
    assert answer["score"] >= 90
    assert (answer["faults"], answer["strokes"]) == ([], None)
    assert answer["nearest"][0]["class"] == 12
    assert len(answer["nearest"]) == 5
    assert answer["model"] == {"name": "similarity", "version": "1.0"}
    assert answer["comparison_id"] is None
    assert "embedding" not in answer
    assert "heatmap" not in answer


def test_the_answer_has_three_pictures(ranjana: Ranjana) -> None:
    """The committed reference, the learner's ink dark on white, and the overlay of both."""
    bold = np.asarray(cv2.erode(reference(4), np.ones((9, 9), np.uint8)), dtype=np.uint8)
    answer = compare(ranjana, encode(bold), 4).json()
    shown = picture_in(answer, "reference_image")
    assert (shown.size, shown.mode) == ((256, 256), "L")
    assert np.array_equal(np.asarray(shown), reference(4))
    ink = picture_in(answer, "user_image")
    assert (ink.size, ink.mode) == ((256, 256), "L")
    assert np.asarray(ink)[0, 0] == 255
    assert 0.05 < (np.asarray(ink) < 128).mean() < 0.6
    blended = picture_in(answer, "blended_overlay")
    assert blended.size == (256, 256)
    colours = np.asarray(blended.convert("RGB")).astype(int)
    assert (colours[0, 0] == 255).all()
    red, green = colours[..., 0], colours[..., 1]
    both = (reference(4) < 10) & (red > 90)
    alone = (reference(4) > 245) & (red > 200) & (green < 200)
    assert both.mean() > 0.1
    assert alone.mean() > 0.01


def test_photographs_are_near_their_own_character_and_far_from_others(ranjana: Ranjana) -> None:
    def distances(index: int) -> tuple[float, float]:
        photo = photo_of(index)
        same, other = (compare(ranjana, photo, (index + step) % 36).json() for step in (0, 5))
        assert other["is_same_character"] == (other["distance"] < 0.45)
        return same["distance"], other["distance"]

    with ThreadPoolExecutor(8) as callers:
        found = np.array(list(callers.map(distances, range(36))))
    assert (found[:, 0] < 0.45).mean() >= 0.9
    assert (found[:, 1] >= 0.45).mean() >= 0.95


def test_a_copy_on_a_table_scores_as_without_a_table(ranjana: Ranjana) -> None:
    page = np.full((400, 480), 230, np.uint8)
    page[80:336, 110:366] = np.minimum(230, reference(20).astype(np.int16) + 40)
    for picture in (page, tables.lay(page, tables.planks)):
        answer = compare(ranjana, encode(picture, "JPEG"), 20).json()
        assert answer["similarity_score"] > 90, answer["feedback"]


def test_real_handwriting_is_distinguished(ranjana: Ranjana, shared_data: Path) -> None:
    right = []
    for folder in ("ranjana_handwriting", "ranjana_handwriting_b"):
        for index in range(36):
            image = (shared_data / folder / f"class_{index}.png").read_bytes()
            for target, same in ((index, True), ((index + 11) % 36, False)):
                answer = compare(ranjana, image, target).json()
                right.append(answer["is_same_character"] is same)
    assert np.mean(right) >= 0.93


def test_a_missing_part_is_named_and_located(ranjana: Ranjana) -> None:
    picture = reference(2).copy()
    picture[:70, :100] = 255
    answer = compare(ranjana, encode(picture), 2).json()
    assert answer["feedback"][0] == "The top bar is too short at its left end."
    first = answer["faults"][0]
    assert (first["fault"], first["part"], first["stroke"]) == ("short", "top bar", 0)
    assert (first["end"], first["direction"], first["row"], first["column"]) == ("left", None, 0, 0)
    assert 0.02 < first["share"] < 0.5
    assert answer["score"] < 95
    worst = min(answer["regions"], key=lambda region: region["score"])
    assert (worst["row"], worst["column"]) == (0, 0)
    assert worst["missing"] > 0.3


def test_the_wrong_character_is_named(ranjana: Ranjana) -> None:
    answer = compare(ranjana, encode(reference(2)), 12).json()
    assert answer["is_same_character"] is False
    assert answer["similarity_score"] < 50
    assert answer["feedback"][0] == "This looks more like ग (ga) than ड."


def test_a_scribble_is_not_praised(ranjana: Ranjana) -> None:
    page = np.full((300, 300), 255, np.uint8)
    points = np.array([[40, 200], [90, 60], [130, 240], [180, 50], [220, 230], [260, 80]])
    cv2.polylines(page, [points], False, 0, 9)
    answer = compare(ranjana, encode(page), 8).json()
    assert answer["is_same_character"] is False
    assert answer["feedback"][0] == "This is hard to recognise as झ (jha)."
    assert 2 <= len(answer["feedback"]) <= 4
    assert not any("Well written" in sentence for sentence in answer["feedback"])


def test_strictness_changes_the_faults_and_never_the_distance(ranjana: Ranjana) -> None:
    picture = reference(6).copy()
    picture[100:150, 60:120] = 255
    answers = [
        compare(ranjana, encode(picture), 6, strictness=strictness).json()
        for strictness in ("lenient", "normal", "strict")
    ]
    assert len({answer["distance"] for answer in answers}) == 1
    missing = [sum(region["missing"] for region in answer["regions"]) for answer in answers]
    assert missing[0] < missing[1] < missing[2]


def test_embedding_and_heatmap_on_request(ranjana: Ranjana) -> None:
    answer = compare(ranjana, encode(reference(9)), 9, embedding="true", heatmap="true").json()
    assert len(answer["embedding"]) == 128
    assert np.linalg.norm(answer["embedding"]) == pytest.approx(1, abs=1e-3)
    assert picture_in(answer, "heatmap").size == (256, 256)
    predicted = ranjana.predict(encode(reference(9)), heatmap="true").json()
    heat = np.asarray(picture_in(predicted, "heatmap").convert("RGB"))
    assert heat.shape == (256, 256, 3)
    assert heat.std() > 10
    assert "heatmap" not in ranjana.predict(encode(reference(9))).json()


def test_file_base64_and_torchserve_itself_agree(ranjana: Ranjana) -> None:
    image = photo_of(20)
    through = compare(ranjana, image, 20).json()
    text = base64.b64encode(image).decode()
    in_json = ranjana.client.post(
        "/api/similarity", json={"image": text, "target_class": 20}
    ).json()
    direct = ranjana.ask_directly("similarity", image, {"x-target-class": "20"}).json()
    for answer in (in_json, direct):
        assert answer["distance"] == pytest.approx(through["distance"], abs=1e-3)
        assert answer["feedback"] == through["feedback"]
    assert set(through) == {*direct, "comparison_id"}


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("62", 400, "validation_failed"),
        ("999999", 400, "validation_failed"),
        ("-1", 400, "validation_failed"),
        ("ka", 400, "validation_failed"),
        ("3.5", 400, "validation_failed"),
        ("1_0", 400, "validation_failed"),
        ("", 400, "validation_failed"),
        ("1" * 400, 400, "validation_failed"),
    ],
)
def test_what_is_no_class_is_refused_and_the_classes_are_named(
    ranjana: Ranjana, target: str, status: int, code: str
) -> None:
    response = compare(ranjana, encode(reference(1)), target)
    if target.removeprefix("-").isdecimal() and len(target) < 100:
        assert "0-61" in response.json()["error"]
    assert response.status_code == status, response.text
    assert response.json()["code"] == code
    assert response.json()["success"] is False
    assert "Value error" not in response.text


@pytest.mark.parametrize(
    "body",
    [
        {"image": "AAAA"},
        {"target_class": 3},
        {"image": 5},
        {"image": "AAAA", "target_class": True},
        {"image": "AAAA", "target_class": None},
    ],
)
def test_a_body_without_image_or_class_is_refused(
    ranjana: Ranjana, body: dict[str, object]
) -> None:
    response = ranjana.client.post("/api/similarity/", json=body)
    assert response.status_code == 400
    assert response.json()["code"] == "validation_failed"


def test_other_invalid_requests_are_refused(ranjana: Ranjana) -> None:
    image = encode(reference(1))
    assert compare(ranjana, image, 1, strictness="harsh").status_code == 400
    assert compare(ranjana, image, 1, heatmap="perhaps").status_code == 400
    no_file = ranjana.client.post("/api/similarity/", data={"target_class": "1"})
    assert (no_file.status_code, no_file.json()["code"]) == (415, "unsupported_media_type")
    recogniser = ranjana.predict(image, model="similarity")
    assert (recogniser.status_code, recogniser.json()["code"]) == (404, "model_not_found")
    strict = {"X-Target-Class": "1", "X-Strictness": "x"}
    for headers in ({}, {"X-Target-Class": "x"}, {"X-Target-Class": "62"}, strict):
        direct = ranjana.ask_directly("similarity", image, headers)
        assert (direct.status_code, direct.json()["code"]) == (400, "invalid_option")


def test_comparisons_in_one_batch_do_not_affect_each_other(ranjana: Ranjana) -> None:
    bad = list(BAD_IMAGES.values())

    def correct(number: int) -> bool:
        image, status, code = bad[number // 3 % len(bad)]
        if number % 3:
            answer = compare(ranjana, photo_of(number % 36), number % 36).json()
            return bool(answer["compared_with_class"] == number % 36)
        response = compare(ranjana, image, 3)
        return response.status_code == status and response.json().get("code", "") == code

    with ThreadPoolExecutor(24) as callers:
        assert all(callers.map(correct, range(60)))


def test_every_reference_is_its_own_nearest(ranjana: Ranjana) -> None:
    for character in CHARACTERS:
        answer = compare(ranjana, encode(reference(character.index)), character.index).json()
        assert answer["nearest"][0]["class"] == character.index
        assert answer["form"] == "nithya"
