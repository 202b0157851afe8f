"""Pictures that would keep a worker busy are refused; large ordinary ones are read."""

from __future__ import annotations

import signal
import threading
import time
import warnings

import pytest

from handlers.cpu_limit import OutOfTime, uninterrupted, within
from handlers.decoding import decode
from handlers.errors import ImageTooComplex
from tests.support.costly_images import COSTLY_IMAGES, photograph, scans
from tests.support.pictures import encode, reference


@pytest.mark.parametrize("name", COSTLY_IMAGES)
def test_a_picture_of_too_much_work_is_refused_before_it_is_decoded(name: str) -> None:
    with pytest.raises(ImageTooComplex, match="too much work") as refusal:
        decode(COSTLY_IMAGES[name]())
    assert (refusal.value.status, refusal.value.code) == (413, "image_too_complex")


@pytest.mark.parametrize(
    ("width", "height", "kind", "options"),
    [
        (4000, 3000, "JPEG", {"progressive": True, "subsampling": 0}),
        (8000, 5000, "JPEG", {"progressive": True, "restart_marker_rows": 1}),
        (9248, 6936, "JPEG", {"progressive": True}),
        (4000, 3000, "PNG", {"compress_level": 1}),
    ],
)
def test_a_large_ordinary_picture_is_read(
    width: int, height: int, kind: str, options: dict[str, object]
) -> None:
    assert max(decode(photograph(width, height, kind, **options)).shape) in (500, 512)


def test_bytes_after_a_picture_and_in_its_thumbnail_are_no_scans() -> None:
    """A film of a phone follows the picture; the thumbnail is a JPEG itself."""
    picture = photograph(4000, 3000, progressive=True)
    many = scans(640, 480, 3000)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + bytes(6) + many
    thumbnail = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    assert decode(picture[:2] + thumbnail + picture[2:] + many).shape == (375, 500)


def test_odd_metadata_is_no_flood_of_warnings() -> None:
    """Each line would go through TorchServe's log, and stay in the memory of the worker."""
    tags = b"".join(
        number.to_bytes(2, "little") + b"\7\0\xff\xff\0\0\0\0\0\0" for number in range(9)
    )
    exif = b"Exif\0\0II*\0\x08\0\0\0\x09\0" + tags + b"\0\0\0\0"
    picture = encode(reference(3), "JPEG", exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(picture).shape == (256, 256)


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_work_is_ended_when_its_processor_time_is_over() -> None:
    with pytest.raises(OutOfTime):
        within(0.05, lambda: burn(60))
    assert within(60, lambda: 7) == 7
    burn(0.1)  # nothing is raised any more
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_a_library_that_swallows_exceptions_is_ended() -> None:
    def swallow() -> None:
        for _ in range(3):
            try:
                burn(60)
            except BaseException:
                continue

    before = time.process_time()
    with pytest.raises(OutOfTime):
        within(0.05, lambda: [swallow(), burn(60)])
    assert time.process_time() - before < 60


def test_a_block_that_must_not_be_left_is_finished_first() -> None:
    finished = []

    def hold() -> None:
        with uninterrupted():
            burn(0.2)
            finished.append(True)
        burn(60)

    with pytest.raises(OutOfTime):
        within(0.05, hold)
    assert finished


def test_waiting_costs_no_processor_time() -> None:
    assert within(0.05, lambda: time.sleep(0.2)) is None


def test_the_error_of_the_work_is_raised_and_ends_the_limit() -> None:
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_another_thread_has_no_limit() -> None:
    results: list[int] = []
    thread = threading.Thread(
        target=lambda: results.append(within(0.01, lambda: [burn(0.05), 7][1]))
    )
    thread.start()
    thread.join()
    assert results == [7]
