"""The pictures of an answer show ink, letterform and heat in their own colours."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from handlers.drawing import enlarge, heat_overlay, overlay, png_data_uri
from handlers.heatmap import grad_cam
from handlers.letterforms import load_forms, save_forms
from tests.handlers.test_feedback import FORM


def test_the_learners_ink_is_red_over_the_black_letterform() -> None:
    reference, ink = np.zeros((256, 256), np.uint8), np.zeros((64, 64), np.uint8)
    reference[:128] = 255
    ink[:, :32] = 100
    png = png_data_uri(overlay(reference, ink)).removeprefix("data:image/png;base64,")
    blended = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR)
    assert blended is not None
    assert blended.shape == (256, 256, 3)
    corners = np.array([blended[y, x] for y in (60, 200) for x in (60, 200)])
    # Blue, green, red: both, the letterform alone, the ink alone, paper; in 16 levels each.
    wanted = [[8, 8, 45], [0, 0, 0], [213, 213, 250], [255, 255, 255]]
    assert np.abs(corners - np.array(wanted)).max() <= 9
    assert corners[1::2].tolist() == wanted[1::2]


def test_heat_goes_from_blue_through_green_to_red() -> None:
    weights = np.repeat(np.array([[0.1, 0.5, 0.9]], np.float32), 3, axis=0)
    shown = heat_overlay(np.zeros((3, 3), np.uint8), weights)
    assert shown.shape == (256, 256, 3)
    assert [int(shown[128, x].argmax()) for x in (20, 128, 236)] == [0, 1, 2]
    inked = heat_overlay(np.full((3, 3), 255, np.uint8), weights)
    # Ink darkens by the share of the picture below the colours.
    assert np.abs(shown[128, 128].astype(int) - inked[128, 128] - 0.45 * 255).max() <= 1


def test_enlarged_ink_keeps_its_values_and_has_smooth_edges() -> None:
    ink = np.zeros((64, 64), np.uint8)
    ink[:, :32] = 255
    large = enlarge(ink)
    assert (large.shape, large[0, 0], large[0, -1]) == ((256, 256), 255, 0)
    assert 0 < int(large[100, 127]) < 255


class Halves(torch.nn.Module):
    """Class 0 looks at the left half of the picture, class 1 at the right one."""

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(images, 8)

    def scores(self, maps: torch.Tensor) -> torch.Tensor:
        left, right = maps[..., :4].mean(), maps[..., 4:].mean()
        return torch.stack([left + 0 * right, -right])[None]


def test_the_heatmap_shows_what_speaks_for_a_class() -> None:
    ink = np.zeros((64, 64), np.uint8)
    ink[20:40, 10:20] = 255
    heat = grad_cam(Halves(), ink, 0)  # type: ignore[arg-type]
    assert (heat.shape, heat.dtype) == ((64, 64), np.float32)
    assert heat.min() >= 0
    assert heat.max() == pytest.approx(1, abs=0.05)
    assert heat[30, 15] > 0.9
    assert heat[30, 50] == pytest.approx(0, abs=0.01)
    # All of the ink speaks against class 1.
    assert not grad_cam(Halves(), ink, 1).any()  # type: ignore[arg-type]


def test_letterforms_are_read_as_they_were_written(tmp_path: Path) -> None:
    save_forms([[FORM], [FORM, FORM]], tmp_path / "forms.json")
    one, two = load_forms(tmp_path / "forms.json")
    assert (len(one), len(two)) == (1, 2)
    (form,) = one
    assert form.source == FORM.source
    assert np.array_equal(form.picture, FORM.picture)
    for part, wanted in zip(form.parts, FORM.parts, strict=True):
        assert part.name == wanted.name
        assert np.abs(part.points - wanted.points).max() <= 0.051
