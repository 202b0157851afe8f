"""Photographs, scans and drawings of a character give the same ink."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from archive_scripts.synthesis.photographs import photograph
from handlers.arrays import Gray, gray
from handlers.classification import ClassificationHandler
from handlers.digits import DigitsHandler
from handlers.errors import NoCharacterFound
from handlers.framing import INK_MARGIN, INK_SIZE, frame_ink
from handlers.ink_maps import binarised_ink, ink_map, is_binarised
from handlers.options import RecognitionOptions
from handlers.preprocessing import InkImage, find_ink, preprocess
from handlers.recognition import RecognitionHandler
from tests.support.bad_images import png_chunk
from tests.support.pictures import encode, reference


def agreement(found: Gray, wanted: Gray) -> float:
    """Share of the ink of each picture within a pixel of the other's; the smaller of the two."""
    near = np.ones((3, 3), np.uint8)
    a, b = (found >= 128).astype(np.uint8), (wanted >= 128).astype(np.uint8)
    covered = (a & cv2.dilate(b, near)).sum() / a.sum(), (b & cv2.dilate(a, near)).sum() / b.sum()
    return float(min(covered))


def ink_of(index: int) -> Gray:
    return frame_ink(255 - reference(index))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "HEIF", "AVIF"])
def test_every_format_gives_the_same_ink(kind: str) -> None:
    found = preprocess(encode(reference(12), kind))
    assert found.isolated
    assert agreement(found.ink, ink_of(12)) > 0.97


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_pixel_mode_gives_the_same_ink(mode: str) -> None:
    picture = Image.fromarray(reference(12)).convert(mode)
    data = encode(picture, "JPEG" if mode == "CMYK" else "PNG")
    assert agreement(preprocess(data).ink, ink_of(12)) > 0.97


@pytest.mark.parametrize("highest", [30, 255, 1023, 4095, 65535])
@pytest.mark.parametrize("lowest", [0, 17])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_pictures_are_read_in_any_range(highest: int, lowest: int, channels: int) -> None:
    page = reference(12).astype(np.uint32)
    page = page * (highest - lowest) // 255 + lowest
    deep = np.repeat(page[..., None], channels, axis=2).astype(np.uint16)
    if channels == 4:
        deep[..., 3] = highest
    assert agreement(preprocess(cv2.imencode(".png", deep)[1].tobytes()).ink, ink_of(12)) > 0.97


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_orientation_of_a_16_bit_picture_is_honoured(channels: int) -> None:
    turned = np.rot90(reference(12)).astype(np.uint16)  # which orientation 6 turns upright
    deep = np.repeat(turned[..., None], channels, axis=2)
    exif = Image.Exif()
    exif[0x0112] = 6
    png = cv2.imencode(".png", deep)[1].tobytes()
    data = png[:33] + png_chunk(b"eXIf", exif.tobytes()[6:]) + png[33:]
    assert agreement(preprocess(data).ink, ink_of(12)) > 0.97


def test_transparent_paper_is_white() -> None:
    layers = np.zeros((256, 256, 4), np.uint8)
    layers[..., 3] = 255 - reference(12)  # black everywhere, opaque only where there is ink
    assert agreement(preprocess(encode(layers)).ink, ink_of(12)) > 0.97


def test_the_first_frame_of_an_animation_is_read() -> None:
    first, second = Image.fromarray(reference(12)), Image.fromarray(reference(3))
    data = encode(first, "GIF", save_all=True, append_images=[second])
    assert agreement(preprocess(data).ink, ink_of(12)) > 0.97


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_honoured(orientation: int, kind: str) -> None:
    """A HEIC and an AVIF have the orientation in a box of their own."""
    # The stored picture is transposed, so that the orientation turns it upright.
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(reference(12))
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = encode(stored.convert("RGB"), kind, exif=exif)
    assert agreement(preprocess(picture).ink, ink_of(12)) > 0.97


@pytest.mark.parametrize("index", range(36))
def test_light_on_dark_is_the_same_as_dark_on_light(index: int) -> None:
    assert agreement(preprocess(encode(255 - reference(index))).ink, ink_of(index)) > 0.97


@pytest.mark.parametrize("inverted", [False, True])
def test_tight_crops_of_binarised_handwriting_keep_their_polarity(
    shared_data: Path, inverted: bool
) -> None:
    for folder in ("ranjana_handwriting", "ranjana_handwriting_b", "reference_glyphs"):
        for path in sorted((shared_data / folder).glob("class_*.png")):
            white_ink = np.asarray(Image.open(path).convert("L"))
            sent = 255 - white_ink if inverted else white_ink
            found = binarised_ink(sent) if is_binarised(sent) else ink_map(sent)
            assert np.corrcoef(found.ravel(), white_ink.ravel())[0, 1] > 0.5, path


@pytest.mark.parametrize(
    ("rules", "chalk", "least"), [(False, False, 0.97), (True, False, 0.90), (False, True, 0.97)]
)
def test_photographs_under_uneven_light(rules: bool, chalk: bool, least: float) -> None:
    rng = np.random.default_rng(11)
    good = 0
    for index in range(36):
        picture = photograph(255 - reference(index), rng, rules=rules, chalk=chalk)
        found = preprocess(encode(picture[..., ::-1].copy(), "JPEG"))
        good += agreement(found.ink, ink_of(index)) > 0.7
    assert good / 36 >= least


def test_a_12_megapixel_photograph() -> None:
    rng = np.random.default_rng(5)
    small = photograph(255 - reference(12), rng, size=(1000, 750), rules=True, chalk=False)
    picture = gray(cv2.resize(small[..., ::-1], (4000, 3000), interpolation=cv2.INTER_CUBIC))
    found = preprocess(encode(picture, "JPEG"))
    assert agreement(found.ink, ink_of(12)) > 0.7


def test_broken_metadata_do_not_matter() -> None:
    garbage = b"Exif\0\0" + np.random.default_rng(1).bytes(200)
    assert agreement(preprocess(encode(reference(12), "JPEG", exif=garbage)).ink, ink_of(12)) > 0.97


def test_detached_parts_and_broken_strokes_stay_but_specks_go() -> None:
    page = np.full((300, 300), 255, np.uint8)
    page[80:200, 100:130] = 20
    page[80:200, 140:170] = 20  # a gap of 10 pixels
    expected = frame_ink(255 - page)
    page[20:24, 20:24] = 20
    page[270:273, 280:284] = 20
    assert agreement(preprocess(encode(page)).ink, expected) > 0.97


def test_ruled_lines_go_but_the_strokes_across_them_stay() -> None:
    page = np.full((300, 300), 255, np.uint8)
    page[100:200, 120:150] = 20
    page[100:130, 90:210] = 20
    expected = frame_ink(255 - page)
    for y in (60, 115, 170, 230):
        cv2.line(page, (0, y), (299, y + 12), 60, 2)
    assert agreement(preprocess(encode(page)).ink, expected) > 0.95


def test_a_stripe_in_a_tight_crop_is_no_ruled_line() -> None:
    crop = np.full((100, 100), 230, np.uint8)
    crop[2:14, 5:95] = 30
    crop[2:95, 60:75] = 30
    assert agreement(preprocess(encode(crop)).ink, frame_ink(255 - crop)) > 0.95


def test_without_an_isolated_character_the_whole_picture_is_used() -> None:
    # The strokes leave the picture on every side.
    picture = np.full((240, 240), 215, np.uint8)
    cv2.line(picture, (0, 20), (239, 200), 40, 24)
    cv2.line(picture, (200, 0), (60, 239), 40, 24)
    found = preprocess(encode(picture, "JPEG"))
    assert not found.isolated
    whole = cv2.resize(255 - picture, (56, 56), interpolation=cv2.INTER_AREA)
    assert agreement(found.ink[4:60, 4:60], (whole >= 128).astype(np.uint8) * 255) > 0.9


def test_the_ink_image_is_centred_with_a_margin_and_keeps_its_aspect_ratio() -> None:
    page = np.full((400, 300), 255, np.uint8)
    page[100:300, 130:180] = 0
    ink = preprocess(encode(page)).ink
    rows, columns = np.nonzero(ink >= 128)
    assert (rows.min(), INK_SIZE - 1 - rows.max()) == (INK_MARGIN, INK_MARGIN)
    assert columns.min() == INK_SIZE - 1 - columns.max()
    assert np.ptp(columns) + 1 == pytest.approx((np.ptp(rows) + 1) / 4, abs=1)


def test_half_black_is_ink() -> None:
    ink = np.zeros((40, 40), np.uint8)
    ink[10:20, 10:30] = 128
    assert frame_ink(ink).max() == 128
    with pytest.raises(ValueError, match="no ink to frame"):
        frame_ink(np.minimum(ink, 127))


def test_the_photo_on_lined_paper_shows_dda(shared_data: Path) -> None:
    found = preprocess((shared_data / "photos" / "lined_paper_class_12.png").read_bytes())
    assert found.isolated
    rows, columns = np.nonzero(found.ink >= 128)
    # The character is taller than wide; with a ruled line it would be wider.
    assert np.ptp(rows) > np.ptp(columns)


def test_a_speck_inside_the_characters_box_goes() -> None:
    page = np.full((300, 300), 255, np.uint8)
    page[100:200, 100:120] = 20
    page[180:200, 100:200] = 20
    clean = preprocess(encode(page)).ink
    page[120:122, 170:172] = 20
    assert np.array_equal(preprocess(encode(page)).ink, clean)


def faint(top: int, bottom: int, left: int, right: int) -> Gray:
    """A faint stroke in noise."""
    rng = np.random.default_rng(3)
    picture = np.full((160, 160), 200.0)
    picture[top:bottom, left:right] -= 14
    return gray(picture + rng.normal(0, 3, picture.shape))


def options(several: bool, level: int | None) -> RecognitionOptions:
    headers = {
        "x-several": str(several),
        "x-enhancement-level": "" if level is None else str(level),
    }
    return RecognitionOptions.read(headers)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("handler", [RecognitionHandler(), DigitsHandler()])
def test_faint_writing_is_found_by_removing_noise(
    handler: ClassificationHandler, several: bool
) -> None:
    data = encode(faint(30, 130, 70, 90))

    def read(data: bytes, level: int | None) -> InkImage:
        return handler.preprocess(data, options(several, level))

    with pytest.raises(NoCharacterFound):
        read(data, 0)
    assert read(data, None).isolated
    assert np.array_equal(read(data, None).ink, read(data, 1).ink)


@pytest.mark.parametrize(
    "box", [(0, 100, 70, 90), (60, 160, 70, 90), (70, 90, 0, 100), (70, 90, 60, 160)]
)
def test_faint_ink_at_the_edge_is_no_character(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(NoCharacterFound):
        preprocess(encode(faint(*box)))


def test_a_found_character_has_a_margin_of_a_pixel() -> None:
    page = np.full((100, 120), 255, np.uint8)
    page[20:80, 30:50] = 0
    found = find_ink(page)
    assert found.ink.shape == found.mask.shape == (62, 22)
    assert found.mask[1:-1, 1:-1].all()
    assert found.mask.sum() == 60 * 20
    page[0:80, 0:50] = 0
    found = find_ink(page)
    assert found.mask.shape == (81, 51)
    assert found.mask[:80, :50].all()


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("inverted", [False, True])
def test_the_paper_of_a_binarised_picture_is_told_by_all_four_edges(
    turns: int, inverted: bool
) -> None:
    """A bold character that covers one edge and most of its box."""
    crop = np.full((100, 100), 255, np.uint8)
    crop[:99, 1:99] = 0
    crop[40:80, 20:80] = 255
    crop = np.rot90(crop, turns).copy()
    assert np.array_equal(binarised_ink(255 - crop if inverted else crop), 255 - crop)
