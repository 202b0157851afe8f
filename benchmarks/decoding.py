"""The time to decode and preprocess a 12-megapixel photograph."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from archive_scripts.synthesis.photographs import photograph
from benchmarks.timing import milliseconds
from handlers.arrays import gray
from handlers.decoding import decode
from handlers.preprocessing import preprocess
from tests.support.pictures import encode, reference

_GRAIN = {"smooth": 0.0, "grainy": 4.0}


def decoding_table() -> str:
    """Times of a full decode, of our reduced decode and of preprocessing."""
    cv2.setNumThreads(1)
    lines = [
        "### A 12-megapixel JPEG",
        "",
        "| photograph | full decode ms | reduced decode ms | preprocessing ms | ratio to full |",
        "|---|---|---|---|---|",
    ]
    for name, grain in _GRAIN.items():
        data = _photo(grain)
        full = milliseconds(partial(_full_decode, data))
        reduced = milliseconds(partial(decode, data))
        whole = milliseconds(partial(preprocess, data))
        lines.append(
            f"| {name}, {len(data) / 1e6:.1f} MB | {full:.1f} | {reduced:.1f} | {whole:.1f} "
            f"| {whole / full:.2f} |"
        )
    return "\n".join([*lines, ""])


def _photo(grain: float) -> bytes:
    rng = np.random.default_rng(0)
    size = (1000, 750)
    picture = photograph(255 - reference(12), rng, size=size, rules=True, chalk=False)
    large = cv2.resize(picture, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    if grain:
        large = np.clip(large + rng.normal(0, grain, large.shape), 0, 255).astype(np.uint8)
    return encode(gray(large[..., ::-1]).copy(), "JPEG", quality=92)


def _full_decode(data: bytes) -> None:
    cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
