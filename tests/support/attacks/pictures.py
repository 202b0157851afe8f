"""S2: pictures that take a worker seconds, alone, together, in batches and in jobs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np

from tests.support.attacks.requests import form_post
from tests.support.attacks.scans import (
    arithmetic_scans,
    filled,
    many_bands,
    many_scans,
    many_segments,
)
from tests.support.attacks.sending import Attack, Connection, Target
from tests.support.bad_images import png_chunk, run_length_bmp, with_gif_blocks
from tests.support.pictures import encode, reference

_PREDICT, _BATCH, _COMPARE = "/api/predict/", "/api/predict/batch/", "/api/similarity/"
_JOBS = "/api/jobs/predict/"
# A little below the largest picture, in bytes.
_LARGE = 10_000_000
_RNG = np.random.default_rng(0)


@cache
def _slow_jpeg() -> bytes:
    """16 megapixels in 1,500 scans, in 79 kB."""
    return many_scans(1_500, 4_000)


@cache
def _bands() -> bytes:
    return many_bands(6_000, 4_000)


@cache
def _arithmetic() -> bytes:
    return arithmetic_scans(1_500, 4_000)


@cache
def _small_scans() -> bytes:
    """One megapixel, but in 20,000 scans."""
    return many_scans(20_000, 1_024)


@cache
def _comments() -> bytes:
    return many_segments(_LARGE // 4, encode(reference(5), "JPEG"))


@cache
def _filled() -> bytes:
    return filled(_LARGE, encode(reference(5), "JPEG"))


@cache
def _png_of_chunks() -> bytes:
    return _after(b"IHDR", encode(reference(5)), png_chunk(b"abCd", b"") * (_LARGE // 12 - 1_000))


@cache
def _png_of_empty_data() -> bytes:
    return _after(b"IHDR", encode(reference(5)), png_chunk(b"IDAT", b"") * (_LARGE // 12 - 1_000))


def _after(name: bytes, png: bytes, chunks: bytes) -> bytes:
    """A PNG with more chunks after the one of this name."""
    start = png.index(name)
    (length,) = struct.unpack_from(">I", png, start - 4)
    end = start + 4 + length + 4
    return png[:end] + chunks + png[end:]


@cache
def _noise_png() -> bytes:
    """As large as a PNG may be, 27 megapixels of RGBA: one row of noise that is repeated."""
    width, height = 5_000, 5_400
    row, packer = b"\0" + _RNG.bytes(width * 4), zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header), png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@cache
def _noise_webp() -> bytes:
    """As large as a WebP may be: one row of noise that is repeated."""
    row = _RNG.integers(0, 256, (1, 4_000, 3), np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(row, (4_000, 4_000, 3)))
    return encode(picture, "WEBP", quality=1, method=0)


@cache
def _bmp_of_runs() -> bytes:
    """A compressed BMP whose runs have one pixel each."""
    width, height = 2_500, 1_900
    return run_length_bmp(width, height, (b"\1\x80" * width + b"\0\0") * height + b"\0\1")


@cache
def _gif_of_comments() -> bytes:
    comments = b"\x21\xfe\1a\0" * (_LARGE // 5 - 10_000)
    return with_gif_blocks(encode(reference(5), "GIF"), comments)


def _single(
    path: str, make: Callable[[], bytes], times: int, fields: Mapping[str, str], target: Target
) -> list[Connection]:
    form = form_post(path, [("image", make())], fields=fields.items())
    return [form for _ in range(times)]


def _several(path: str, makes: Sequence[Callable[[], bytes]], target: Target) -> list[Connection]:
    return [form_post(path, [("images", make()) for make in makes], target.access)]


def _predicted(
    name: str, make: Callable[[], bytes], times: int = 4, *, refused: float = 1.0
) -> Attack:
    name = f"{times} x {name}, to predict" if times > 1 else f"{name}, to predict"
    send = partial(_single, _PREDICT, make, times, {})
    return Attack("S2", name, send, refused, busy=times > 1)


_JPEG = "a JPEG of 1,500 scans"
_KINDS = (_slow_jpeg, _arithmetic, _comments, _filled, _png_of_chunks, _bmp_of_runs)

PICTURES = [
    _predicted(_JPEG, _slow_jpeg, 1),
    _predicted(_JPEG, _slow_jpeg),
    Attack(
        "S2",
        f"4 x {_JPEG}, to compare",
        partial(_single, _COMPARE, _slow_jpeg, 4, {"target_class": "5"}),
        busy=True,
    ),
    Attack(
        "S2", f"a batch of 32 x {_JPEG}", partial(_several, _BATCH, [_slow_jpeg] * 32), 0, busy=True
    ),
    Attack(
        "S2", f"a job of 12 x {_JPEG}", partial(_several, _JOBS, [_slow_jpeg] * 12), as_job=True
    ),
    Attack(
        "S2",
        "a job of 12 slow pictures of 6 kinds",
        partial(_several, _JOBS, _KINDS * 2),
        as_job=True,
    ),
    _predicted("a JPEG of 6,000 scans of one frequency", _bands),
    _predicted("a JPEG of 1,500 arithmetic scans", _arithmetic),
    _predicted("a small JPEG of 20,000 scans", _small_scans),
    _predicted("a JPEG of 2.5 million comments", _comments),
    _predicted("a JPEG of 10 MB of fill bytes", _filled),
    _predicted("a PNG of 830,000 chunks", _png_of_chunks),
    _predicted("a PNG of 830,000 empty pieces of data", _png_of_empty_data),
    _predicted("a BMP of 4.7 million runs", _bmp_of_runs, refused=0),
    _predicted("a GIF of 2 million comments", _gif_of_comments),
    _predicted("a PNG of 27 megapixels of noise", _noise_png, refused=0),
    _predicted("a WebP of 16 megapixels of noise", _noise_webp, refused=0),
]
