"""Letterforms and synthetic handwriting."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from archive_scripts.evaluation.contact_sheet import contact_sheet
from archive_scripts.letterforms.pictured import PicturedLetterform
from archive_scripts.letterforms.reference_forms import reference_forms
from archive_scripts.letterforms.splines import catmull_rom
from archive_scripts.letterforms.strokes import Stroke, load_strokes
from archive_scripts.synthesis.capture import Letterform, capture
from archive_scripts.synthesis.script_negatives import script_negatives
from archive_scripts.training.datasets import NEGATIVE, CharacterMaterial, load_material
from archive_scripts.training.labelled import WrittenSample, labelled_pictures, load_samples
from auth_api.jobs.upload_forms import Limits
from auth_api.training.labelled_uploads import unpack_labelled
from handlers.arrays import Gray
from handlers.characters import CHARACTERS, CONSONANTS, DIGITS
from handlers.framing import frame_ink
from tests.support.jobs import zipped
from tests.support.pictures import REFERENCES, encode, reference


@pytest.fixture(scope="module")
def material() -> CharacterMaterial:
    return load_material()


def test_every_class_is_described() -> None:
    letterforms = load_strokes()
    assert len(letterforms) == len(CHARACTERS)
    for index, forms in enumerate(letterforms):
        assert (2 if index < len(CONSONANTS) else 1) <= len(forms) <= 7
        assert forms[0].source == "nithya"
        for form in forms:
            points = np.concatenate([stroke.path for stroke in form.strokes])
            assert points.min() > -15
            assert points.max() < 115
            assert all(len(stroke.path) >= 2 for stroke in form.strokes)


def test_the_first_form_matches_the_reference_picture() -> None:
    """The drawn strokes cover the printed character and little else."""
    for index, forms in enumerate(load_strokes()):
        drawn = frame_ink(forms[0].picture(256)) >= 128
        printed = frame_ink(255 - reference(index)) >= 128
        assert (drawn & printed).sum() / (drawn | printed).sum() > 0.8, index


def test_every_part_of_a_form_has_its_own_name() -> None:
    for forms in reference_forms(REFERENCES):
        for form in forms:
            names = [part.name for part in form.parts]
            assert len(set(names)) == len(names)
            for part in form.parts:
                x, y = np.rint(part.points[len(part.points) // 2]).astype(int)
                around = form.ink[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5]
                assert (around >= 128).any(), (form.source, part.name)


def test_a_file_in_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letterforms.json"
    path.write_text(json.dumps({"letterforms": [[{"strokes": []}]]}))
    with pytest.raises(ValueError, match="does not describe letterforms"):
        load_strokes(path)


def test_a_stroke_may_have_any_number_of_widths() -> None:
    path = np.array([[0.0, 0], [100, 0]])
    for widths in ((10.0, 20.0), (10.0, 20.0, 10.0), (20.0, 10.0, 20.0, 10.0, 20.0)):
        along = Stroke(path, 40, widths).widths_along(41)
        assert along[:: 40 // (len(widths) - 1)] == pytest.approx(widths, abs=0.5)


def test_a_spline_goes_through_its_points() -> None:
    points = np.array([[0, 0], [10, 5], [20, 0], [30, 30]])
    curve = catmull_rom(4, 31) @ points
    assert np.allclose(curve[::10], points)
    straight = catmull_rom(2, 5) @ np.array([[0.0, 0], [4, 8]])
    assert np.allclose(straight, np.outer(range(5), (1, 2)))


def test_a_sample_is_an_ink_image(material: CharacterMaterial) -> None:
    rng = np.random.default_rng(0)
    for forms in material.letterforms:
        for form in forms:
            ink = capture(form.write, rng)
            assert ink.shape == (64, 64)
            assert ink.dtype == np.uint8
            rows, columns = np.nonzero(ink >= 100)
            assert max(np.ptp(rows), np.ptp(columns)) >= 50


def test_samples_differ_from_one_another_and_repeat_with_their_seed(
    material: CharacterMaterial,
) -> None:
    form = material.letterforms[0][0]
    first, second, again = (capture(form.write, np.random.default_rng(seed)) for seed in (0, 1, 0))
    assert np.abs(first.astype(int) - second).mean() > 5
    assert np.array_equal(first, again)


def test_a_thin_pen_fills_bowls() -> None:
    """Every pen fills the bowls of ga, while stems become as thin as the pen."""
    ga = load_strokes()[2][0]
    rng = np.random.default_rng(3)
    widest = []
    for _ in range(40):
        ink = ga.write(rng, 112)
        widest.append(cv2.distanceTransform(ink, cv2.DIST_L2, 5).max())
    assert min(widest) > 3


def test_negatives_are_marks_of_many_kinds(material: CharacterMaterial) -> None:
    rng = np.random.default_rng(0)
    negatives = script_negatives([form.write for forms in material.letterforms for form in forms])
    assert len(negatives.kinds) == 4
    assert sum(len(marks) for _, marks in negatives.kinds) > 200
    inks = [capture(negatives.write, rng) for _ in range(60)]
    assert all((ink >= 128).sum() >= 20 for ink in inks)
    shares = [float((ink >= 128).mean()) for ink in inks]
    assert max(shares) > 3 * min(shares)


def test_shares_of_samples_and_negatives_are_kept(material: CharacterMaterial) -> None:
    class Counted:
        drawn = 0

        def write(self, rng: np.random.Generator, side: int, strength: float = 1.0) -> Gray:
            self.drawn += 1
            return np.full((side, side), 255, np.uint8)

    enough, few = Counted(), Counted()
    samples: list[list[Letterform]] = [[], [enough] * 12, [few] * 3]
    mixed = CharacterMaterial(material.letterforms[:3], samples, 0.5, material.negatives, 0.25)
    rng = np.random.default_rng(0)
    labels = [mixed.image(rng)[1] for _ in range(600)]
    assert 110 <= labels.count(NEGATIVE) <= 190
    assert set(labels) == {NEGATIVE, 0, 1, 2}
    assert 0.35 < enough.drawn / labels.count(1) < 0.65
    assert 0.04 < few.drawn / labels.count(2) < 0.25


def picture(index: int) -> bytes:
    return encode(reference(index))


@pytest.mark.parametrize("folder", ["12", "class_12", "ड", "dda"])
def test_labelled_folders_in_every_layout_are_read(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "anyone.png").write_bytes(picture(12))
    (tmp_path / "class_3.png").write_bytes(picture(3))
    (tmp_path / "class_62.png").write_bytes(picture(3))
    (tmp_path / "README.md").write_text("not a picture")
    assert sorted(label for _, label in labelled_pictures(tmp_path)) == [3, 12]
    samples = load_samples(labelled_pictures(tmp_path))
    assert [len(own) for own in samples] == [int(index in (3, 12)) for index in range(62)]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *(("उ/1.png", 40), ("u/1.png", 40), ("vocalic rr/1.png", 43), ("अः/1.png", 51)),
        *(("५/1.png", 57), ("five/1.png", 57), ("57/1.png", 57), ("class_057.png", 57)),
        # Writers called a and e.
        *(("a/class_12.png", 12), ("e/class_61.png", 61), ("12/class_3.png", 12)),
        *(("62/1.png", None), ("class_99.png", None), ("a/b/1.png", None)),
    ],
)
def test_vowels_and_digits_are_labelled_like_consonants(
    name: str, label: int | None, tmp_path: Path
) -> None:
    """In a folder of a training and in a zip of the service."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(picture(12))
    (tmp_path / "class_0.png").write_bytes(picture(0))
    found = [label for path, label in labelled_pictures(tmp_path) if path.name != "class_0.png"]
    assert found == ([] if label is None else [label])
    (tmp_path / "upload.zip").write_bytes(zipped({name: picture(12), "0/0.png": picture(0)}))
    limits = Limits(10**6, 10**6)
    with (tmp_path / "upload.zip").open("rb") as upload:
        unpack_labelled(upload, tmp_path / "unpacked", limits, CHARACTERS)
    unpacked = {int(folder.name) for folder in (tmp_path / "unpacked").iterdir()}
    assert unpacked == {0} | ({label} - {None})


def test_digits_are_labelled_by_their_own_names(tmp_path: Path) -> None:
    for name in ("3", "class_9", "seven", "10", "dda"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "anyone.png").write_bytes(picture(12))
    found = labelled_pictures(tmp_path, DIGITS)
    assert sorted(label for _, label in found) == [3, 7, 9]


def test_augmentation_is_stronger_or_weaker(material: CharacterMaterial) -> None:
    """Compares the spread of each pixel over samples of one letterform."""
    form = material.letterforms[0][0]

    def spread(strength: float) -> float:
        rng = np.random.default_rng(0)
        alone = CharacterMaterial([[form]], strength=strength)
        return float(np.std([alone.image(rng)[0] for _ in range(60)], axis=0).mean())

    assert spread(0) < 0.85 * spread(1) < spread(1) < spread(2)


def test_handwritten_samples_are_written_in_other_styles() -> None:
    sample = WrittenSample(frame_ink(255 - reference(4)))
    rng = np.random.default_rng(0)
    first, second = (capture(sample.write, rng) for _ in range(2))
    assert first.shape == (64, 64)
    assert not np.array_equal(first, second)


def test_a_class_without_material_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no labelled picture"):
        labelled_pictures(tmp_path)
    (tmp_path / "class_3.png").write_bytes(picture(3))
    with pytest.raises(ValueError, match="nothing shows class 0"):
        load_material(strokes=False, labelled=labelled_pictures(tmp_path))
    (tmp_path / "class_3.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match="could be read"):
        load_samples(labelled_pictures(tmp_path))


def test_sources_of_strokes_can_be_left_out() -> None:
    whole, part = load_material(), load_material(without=["written", "varied", "hurried"])
    kept = [
        form for forms in load_strokes() for form in forms if form.source in ("nithya", "printed")
    ]
    assert sum(map(len, part.letterforms)) == len(kept) < sum(map(len, whole.letterforms))


def test_a_pictured_letterform_keeps_its_shape(tmp_path: Path) -> None:
    form = PicturedLetterform.from_mask(255 - reference(5))
    ink = np.mean([form.write(np.random.default_rng(seed), 64) for seed in range(30)], axis=0)
    mean = frame_ink((ink > 110).astype(np.uint8) * 255) >= 128
    printed = frame_ink(255 - reference(5)) >= 128
    assert (mean & printed).sum() / (mean | printed).sum() > 0.5


def test_the_contact_sheet_shows_real_beside_synthetic(
    material: CharacterMaterial, tmp_path: Path
) -> None:
    (tmp_path / "class_3.png").write_bytes(picture(3))
    sheet: Gray = contact_sheet(material, [tmp_path], samples=2)
    assert sheet.shape == (21 * 70, 3 * (124 + 3 * 70))
