"""A character is found among what phones photograph beside it, and is doubtful where it is not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from handlers.arrays import Gray, field, gray
from handlers.base import PreparedImage
from handlers.framing import frame_ink
from handlers.options import RecognitionOptions
from handlers.preprocessing import InkImage, preprocess
from handlers.recognition import RecognitionHandler
from tests.handlers.test_handlers import Context
from tests.handlers.test_preprocessing import agreement
from tests.support.pictures import encode, reference

PAPER, INK = 226, 42
HEIGHT, WIDTH = 420, 380
SIDE, LEFT, TOP = 150, 120, 130
"""The place of the character, which is reference 12, 23 or 28."""


def character(index: int) -> Gray:
    """The ink of the character, cropped and of its size on the page."""
    ink = 255 - reference(index)
    x, y, width, height = cv2.boundingRect((ink >= 128).astype(np.uint8))
    scale = SIDE / max(width, height)
    size = (round(width * scale), round(height * scale))
    return gray(cv2.resize(ink[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA))


def page(index: int, draw: Callable[[Gray], None], level: int) -> bytes:
    """The character on paper, with what `draw` draws in 255 at brightness `level` under it."""
    things = np.zeros((HEIGHT, WIDTH), np.uint8)
    draw(things)
    picture = np.full((HEIGHT, WIDTH), float(PAPER), np.float32)
    picture += (level - picture) * field(things) / 255
    ink = character(index)
    at = np.s_[TOP : TOP + ink.shape[0], LEFT : LEFT + ink.shape[1]]
    picture[at] = np.minimum(picture[at], PAPER + (INK - PAPER) * field(ink) / 255)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.8)
    noise = np.random.default_rng(index).normal(0, 2.5, picture.shape)
    return encode(gray(np.clip(picture + noise, 0, 255)), "JPEG")


def ring(things: Gray) -> None:
    cv2.ellipse(things, (195, 205), (140, 125), 20, 0, 360, 255, 5, cv2.LINE_AA)


def open_ring(things: Gray) -> None:
    cv2.ellipse(things, (195, 205), (130, 140), 0, 15, 350, 255, 4, cv2.LINE_AA)


def box(things: Gray) -> None:
    cv2.polylines(things, [np.array([[90, 96], [306, 104], [298, 318], [84, 310]])], True, 255, 3)


def box_with_cross(things: Gray) -> None:
    cv2.rectangle(things, (85, 95), (305, 315), 255, 2)
    cv2.line(things, (195, 95), (195, 315), 255, 2)
    cv2.line(things, (85, 205), (305, 205), 255, 2)


def squares(things: Gray) -> None:
    for at in range(-20, HEIGHT, 19):
        cv2.line(things, (0, at), (WIDTH, at + 9), 255, 2)
        cv2.line(things, (at + 9, 0), (at, HEIGHT), 255, 2)


def finger_below(things: Gray) -> None:
    cv2.ellipse(things, (190, 400), (34, 112), 8, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)


def finger_over_the_ink(things: Gray) -> None:
    cv2.ellipse(things, (310, 210), (102, 30), -6, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)


def pen(things: Gray) -> None:
    cv2.line(things, (256, 190), (420, 330), 255, 13, cv2.LINE_AA)


def stripes(things: Gray) -> None:
    for at in range(-HEIGHT, WIDTH, 74):
        cv2.line(things, (at, HEIGHT + 20), (at + 260, -20), 255, 34, cv2.LINE_AA)


@pytest.mark.parametrize("index", [12, 23, 28])
@pytest.mark.parametrize(
    ("draw", "level"),
    [
        pytest.param(ring, INK, id="a ring in the same ink"),
        pytest.param(ring, 120, id="a red ring"),
        pytest.param(open_ring, INK, id="a ring that is not closed"),
        pytest.param(box, 60, id="a crooked practice box"),
        pytest.param(box_with_cross, 90, id="a practice box with a cross"),
        pytest.param(squares, 95, id="dark squares"),
        pytest.param(finger_below, 105, id="a finger near the ink"),
        pytest.param(finger_over_the_ink, 130, id="a finger on the ink"),
        pytest.param(pen, 30, id="a pen"),
        pytest.param(stripes, 128, id="the shadow of blinds"),
    ],
)
def test_what_lies_beside_the_character_goes(
    draw: Callable[[Gray], None], level: int, index: int
) -> None:
    found = preprocess(page(index, draw, level))
    assert (found.isolated, found.doubtful) == (True, False)
    assert agreement(found.ink, frame_ink(character(index))) > 0.85


@pytest.mark.parametrize("index", [11, 14])
def test_a_round_character_is_no_ring(index: int) -> None:
    found = preprocess(page(index, lambda things: None, PAPER))
    assert agreement(found.ink, frame_ink(character(index))) > 0.95


def test_a_circle_with_a_dot_stays() -> None:
    picture = np.full((200, 200), PAPER, np.uint8)
    cv2.circle(picture, (100, 100), 60, INK, 7, cv2.LINE_AA)
    cv2.circle(picture, (100, 100), 9, INK, cv2.FILLED, cv2.LINE_AA)
    assert agreement(preprocess(encode(picture)).ink, frame_ink(255 - picture)) > 0.95


def test_ink_that_cannot_be_told_from_what_covers_it_is_doubtful() -> None:
    """A finger as dark as the ink touches it; a character in a tight crop only reaches the edge."""
    touched = preprocess(page(23, finger_over_the_ink, INK))
    assert touched.doubtful
    crop = np.clip(PAPER - character(23).astype(np.int16), 0, 255).astype(np.uint8)
    assert not preprocess(encode(crop, "JPEG")).doubtful


def test_doubtful_ink_gets_no_confident_answer() -> None:
    handler = RecognitionHandler()
    handler.description = {}
    output = torch.full((2, 63), 0.01 / 62)
    output[:, 7] = 0.99
    batch = [
        PreparedImage(
            k,
            k,
            InkImage(gray(np.zeros((64, 64))), True, doubtful=doubtful),
            RecognitionOptions.read({"x-characters": "all"}),
            "",
        )
        for k, doubtful in enumerate((False, True))
    ]
    sure, unsure = handler.postprocess(batch, output, Context([{}, {}]))
    assert sure["predicted_class"] == unsure["predicted_class"] == 7
    assert sure["confidence"] == 99
    assert unsure["confidence"] < 55
    # The other half is that of none of the characters.
    assert sum(unsure["probabilities"]) == pytest.approx(0.5, abs=1e-3)
