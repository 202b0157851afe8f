"""HEIC and AVIF: read like other pictures, within limits, or refused with what to do."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from functools import cache

import numpy as np
import psutil
import pytest
from PIL import Image, ImageOps

from archive_scripts.archives.building import ROOT
from handlers.cpu_limit import OutOfTime, within
from handlers.decoding import decode
from handlers.decoding_apart import MAX_BYTES, apart
from handlers.errors import DamagedImage, ImageTooComplex
from handlers.preprocessing import preprocess
from tests.support.bad_images import bit_flipped, with_size
from tests.support.pictures import encode, reference

_REFUSED = """
import sys
sys.modules[sys.argv[1]] = None  # an import fails, as without the package
from handlers.decoding import decode
from handlers.errors import UnreadableImage
try:
    decode(sys.stdin.buffer.read())
except UnreadableImage as refusal:
    print(refusal.status, refusal)
"""

# The time is over while libraries prepare for the fork.
_FORKED = """
import os, signal, sys
import numpy as np
from handlers.cpu_limit import within
from handlers.decoding_apart import apart
for place in ("before", "after_in_parent"):
    os.register_at_fork(**{place: lambda: signal.raise_signal(signal.SIGPROF)})
print(within(60, lambda: apart(lambda: np.ones((2, 2), np.uint8))).sum())
"""


@pytest.mark.parametrize(
    ("kind", "module"), [("HEIF", "pillow_heif"), ("HEIF", "_pillow_heif"), ("AVIF", "PIL._avif")]
)
def test_without_its_decoder_a_picture_is_refused_with_what_to_do(kind: str, module: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _REFUSED, module],
        input=encode(reference(3), kind),
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    status, _, sentence = finished.stdout.decode().partition(" ")
    assert status == "415"
    assert ("AVIF" if kind == "AVIF" else "HEIC") in sentence
    assert "send it as JPEG" in sentence


@pytest.mark.parametrize("options", [{}, {"tile_size": 64}, {"chroma": 444}, {"save_all": True}])
def test_every_kind_of_heic_is_read(options: dict[str, object]) -> None:
    pictures = [Image.fromarray(reference(index)).convert("RGB") for index in (12, 3)]
    if "save_all" in options:
        options = {"save_all": True, "append_images": pictures[1:]}
    found = decode(encode(pictures[0], "HEIF", **options))
    assert np.abs(found.astype(int) - reference(12)).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_that_repeats_the_rotation_of_a_heic_does_not_turn_it_twice(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(reference(12)).convert("RGB")
    data = encode(picture, "HEIF", exif=exif.tobytes())
    assert (b"irot" in data or b"imir" in data) == (orientation > 1)
    upright = np.asarray(ImageOps.exif_transpose(_with_exif(picture, exif)).convert("L"))
    assert np.abs(decode(data).astype(int) - upright).mean() < 6


def _with_exif(picture: Image.Image, exif: Image.Exif) -> Image.Image:
    stored = picture.copy()
    stored.info["exif"] = exif.tobytes()
    return stored


def test_only_a_heic_is_shown_in_another_format() -> None:
    shown = preprocess(encode(reference(12), "HEIF")).shown
    assert shown is not None
    assert shown.shape == (256, 256)
    for kind in ("AVIF", "JPEG"):
        assert preprocess(encode(reference(12), kind)).shown is None


@cache
def _large_avif() -> bytes:
    return encode(Image.new("L", (6144, 6144), 200), "AVIF", speed=10)


@pytest.mark.parametrize("side", [64, 2048, 6000])
def test_a_small_avif_that_declares_another_size_takes_bounded_memory(side: int) -> None:
    data = with_size(_large_avif(), side, side)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert max(decode(data).shape) <= 512
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 600_000


def burn() -> np.ndarray:
    while True:
        pass


def take_memory() -> np.ndarray:
    return np.ones(2 * MAX_BYTES, np.uint8)


def crash() -> np.ndarray:
    os.kill(os.getpid(), signal.SIGKILL)


def test_decoding_that_takes_too_long_is_ended() -> None:
    with pytest.raises(OutOfTime):
        within(0.05, lambda: apart(burn))


def test_the_time_is_never_over_in_the_middle_of_a_fork() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _FORKED], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (finished.stdout, finished.stderr) == ("4\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory there is")
def test_decoding_that_takes_too_much_memory_is_refused() -> None:
    with pytest.raises(ImageTooComplex):
        apart(take_memory)


def test_a_crash_costs_only_its_picture() -> None:
    with pytest.raises(DamagedImage):
        apart(crash)
    assert apart(lambda: reference(5)).shape == (256, 256)


def test_no_process_and_no_file_stays() -> None:
    def left() -> tuple[int, int]:
        return len(os.listdir("/dev/fd")), len(psutil.Process().children())

    data = encode(reference(5), "HEIF")
    before = left()
    for each in (data, bit_flipped(data), data[:200]):
        for _ in range(3):
            try:
                decode(each)
            except DamagedImage:
                continue
    assert left() == before
