"""Photographs of worksheets: which sheet it is, where its cells are, and what is written there."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from cv2 import aruco
from PIL import Image

from archive_scripts.synthesis.worksheets import Camera, photograph_sheet, random_camera
from auth_api.worksheets import drawing as drawing_module
from handlers.arrays import Gray
from handlers.errors import (
    WorksheetDamaged,
    WorksheetIncomplete,
    WorksheetMissing,
    WorksheetRefused,
    WorksheetVersion,
)
from handlers.worksheet_layout import (
    HELPS,
    MARKS,
    PAPERS,
    ROWS,
    VERSION,
    CodeMark,
    CornerMark,
    Layout,
    Place,
    Sheet,
    mark_id,
    read_mark,
    sheets,
)
from handlers.worksheet_marks import DICTIONARY, MODULES, find_sheet
from handlers.worksheet_paper import PaperMap
from handlers.worksheets import EMPTY, JUDGED, UNREADABLE, Cell, preprocess_worksheet
from tests.support.pictures import encode, page
from tests.support.worksheets import PIXELS, covered, photographed, printed, stamped, written

SHEET = sheets([0, 33, 12, 41, 50, 52, 19, 8], rows=8)[0]
"""48 cells: consonants, a conjunct, vowels and a digit."""
HALF = [(row, column) for row in range(8) for column in range(6) if (row + column) % 2]
SMALL = sheets([2, 5, 12, 20], rows=4)[0]


def states(data: bytes) -> dict[tuple[int, int], str]:
    return {(cell.row, cell.column): cell.state for cell in preprocess_worksheet(data).cells}


def require_read(data: bytes, sheet: Sheet, cells: list[tuple[int, int]]) -> None:
    """Every cell is in its place, and exactly `cells` are written on."""
    read = preprocess_worksheet(data)
    assert read.sheet == sheet
    assert {(cell.row, cell.column) for cell in read.cells if cell.state == JUDGED} == set(cells)
    assert {cell.state for cell in read.cells} <= {JUDGED, EMPTY}
    assert [(cell.row, cell.column) for cell in read.cells] == list(
        itertools.product(range(sheet.layout.rows), range(sheet.layout.columns))
    )


def test_every_mark_says_one_thing() -> None:
    known = {number: mark for number in range(MARKS) if (mark := read_mark(number)) is not None}
    assert all(mark_id(mark) == number for number, mark in known.items())
    assert len(set(known.values())) == len(known) == 2 * 62 + 6 * 4 * 2 * 5 + 3 * 200
    assert read_mark(MARKS) is None


def test_the_service_draws_the_marks_that_handlers_read() -> None:
    table = Path(drawing_module.__file__).parent / "files" / "marks.txt"
    lines = table.read_text().split()
    assert len(lines) == MARKS
    for number, line in enumerate(lines):
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(line), np.uint8))[: (MODULES - 2) ** 2]
        drawn = aruco.generateImageMarker(DICTIONARY, number, MODULES)[1:-1, 1:-1] > 0
        assert np.array_equal(bits.reshape(drawn.shape), drawn)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("rows", ROWS)
def test_nothing_on_a_sheet_touches_anything(paper: str, rows: int) -> None:
    sheet = sheets(list(range(rows)), paper, rows)[0]
    layout = sheet.layout
    places = [place for place, _ in sheet.marks()] + [
        layout.cell(row, column) for row in range(rows) for column in range(-1, layout.columns)
    ]
    width, height = layout.size
    for one, other in itertools.combinations(places, 2):
        apart = max(
            one.x - other.x - other.width,
            other.x - one.x - one.width,
            one.y - other.y - other.height,
            other.y - one.y - one.height,
        )
        assert apart >= 1.0, (one, other)
    for place in places:
        assert min(place.x, place.y) >= 6.4
        assert place.x + place.width <= width - 6.4
        assert place.y + place.height <= height - 6.4


def test_pages_are_full() -> None:
    assert [each.classes for each in sheets([7], rows=4)] == [(7, 7, 7, 7)]
    assert [each.classes for each in sheets([7, 8, 9], rows=4)] == [(7, 7, 8, 9)]
    assert [each.classes for each in sheets(list(range(9)), rows=8)] == [
        tuple(range(8)),
        (8,) * 8,
    ]


@pytest.mark.parametrize("help", HELPS)
def test_cells_say_how_much_they_help(help: str) -> None:
    sheet = sheets([1], rows=8, help=help)[0]
    columns = [sheet.help_of(column) for column in range(6)]
    expected = {
        "traced": ["traced"] * 3 + ["hinted"] * 3,
        "hinted": ["hinted"] * 6,
        "none": ["none"] * 6,
    }
    assert columns == expected[help]
    read = preprocess_worksheet(photographed(printed(sheet), sheet))
    assert read.sheet.help == help
    assert [cell.help for cell in read.cells[:6]] == columns


@pytest.mark.parametrize(
    ("paper", "rows", "help"),
    [
        *(("a4", rows, "traced") for rows in ROWS),
        *(("letter", rows, "hinted") for rows in (4, 7)),
        *(("letter", rows, "none") for rows in (5, 8)),
    ],
)
def test_a_blank_sheet_is_empty(paper: str, rows: int, help: str) -> None:
    sheet = sheets(list(range(33, 33 + rows)), paper, rows, help)[0]
    camera = Camera(tilt=15, axis=40, turn=4, shadow=0.4, light=0.3, blur=0.8)
    require_read(photographed(printed(sheet), sheet, camera), sheet, [])


@pytest.mark.parametrize(
    "camera",
    [
        pytest.param(Camera(), id="from above"),
        *(pytest.param(Camera(tilt=35, axis=axis), id=f"tilted {axis}") for axis in (0, 60, 90)),
        *(pytest.param(Camera(turn=turn), id=f"turned {turn}") for turn in (12, 90, 180, 271)),
        pytest.param(Camera(bend=12), id="bent like a book"),
        pytest.param(Camera(bend=-10, bend_axis=0), id="curled"),
        pytest.param(Camera(bend=9, bend_axis=70, tilt=25, axis=30), id="bent and tilted"),
        pytest.param(Camera(shadow=0.55, light=0.4), id="in a shadow"),
        pytest.param(Camera(blur=1.8, quality=50), id="blurred"),
        pytest.param(Camera(noise=12), id="noisy"),
        pytest.param(Camera(share=0.6), id="far away"),
        pytest.param(Camera(share=1.02), id="cut at the edge of the paper"),
        pytest.param(Camera(size=(3000, 4000)), id="12 megapixels"),
        pytest.param(Camera(table=228), id="on a white table"),
    ],
)
@pytest.mark.thorough("turned", "bent and tilted", "12 mega", "curled", "far away", "noisy")
def test_every_cell_is_in_its_place(camera: Camera) -> None:
    require_read(photographed(written(SHEET, HALF), SHEET, camera), SHEET, HALF)


@pytest.mark.thorough
def test_cells_are_found_to_a_part_of_a_millimetre() -> None:
    rng = np.random.default_rng(5)
    layout = SHEET.layout
    cells = [layout.cell(row, column) for row in range(8) for column in range(6)]
    middles = np.array([np.mean(cell.corners, axis=0) for cell in cells])
    for _ in range(12):
        photograph, shown = photograph_sheet(printed(SHEET), layout, random_camera(rng), rng)
        paper = PaperMap(find_sheet(photograph))
        beside = middles + np.array([1, 0])
        millimetre = np.linalg.norm(paper(beside) - paper(middles), axis=1)
        away = np.linalg.norm(paper(middles) - shown.reshape(-1, 2), axis=1) / millimetre
        assert away.max() < 0.8


@pytest.mark.parametrize("darkness", [0.5, 0.65, 0.95])
def test_pale_and_dark_pens_are_told_from_ghosts(darkness: float) -> None:
    paper = written(SHEET, HALF, darkness=darkness)
    require_read(photographed(paper, SHEET, Camera(tilt=10, blur=0.8)), SHEET, HALF)


def test_the_ink_of_a_cell_is_that_of_the_writing() -> None:
    paper = written(SMALL, [(1, 1)])
    cell = next(
        cell
        for cell in preprocess_worksheet(photographed(paper, SMALL, Camera(turn=3))).cells
        if cell.state == JUDGED
    )
    place = SMALL.layout.cell(1, 1)
    left, top, side = (round(PIXELS * each) for each in (place.x, place.y, place.width))
    truth = cv2.resize(paper[top : top + side, left : left + side], (256, 256)) < 140
    assert cell.writing is not None
    found = cell.writing.pad > 0
    assert np.count_nonzero(found & truth) / np.count_nonzero(found | truth) > 0.85


@pytest.mark.parametrize("corner", range(4))
def test_a_finger_may_cover_a_corner(corner: int) -> None:
    mark = SHEET.layout.corner_mark(corner)
    finger = Place(mark.x - 15, mark.y - 15, mark.width + 30, mark.height + 30)
    paper = covered(written(SHEET, HALF), finger)
    data = photographed(paper, SHEET, Camera(tilt=20, axis=30, bend=6))
    read = preprocess_worksheet(data)
    assert read.sheet == SHEET
    found = {(cell.row, cell.column) for cell in read.cells if cell.state == JUDGED}
    outside = {
        (row, column) for row, column in HALF if _apart(SHEET.layout.cell(row, column), finger)
    }
    assert outside <= found <= set(HALF)


def _apart(cell: Place, other: Place) -> bool:
    return (
        cell.x > other.x + other.width
        or other.x > cell.x + cell.width
        or cell.y > other.y + other.height
        or other.y > cell.y + cell.height
    )


def test_a_mark_of_a_row_may_be_covered() -> None:
    for end in range(2):
        paper = covered(written(SHEET, HALF), SHEET.layout.row_mark(3, end))
        require_read(photographed(paper, SHEET), SHEET, HALF)


def test_a_row_whose_marks_are_covered_is_unreadable() -> None:
    paper = written(SHEET, HALF)
    for end in range(2):
        paper = covered(paper, SHEET.layout.row_mark(3, end))
    cells = preprocess_worksheet(photographed(paper, SHEET)).cells
    assert {cell.state for cell in cells if cell.row == 3} == {UNREADABLE}
    assert {cell.character for cell in cells if cell.row == 3} == {None}
    others = [cell for cell in cells if cell.row != 3]
    assert {(cell.row, cell.column) for cell in others if cell.state == JUDGED} == {
        cell for cell in HALF if cell[0] != 3
    }


def test_a_cell_that_something_covers_is_unreadable() -> None:
    place = SHEET.layout.cell(2, 4)
    around = Place(place.x - 3, place.y - 3, place.width + 6, place.height + 6)
    found = states(photographed(covered(written(SHEET, [(5, 1)]), around, 60), SHEET))
    assert found[2, 4] == UNREADABLE
    assert found[5, 1] == JUDGED
    assert found[6, 4] == EMPTY


def test_dots_and_dust_are_no_writing() -> None:
    paper = written(SHEET, [(0, 3)])
    rng = np.random.default_rng(1)
    for _ in range(400):
        y, x = (int(rng.integers(60, side - 60)) for side in paper.shape)
        cv2.circle(paper, (x, y), 3, 30, -1)
    place = SHEET.layout.cell(1, 3)
    dot = Place(place.x + 10, place.y + 10, 2, 2)
    found = states(photographed(covered(paper, dot, 20), SHEET))
    assert [cell for cell, state in found.items() if state == JUDGED] == [(0, 3)]


def test_writing_that_leaves_its_cell_is_not_its_neighbours() -> None:
    paper = written(SHEET, [(2, 3)])
    place = SHEET.layout.cell(2, 3)
    start = (round((place.x + 15) * PIXELS), round((place.y + 11) * PIXELS))
    end = (round((place.x + place.width + 3.5) * PIXELS), start[1])
    cv2.line(paper, start, end, 30, 8)
    found = states(photographed(paper, SHEET))
    assert [cell for cell, state in found.items() if state == JUDGED] == [(2, 3)]


def refused(data: bytes) -> tuple[type[WorksheetRefused], str]:
    with pytest.raises(WorksheetRefused) as caught:
        preprocess_worksheet(data)
    return caught.type, str(caught.value)


@pytest.mark.parametrize(
    "picture",
    [
        np.full((800, 600), 230, np.uint8),
        page([2, 12, 20, 3], 2).picture,
        np.random.default_rng(1).integers(0, 255, (900, 700)).astype(np.uint8),
    ],
    ids=["blank", "handwriting", "noise"],
)
def test_a_picture_without_a_sheet_is_refused(picture: Gray) -> None:
    kind, sentence = refused(encode(picture, "JPEG"))
    assert kind is WorksheetMissing
    assert sentence.startswith("No worksheet found:")


def test_a_part_of_a_sheet_is_refused() -> None:
    photograph = np.asarray(Image.open(io.BytesIO(photographed(printed(SHEET), SHEET))))
    height, width = photograph.shape
    for part in (
        photograph[: height // 3, : width // 2],
        photograph[height // 4 : 3 * height // 4, :],
        photograph[height // 2 :, width // 2 :],
    ):
        kind, sentence = refused(encode(np.ascontiguousarray(part), "JPEG"))
        assert kind is WorksheetIncomplete
        assert sentence.startswith("Only a part of the worksheet can be read")


def test_a_sheet_of_another_version_is_refused() -> None:
    paper = printed(SHEET)
    layout = SHEET.layout
    for corner in range(4):
        mark = CornerMark(corner, layout.paper, layout.rows, VERSION + 1)
        paper = stamped(paper, layout.corner_mark(corner), mark_id(mark))
    kind, sentence = refused(photographed(paper, SHEET))
    assert kind is WorksheetVersion
    assert sentence.endswith("print it anew.")


def test_marks_that_contradict_each_other_are_refused() -> None:
    layout = SHEET.layout
    wrong_checksum = printed(SHEET)
    for down in range(2):
        code = CodeMark(SHEET.help, (SHEET.checksum + 1) % 200)
        wrong_checksum = stamped(wrong_checksum, layout.code_mark(down), mark_id(code))
    other_row = stamped(printed(SHEET), layout.row_mark(2, 0), 61)
    two_codes = stamped(
        printed(SHEET), layout.code_mark(0), mark_id(CodeMark("none", SHEET.checksum))
    )
    other_corner = CornerMark(1, "letter", layout.rows, VERSION)
    two_papers = stamped(printed(SHEET), layout.corner_mark(1), mark_id(other_corner))
    for paper in (wrong_checksum, other_row, two_codes, two_papers):
        assert refused(photographed(paper, SHEET))[0] is WorksheetDamaged


def test_two_sheets_in_one_picture_are_refused() -> None:
    other = sheets([1, 2, 3, 4, 5, 6, 7, 9], rows=8)[0]
    both = np.hstack([printed(SHEET), printed(other)])
    kind, sentence = refused(encode(cv2.resize(both, None, fx=0.5, fy=0.5), "JPEG"))
    assert kind is WorksheetDamaged
    assert "one at a time" in sentence


def test_the_checksum_changes_with_everything() -> None:
    layout = SHEET.layout
    changed = [
        replace(SHEET, help="none"),
        replace(SHEET, classes=SHEET.classes[::-1]),
        replace(SHEET, layout=Layout("letter", layout.rows)),
        replace(SHEET, classes=(1, *SHEET.classes[1:])),
    ]
    assert SHEET.checksum not in {each.checksum for each in changed}


def test_boxes_are_those_of_the_upright_sheet() -> None:
    read = preprocess_worksheet(photographed(written(SMALL, [(0, 0)]), SMALL, Camera(turn=180)))
    assert max(read.picture.shape) == 1024
    cell: Cell = read.cells[0]
    left, top, width, height = cell.box
    across, down = read.picture.shape[1], read.picture.shape[0]
    inside = read.picture[
        round(top * down) : round((top + height) * down),
        round(left * across) : round((left + width) * across),
    ]
    beside = read.picture[
        round(top * down) : round((top + height) * down),
        round((left + width + 0.01) * across) : round((left + 2 * width) * across),
    ]
    assert inside.min() < 90 < beside.min()
    # Upside down, the upper left corner of the paper is on the lower right.
    assert read.corners[0][0] > read.corners[2][0]
    assert read.corners[0][1] > read.corners[2][1]
