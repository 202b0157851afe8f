"""Each bad image is refused with its own reason."""

import contextlib
import tracemalloc

import numpy as np
import pytest

from handlers.decoding import decode
from handlers.errors import ImageRefused, ImageTooLarge
from handlers.preprocessing import preprocess
from tests.support.bad_images import BAD_IMAGES, bit_flipped, one_bit_png, scans
from tests.support.costly_images import photograph
from tests.support.pictures import encode, reference


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_each_bad_image_has_its_status_and_code(name: str) -> None:
    data, status, code = BAD_IMAGES[name]
    with pytest.raises(ImageRefused) as refusal:
        preprocess(data)
    assert (refusal.value.status, refusal.value.code) == (status, code)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "HEIF", "AVIF"])
def test_damage_never_crashes_preprocessing(kind: str) -> None:
    data = encode(reference(3), kind)
    count = 15 if kind in ("HEIF", "AVIF") else 60  # each of these costs a process
    for end in range(0, len(data), max(1, len(data) // count)):
        for damaged in (data[:end], bit_flipped(data[:end]) + data[end:]):
            with contextlib.suppress(ImageRefused):
                assert preprocess(damaged).ink.shape == (64, 64)


def test_a_huge_picture_is_refused_before_decoding() -> None:
    data, *_ = BAD_IMAGES["huge png"]
    tracemalloc.start()
    with pytest.raises(ImageRefused):
        preprocess(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize(("width", "height"), [(8000, 5001), (5001, 8000), (40_001, 1000)])
def test_a_picture_of_more_than_40_megapixels_is_refused(width: int, height: int) -> None:
    """Pillow itself would read it."""
    with pytest.raises(ImageTooLarge, match=f"{width} x {height} pixels.*up to 40 megapixels"):
        decode(one_bit_png(width, height))


def test_a_webp_of_more_than_16_megapixels_is_refused() -> None:
    """It is decoded whole, and takes as long as a JPEG of 100 megapixels."""
    blank = np.full((3201, 5000), 255, np.uint8)
    with pytest.raises(ImageTooLarge, match=r"5000 x 3201 pixels.*of a WebP 16"):
        decode(encode(blank, "WEBP", lossless=True, quality=0, method=0))


def test_a_picture_of_40_megapixels_is_read() -> None:
    assert decode(one_bit_png(8000, 5000)).shape == (320, 512)


def test_a_jpeg_of_a_phone_with_64_megapixels_is_read_and_no_larger_one() -> None:
    assert decode(photograph(9280, 6944)).shape == (383, 512)
    with pytest.raises(ImageTooLarge, match=r"9300 x 7000 pixels.*40 megapixels.*JPEG 64"):
        decode(scans(9300, 7000, 1))
