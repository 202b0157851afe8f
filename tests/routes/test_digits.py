"""Digits of any size, dark or light, on paper and on screens, with a real TorchServe."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from archive_scripts.synthesis.photographs import photograph
from handlers.arrays import Gray, gray
from tests.support.digits import NO_DIGITS, drawn, drawn_strokes, held_out
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana


def recognise(ranjana: Ranjana, pictures: list[Gray]) -> list[int | None]:
    found: list[int | None] = []
    for start in range(0, len(pictures), 32):
        files = [("images", encode(picture)) for picture in pictures[start : start + 32]]
        response = ranjana.client.post("/api/predict/batch/?model=digits", files=files)
        assert response.status_code == 200, response.text
        found += [result.get("digit") for result in response.json()["results"]]
    return found


def test_the_answer_has_the_fields_of_ranjana_and_the_digit(ranjana: Ranjana) -> None:
    answer = ranjana.predict(encode(held_out(8, 0)), model="digits").json()
    assert (answer["digit"], answer["predicted_class"]) == (8, 8)
    assert (answer["character"], answer["name"]) == ("8", "eight")
    assert answer["top"][0]["class"] == 8
    assert len(answer["top"]) == 5
    assert len(answer["probabilities"]) == 10
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert answer["model"] == {"name": "digits", "version": "1.0"}
    assert answer["preprocessed"] is True
    assert "digit" not in ranjana.predict(encode(reference(8))).json()


@pytest.mark.parametrize("form", ["as published", "dark on light", "enlarged", "photographed"])
def test_real_digits_outside_the_training_data_are_recognised(ranjana: Ranjana, form: str) -> None:
    rng = np.random.default_rng(0)

    def shown(digit: int, number: int) -> Gray:
        picture = held_out(digit, number)
        if form == "as published":
            return picture
        if form == "dark on light":
            return gray(255 - picture)
        side = int(rng.integers(60, 300))
        large = gray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR))
        return large if form == "enlarged" else gray(photograph(large, rng, size=(320, 240)))

    labels = [digit for digit in range(10) for _ in range(20)]
    found = recognise(
        ranjana, [shown(digit, number) for digit in range(10) for number in range(20)]
    )
    right = sum(a == b for a, b in zip(found, labels, strict=True))
    assert right >= 197


def test_drawn_digits_are_recognised(ranjana: Ranjana) -> None:
    rng = np.random.default_rng(1)
    labels = [digit for digit in range(10) for _ in range(10)]
    found = recognise(ranjana, [drawn(digit, rng, int(rng.integers(100, 500))) for digit in labels])
    assert sum(a == b for a, b in zip(found, labels, strict=True)) >= 95


def test_a_letter_is_no_sure_digit(ranjana: Ranjana) -> None:
    letter = encode(drawn_strokes(NO_DIGITS["H"], np.random.default_rng(0)))
    answer = ranjana.predict(letter, model="digits").json()
    assert answer["confidence"] < 50
    assert len(answer["probabilities"]) == 10
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_torchserve_itself_gives_the_same_answer(ranjana: Ranjana) -> None:
    image = encode(held_out(3, 3))
    direct = ranjana.ask_directly("digits", image).json()
    assert direct["digit"] == ranjana.predict(image, model="digits").json()["digit"] == 3


def test_a_heat_map_is_returned_on_request(ranjana: Ranjana) -> None:
    answer = ranjana.predict(encode(held_out(5, 1)), model="digits", heatmap="true").json()
    assert answer["heatmap"].startswith("data:image/png;base64,")


def faint(contrast: float, seed: int = 0) -> bytes:
    """Writing hardly darker than the paper, with the noise of a dark room."""
    rng = np.random.default_rng(seed)
    page = np.full((360, 480), 200.0)
    ink = cv2.resize(255 - reference(12), (200, 200), interpolation=cv2.INTER_AREA)
    page[80:280, 140:340] -= ink / 255 * contrast
    return encode(np.clip(page + rng.normal(0, 6, page.shape), 0, 255).astype(np.uint8))


def test_faint_writing_is_enhanced_as_much_as_needed(ranjana: Ranjana) -> None:
    plain = ranjana.predict(faint(11), enhancement_level="0")
    assert (plain.status_code, plain.json()["code"]) == (400, "no_character_found")
    assert ranjana.predict(faint(11), enhancement_level="2").json()["predicted_class"] == 12
    assert ranjana.predict(faint(11)).json()["predicted_class"] == 12
    for level in "012":  # no level harms a good picture
        answer = ranjana.predict(encode(reference(12)), enhancement_level=level).json()
        assert answer["predicted_class"] == 12
    compared = ranjana.client.post(
        "/api/similarity/", files={"image": faint(11)}, data={"target_class": "12"}
    )
    assert compared.json()["is_same_character"] is True


@pytest.mark.parametrize("level", ["3", "-1", "1.5", "much"])
def test_there_are_three_levels(ranjana: Ranjana, level: str) -> None:
    response = ranjana.predict(encode(reference(0)), enhancement_level=level)
    assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
    direct = ranjana.ask_directly("ranjana", encode(reference(0)), {"X-Enhancement-Level": level})
    assert (direct.status_code, direct.json()["code"]) == (400, "invalid_option")
