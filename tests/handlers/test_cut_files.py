"""Files that lack their end, and PNGs with a wrong checksum."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from handlers.arrays import Gray
from handlers.decoding import decode
from handlers.errors import DamagedImage
from handlers.preprocessing import preprocess
from tests.support.bad_images import broken_checksum, png_chunk
from tests.support.pictures import encode, reference

_HEIGHT = 640


def page(top: int, invert: bool = False) -> Gray:
    """A photograph of a character of 256 pixels that begins `top` pixels below the upper edge."""
    rng = np.random.default_rng(top)
    light = 235 - 60 * np.linspace(0, 1, 480)[None] * np.linspace(0.3, 1, _HEIGHT)[:, None]
    grey = light + rng.normal(0, 3, light.shape)
    strength = (255 - reference(17)).astype(np.float64) / 255
    grey[top : top + 256, 110:366] *= 1 - 0.85 * strength
    levels = grey.clip(0, 255).astype(np.uint8)
    return 255 - levels if invert else levels


def cut(picture: Gray, row: int, kind: str, **options: object) -> bytes:
    """A file that ends where the decoder has read about `row` rows."""
    data = encode(picture, kind, **options)
    part = encode(picture[:row], kind, **options)
    return data[: len(part) - 16]


def agreement(first: Gray, second: Gray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("JPEG", {"restart_marker_rows": 1}),
        ("PNG", {}),
        ("PNG", {"compress_level": 1}),
    ],
)
def test_a_tail_without_ink_may_be_missing(
    kind: str, options: dict[str, object], invert: bool
) -> None:
    picture = page(120, invert=invert)
    found = preprocess(cut(picture, 500, kind, **options))
    assert agreement(found.ink, preprocess(encode(picture)).ink) > 0.95


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("row", [480, 520, 560])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_cut_through_the_ink_is_refused(kind: str, row: int, invert: bool) -> None:
    with pytest.raises(DamagedImage, match=r"cut short.*send it again"):
        preprocess(cut(page(340, invert=invert), row, kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_half_a_picture_is_refused_although_no_ink_reaches_the_cut(kind: str) -> None:
    with pytest.raises(DamagedImage, match="cut short"):
        preprocess(cut(page(20), 320, kind))


@pytest.mark.parametrize("missing", [1, 2, 3])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_the_marker_of_its_end_is_whole(missing: int, progressive: bool) -> None:
    data = encode(page(120), "JPEG", progressive=progressive)
    whole = decode(data)
    found = decode(data[:-missing])
    assert agreement(found, whole[: len(found)]) > 0.99
    assert len(found) > 0.96 * len(whole)


@pytest.mark.parametrize("share", [0.6, 0.8, 0.95])
def test_a_progressive_jpeg_that_lacks_its_finest_details_is_read(share: float) -> None:
    data = encode(page(340), "JPEG", progressive=True)
    found = preprocess(data[: int(share * len(data))])
    assert agreement(found.ink, preprocess(data).ink) > 0.95


@pytest.mark.parametrize("end", [b"\xff\xd9", bytes(5000)])
def test_a_cut_is_noticed_although_the_file_was_filled_up(end: bytes) -> None:
    """Decoders show grey, or nonsense, in the place of what is missing."""
    with pytest.raises(DamagedImage, match="cut short"):
        preprocess(cut(page(340), 480, "JPEG") + end)
    whole = encode(page(120), "JPEG")
    assert np.array_equal(decode(whole + end), decode(whole))


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"pHYs", b"gAMA", b"iCCP", b"eXIf", b"tIME"])
def test_a_wrong_checksum_of_a_chunk_without_pixels_does_not_matter(name: bytes) -> None:
    whole = encode(reference(17))
    data = whole[:33] + png_chunk(name, b"comment\0\0nothing") + whole[33:]
    assert np.array_equal(decode(broken_checksum(data, name)), decode(whole))


def test_a_wrong_checksum_of_the_palette_is_refused() -> None:
    palette = encode(Image.fromarray(reference(17)).convert("P"))
    with pytest.raises(DamagedImage):
        decode(broken_checksum(palette, b"PLTE"))


def test_pixels_that_were_changed_are_refused() -> None:
    data = bytearray(encode(reference(17)))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(DamagedImage):
        decode(bytes(data))
