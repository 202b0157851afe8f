"""Worksheets: whether photographs of them are read and judged as single photographs are, and how
long that takes.

Photographs are simulated, and handwriting is real: a folder `class_N/*.png` of scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import httpx2
import numpy as np
from PIL import Image

from archive_scripts.synthesis.photographs import photograph
from archive_scripts.synthesis.worksheets import photograph_sheet, random_camera, write_in_cells
from benchmarks.timing import milliseconds
from handlers.arrays import Gray, gray
from handlers.characters import CHARACTERS
from handlers.errors import ImageRefused
from handlers.preprocessing import find_ink
from handlers.worksheet_layout import HELPS, PAPERS, Sheet, sheets
from tests.support.pictures import encode
from tests.support.running import Ranjana
from tests.support.worksheets import photographed, printed, written

_BANDS = (50, 70, 90)
"""Marks at which the rating of an attempt changes: see `auth_api.practice.progress`."""
_WRITTEN_SHARE = 0.5
_ENLARGED = 6


class _Verdict(NamedTuple):
    """The verdict about one writing."""

    same: bool
    score: int

    @property
    def band(self) -> int:
        """Of the mark."""
        return sum(self.score >= bound for bound in _BANDS)


_Pair = tuple[_Verdict, _Verdict | None, _Verdict]
"""About a writing in a sheet, in a single photograph, and about its ink itself."""


def worksheets_table(ranjana: Ranjana, folder: Path | None, number: int) -> str:
    """Times, and with a `folder` of handwriting what becomes of `number` sheets."""
    lines = ["### Worksheets", "", *_times(ranjana)]
    if folder is not None:
        lines += ["", *_readings(ranjana.client, folder, number)]
    return "\n".join([*lines, ""])


def _times(ranjana: Ranjana) -> list[str]:
    sheet = sheets(list(range(8)), rows=8)[0]
    cells = [(row, column) for row in range(8) for column in range(6)]
    full = photographed(written(sheet, cells), sheet)
    blank = photographed(printed(sheet), sheet)
    numbers = iter(range(10_000))

    def draw(classes: int) -> None:
        first = next(numbers) % 50  # another sheet each time: the last ones are kept
        listed = ",".join(str((first + each) % 62) for each in range(classes))
        response = ranjana.client.get(
            "/api/worksheets/", params={"characters": listed, "rows": "8"}
        )
        assert response.status_code == 200

    def judge(picture: bytes) -> None:
        assert _judge(ranjana.client, picture) is not None

    return [
        "| | ms |",
        "|---|---|",
        f"| judge a sheet of 48 written cells | {milliseconds(lambda: judge(full)):.0f} |",
        f"| judge a blank sheet | {milliseconds(lambda: judge(blank)):.0f} |",
        f"| draw a page of 8 characters | {milliseconds(lambda: draw(8)):.0f} |",
        f"| draw 62 characters on 8 pages | {milliseconds(lambda: draw(62)):.0f} |",
    ]


def _readings(client: httpx2.Client, folder: Path, number: int) -> list[str]:
    rng = np.random.default_rng(1)
    read, placed = 0, 0
    pairs: list[_Pair] = []
    for index in range(number):
        classes = rng.choice(len(CHARACTERS), 8, replace=False).tolist()
        paper, help = list(PAPERS)[index % len(PAPERS)], HELPS[index % len(HELPS)]
        sheet = sheets(classes, paper, 8, help)[0]
        inks = _writings(sheet, folder, rng)
        darkness = float(rng.uniform(0.5, 0.9))
        page = write_in_cells(printed(sheet), sheet.layout, inks, rng, darkness)
        picture, _ = photograph_sheet(page, sheet.layout, random_camera(rng), rng)
        cells = _judge(client, encode(picture, "JPEG"))
        if cells is None:
            continue
        read += 1
        found = {(cell["row"], cell["column"]): cell for cell in cells if cell["state"] == "judged"}
        placed += found.keys() == inks.keys() and all(
            cell["class"] == classes[cell["row"]] for cell in cells
        )
        for place, ink in inks.items():
            target = classes[place[0]]
            itself = _compared(client, encode(255 - ink), target)
            if itself and place in found:
                of_cell = _verdict(found[place]["comparison"])
                pairs.append((of_cell, _alone(client, ink, target, rng), itself))
    return [
        f"Of {number} sheets with {len(pairs)} written cells, {read} were read, and {placed} with "
        "every cell in its place and known as written or empty.",
        "",
        "| as the same writing without any camera | in a sheet | in a single photograph |",
        "|---|---|---|",
        _row("the same character or not", [_agree(pairs, which, "same") for which in (0, 1)]),
        _row("the same band of the mark", [_agree(pairs, which, "band") for which in (0, 1)]),
    ]


def _row(name: str, shares: Sequence[float]) -> str:
    return f"| {name} | " + " | ".join(f"{share:.3f}" for share in shares) + " |"


def _agree(pairs: Sequence[_Pair], which: int, of: str) -> float:
    """How often a verdict is that about the ink itself. No verdict is another one."""
    said = [(pair[which], pair[2]) for pair in pairs]
    same = [one is not None and getattr(one, of) == getattr(two, of) for one, two in said]
    return float(np.mean(same))


def _writings(sheet: Sheet, folder: Path, rng: np.random.Generator) -> dict[tuple[int, int], Gray]:
    """Real handwriting for half of the cells, with smooth edges as of a pen."""
    inks = {}
    for row, character in enumerate(sheet.classes):
        files = sorted((folder / f"class_{character}").glob("*.png"))
        for column in range(sheet.layout.columns):
            if rng.random() < _WRITTEN_SHARE:
                inks[row, column] = _ink(files, rng)
    return inks


def _ink(files: Sequence[Path], rng: np.random.Generator) -> Gray:
    while True:
        scan = gray(Image.open(files[int(rng.integers(len(files)))]).convert("L"))
        try:
            found = find_ink(scan)
        except ImageRefused:
            continue
        if found.isolated:
            break
    mask = cv2.resize(gray(found.mask) * 255, None, fx=_ENLARGED, fy=_ENLARGED)
    smooth = gray(cv2.GaussianBlur(mask, (0, 0), _ENLARGED * 0.7) >= 128) * 255
    return gray(cv2.copyMakeBorder(smooth, 40, 40, 40, 40, cv2.BORDER_CONSTANT))


def _judge(client: httpx2.Client, picture: bytes) -> list[dict[str, Any]] | None:
    """The cells of a sheet, None if it is refused."""
    response = client.post("/api/worksheets/judge/", files={"images": picture})
    if response.status_code != 200:
        return None
    cells: list[dict[str, Any]] = response.json()["results"][0]["cells"]
    return cells


def _alone(
    client: httpx2.Client, ink: Gray, character: int, rng: np.random.Generator
) -> _Verdict | None:
    """The verdict about a photograph of one writing, None if it is refused."""
    picture = photograph(ink, rng, size=(900, 900), rules=False, chalk=False)
    return _compared(client, encode(picture[..., ::-1].copy(), "JPEG"), character)


def _compared(client: httpx2.Client, picture: bytes, character: int) -> _Verdict | None:
    data = {"target_class": str(character)}
    response = client.post("/api/similarity/", files={"image": picture}, data=data)
    return _verdict(response.json()) if response.status_code == 200 else None


def _verdict(comparison: dict[str, Any]) -> _Verdict:
    return _Verdict(comparison["is_same_character"], comparison["score"])
