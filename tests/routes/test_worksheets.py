"""Worksheets over HTTP: sheets to print, and photographs of them, with a real TorchServe."""

from __future__ import annotations

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from archive_scripts.synthesis.worksheets import Camera
from handlers.characters import CHARACTERS
from handlers.worksheet_layout import Sheet, sheets
from handlers.worksheets import preprocess_worksheet
from tests.support.apis import Api, User
from tests.support.bad_images import BAD_IMAGES
from tests.support.commands import answer, command
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana
from tests.support.worksheets import handwriting, photographed, printed, rendered, written

pytestmark = pytest.mark.thorough("postgresql")

SHEET = sheets([12, 41], rows=4)[0]
"""Two rows of each; a ghost, and a cell without."""
CELLS = [(0, 0), (0, 1), (2, 0)]


def photo(sheet: Sheet = SHEET, cells: Any = CELLS, **others: Any) -> bytes:
    return photographed(written(sheet, cells, **others), sheet, Camera(tilt=12, axis=20, turn=5))


def judge(client: Any, *pictures: bytes, **query: str) -> httpx2.Response:
    files = [("images", picture) for picture in pictures]
    response: httpx2.Response = client.post("/api/worksheets/judge/", files=files, params=query)
    return response


def sheet_in(ranjana: Ranjana, **query: object) -> Sheet:
    """The sheet that a PDF shows, read as a photograph of it is."""
    response = ranjana.client.get("/api/worksheets/", params=query)
    assert response.status_code == 200, response.text
    return preprocess_worksheet(encode(rendered(response.content))).sheet


def shown_in(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return str(document[0].get_textpage().get_text_range())


def test_a_sheet_has_what_was_asked_for(ranjana: Ranjana) -> None:
    asked = sheet_in(
        ranjana, characters="0, 2,19,2", rows=5, help="hinted", paper="letter", language="ne"
    )
    assert asked == sheets([0, 2, 19], "letter", 5, "hinted")[0]
    assert sheet_in(ranjana, group="vowel") == sheets(list(range(36, 52)))[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("नेपाल", "न प ल"),
        ("क्षत्रिय", "क्ष त्र य"),
        ("अभ्यास", "अ भ य स"),
        ("ज्ञान ज्ञान", "ज्ञ न"),
        ("अंशु ७", "अं श ७"),
        ("Ram राम!", "र म"),
    ],
)
def test_a_text_gives_its_letters_in_order(ranjana: Ranjana, text: str, expected: str) -> None:
    sheet = sheet_in(ranjana, text=text, rows=8, help="none")
    assert list(dict.fromkeys(CHARACTERS[index].text for index in sheet.classes)) == (
        expected.split()
    )


def test_a_sheet_is_a_vector_pdf_with_embedded_fonts(ranjana: Ranjana) -> None:
    response = ranjana.client.get(
        "/api/worksheets/", params={"characters": "0,33", "paper": "letter"}
    )
    assert response.headers["Content-Type"] == "application/pdf"
    assert "ranjana-worksheet.pdf" in response.headers["Content-Disposition"]
    with pypdfium2.PdfDocument(response.content) as document:
        width, height = document[0].get_size()
        kinds = {each.type for each in document[0].get_objects()}
        assert (round(width), round(height)) == (612, 792)
        assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds
    for font in (b"NithyaRanjana", b"NotoSansDevanagari"):
        assert font in response.content
    assert b"/FontFile" in response.content


def test_labels_are_in_two_languages(ranjana: Ranjana) -> None:
    english, nepali = (
        shown_in(
            ranjana.client.get(
                "/api/worksheets/", params={"characters": "0", "language": language}
            ).content
        )
        for language in ("en", "ne")
    )
    assert "Ranjana worksheet" in english
    assert "Hold the edge of the nib at 34°." in english
    assert "ka" in english
    assert "Ranjana" not in nepali
    assert "नाम" in nepali


def test_a_sheet_is_the_same_file_for_everyone_and_cached(ranjana: Ranjana) -> None:
    query = {"text": "नेपाल", "rows": "4"}
    first = ranjana.client.get("/api/worksheets/", params=query)
    again = ranjana.client.get("/api/worksheets/", params=query)
    assert first.content == again.content
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    known = {"If-None-Match": first.headers["ETag"]}
    assert ranjana.client.get("/api/worksheets/", params=query, headers=known).status_code == 304


def test_all_characters_fit_on_sixteen_pages(ranjana: Ranjana) -> None:
    everything = ",".join(str(index) for index in range(62))
    response = ranjana.client.get(
        "/api/worksheets/", params={"characters": everything, "rows": "4"}
    )
    with pypdfium2.PdfDocument(response.content) as document:
        assert len(document) == 16


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "characters, text, group or due"),
        ({"characters": "1", "text": "क"}, "characters, text, group or due"),
        ({"group": "vowel", "due": "true"}, "characters, text, group or due"),
        ({"characters": "62"}, "numbers of classes, 0-61"),
        ({"characters": "-1"}, "numbers of classes, 0-61"),
        ({"characters": "1,,2"}, "numbers of classes, 0-61"),
        ({"characters": "٣"}, "numbers of classes, 0-61"),
        ({"characters": "क"}, "numbers of classes, 0-61"),
        ({"text": "hello"}, "letters or digits of Devanagari"),
        ({"text": ""}, "letters or digits of Devanagari"),
        ({"text": "ा"}, "letters or digits of Devanagari"),
        ({"text": "क" * 1001}, "1000"),
        ({"group": "family"}, "consonant"),
        ({"characters": "1", "rows": "3"}, "4"),
        ({"characters": "1", "rows": "9"}, "8"),
        ({"characters": "1", "help": "much"}, "traced"),
        ({"characters": "1", "paper": "a3"}, "letter"),
        ({"characters": "1", "language": "fr"}, "ne"),
        ({"characters": "1", "langauge": "ne"}, "language"),
    ],
)
def test_a_bad_request_says_what_is_allowed(
    ranjana: Ranjana, query: dict[str, str], said: str
) -> None:
    response = ranjana.client.get("/api/worksheets/", params=query)
    assert response.status_code == 400, response.text
    assert said in response.json()["error"]


def test_what_is_due_is_for_who_is_signed_in(api: Api, user: User) -> None:
    refused = api.client.get("/api/worksheets/", params={"due": "true"})
    assert (refused.status_code, refused.json()["success"]) == (401, False)
    new = user.get("/api/worksheets/", params={"due": "true", "rows": "4"})
    assert new.headers["Cache-Control"] == "private, no-cache"
    assert preprocess_worksheet(encode(rendered(new.content))).sheet.classes == (0, 1, 2, 3)
    user.compare(0, 0)
    later = user.get("/api/worksheets/", params={"due": "true", "rows": "4"})
    assert preprocess_worksheet(encode(rendered(later.content))).sheet.classes == (1, 2, 3, 4)


def test_every_written_cell_is_judged(ranjana: Ranjana) -> None:
    wrong = {(3, 1): 20}
    response = judge(ranjana.client, photo(others=wrong))
    assert response.status_code == 200, response.text
    assert response.json()["success"] is True
    [sheet] = response.json()["results"]
    assert (sheet["paper"], sheet["rows"], sheet["columns"], sheet["help"]) == (
        *("a4", 4, 2),
        "traced",
    )
    assert sheet["model"]["name"] == "similarity"
    by_place = {(cell["row"], cell["column"]): cell for cell in sheet["cells"]}
    assert list(by_place) == [(row, column) for row in range(4) for column in range(2)]
    judged = {place for place, cell in by_place.items() if cell["state"] == "judged"}
    assert judged == {*CELLS, *wrong}
    for (row, column), cell in by_place.items():
        character = CHARACTERS[SHEET.classes[row]]
        assert (cell["class"], cell["character"], cell["name"]) == (
            *(character.index, character.text),
            character.name,
        )
        assert cell["help"] == ("hinted" if column else "traced")
        if cell["state"] == "empty":
            assert (cell["image"], cell["comparison"]) == (None, None)
            continue
        comparison = cell["comparison"]
        assert comparison["compared_with_class"] == character.index
        assert comparison["comparison_id"] is None
        assert comparison["feedback"]
        assert Image.open(io.BytesIO(decoded(cell["image"]))).format == "JPEG"
        assert Image.open(io.BytesIO(decoded(comparison["user_image"]))).size == (256, 256)
        if (row, column) in wrong:
            assert not comparison["is_same_character"]
            assert comparison["score"] <= 45
        else:
            assert comparison["is_same_character"]
            assert comparison["score"] >= 60


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def test_a_cell_is_judged_as_a_photograph_of_its_writing_is(ranjana: Ranjana) -> None:
    [sheet] = judge(ranjana.client, photo()).json()["results"]
    for cell in sheet["cells"]:
        if cell["state"] == "judged":
            alone = ranjana.client.post(
                "/api/similarity/",
                files={"image": encode(255 - handwriting(cell["class"], cell["column"]))},
                data={"target_class": str(cell["class"])},
            ).json()
            assert abs(cell["comparison"]["score"] - alone["score"]) <= 12
            assert abs(cell["comparison"]["distance"] - alone["distance"]) < 0.12


def test_writing_that_is_small_or_out_of_place_in_its_cell_is_told(ranjana: Ranjana) -> None:
    place, side = SHEET.layout.cell(1, 1), 15
    paper = printed(SHEET).copy()
    ink = Image.fromarray(handwriting(12)).resize((side * 9, side * 9))
    left, top = round(9 * (place.x + 4)), round(9 * (place.y + 4))
    part = paper[top : top + side * 9, left : left + side * 9]
    part[np.asarray(ink) >= 128] = 30
    [sheet] = judge(ranjana.client, photographed(paper, SHEET)).json()["results"]
    cell = next(cell for cell in sheet["cells"] if cell["state"] == "judged")
    told = {(each["fault"], each["direction"]) for each in cell["comparison"]["faults"]}
    assert {("proportion", "small"), ("shifted", "up left")} <= told
    assert "Your ड (dda) is too small for its frame." in cell["comparison"]["feedback"]
    assert cell["comparison"]["is_same_character"]


def test_a_blank_sheet_is_answered(ranjana: Ranjana) -> None:
    response = judge(ranjana.client, photo(cells=[]))
    assert response.status_code == 200, response.text
    [sheet] = response.json()["results"]
    assert {cell["state"] for cell in sheet["cells"]} == {"empty"}


def test_json_works_as_a_form_does(ranjana: Ranjana) -> None:
    picture = photo()
    encoded = base64.b64encode(picture).decode()
    body = {"images": [encoded, f"data:image/jpeg;base64,{encoded}"], "strictness": "strict"}
    answered = ranjana.client.post("/api/worksheets/judge/", json=body).json()
    form = judge(ranjana.client, picture, strictness="strict").json()
    assert answered["results"] == 2 * form["results"]
    lenient = judge(ranjana.client, picture, strictness="lenient").json()["results"][0]
    counts = [
        sum(len(cell["comparison"]["faults"]) for cell in sheet["cells"] if cell["comparison"])
        for sheet in (lenient, form["results"][0])
    ]
    assert counts[0] < counts[1]


def test_torchserve_alone_answers_the_same(ranjana: Ranjana) -> None:
    picture = photo()
    direct = ranjana.ask_directly("similarity", picture, {"X-Source": "worksheet"}).json()
    [served] = judge(ranjana.client, picture).json()["results"]
    for cell in served["cells"]:
        if cell["comparison"]:
            del cell["comparison"]["comparison_id"]
    assert direct == served


def test_each_picture_has_its_own_result(ranjana: Ranjana) -> None:
    response = judge(ranjana.client, photo(), encode(reference(3)), photo(cells=[(1, 1)]))
    assert response.status_code == 200
    first, refused, last = response.json()["results"]
    assert (first["success"], last["success"]) == (True, True)
    assert (refused["success"], refused["code"]) == (False, "no_worksheet")


def test_a_single_picture_that_is_refused_has_the_status_of_its_error(ranjana: Ranjana) -> None:
    refused = judge(ranjana.client, encode(reference(3)))
    assert (refused.status_code, refused.json()["code"]) == (400, "no_worksheet")
    assert refused.json()["error"].startswith("No worksheet found:")
    for data, status, why in BAD_IMAGES.values():
        response = judge(ranjana.client, data)
        code = "no_worksheet" if why == "no_character_found" else why
        assert (response.status_code, response.json()["code"]) == (status, code)
    assert judge(ranjana.client, *9 * [b"x"]).json()["code"] == "too_many_images"
    assert judge(ranjana.client).status_code in {400, 415}


def test_a_photograph_of_a_sheet_is_no_character(ranjana: Ranjana) -> None:
    answer = ranjana.client.post(
        "/api/similarity/",
        files={"image": photo()},
        data={"target_class": "1", "source": "worksheet"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


def test_judged_cells_are_kept_as_attempts_with_their_help(api: Api, user: User) -> None:
    sheet = sheets([12, 41], rows=4, help="none")[0]
    judged = judge(user, photo(), photo(sheet, [(1, 0)]))
    assert judged.status_code == 200, judged.text
    ids = {
        cell["comparison"]["comparison_id"]: cell
        for result in judged.json()["results"]
        for cell in result["cells"]
        if cell["comparison"]
    }
    assert None not in ids
    assert len(ids) == len(CELLS) + 1
    entries = user.get("/api/history/similarities/").json()["results"]
    assert {entry["id"] for entry in entries} == set(ids)
    for entry in entries:
        cell = ids[entry["id"]]
        assert entry["help"] == cell["help"]
        assert entry["compared_with_class"] == cell["class"]
        assert entry["score"] == cell["comparison"]["score"]
        assert user.get(f"/api/history/similarities/{entry['id']}/user/").content == decoded(
            cell["comparison"]["user_image"]
        )
    progress = user.get("/api/progress/", params={"characters": "all"}).json()["characters"]
    counts = {each["class"]: (each["attempts"], each["from_memory"]) for each in progress}
    assert counts[12] == (3, 1)
    assert counts[41] == (1, 0)
    assert sum(attempts for attempts, _ in counts.values()) == 4


def test_judged_cells_count_in_the_analytics(api: Api, user: User) -> None:
    judge(user, photo())
    usage = user.get("/api/analytics/me/").json()
    assert str(len(CELLS)) in json.dumps(usage)


def test_other_callers_are_answered_while_sheets_are_judged(ranjana: Ranjana) -> None:
    picture = photo()
    with ThreadPoolExecutor(6) as pool:
        sheets_sent = [pool.submit(judge, ranjana.client, picture) for _ in range(3)]
        singles = [
            pool.submit(
                ranjana.client.post,
                "/api/similarity/",
                files={"image": encode(reference(3))},
                data={"target_class": "3"},
            )
            for _ in range(12)
        ]
    assert {each.result().status_code for each in (*sheets_sent, *singles)} == {200}


def test_the_command_writes_the_same_file(api: Api, user: User, tmp_path: Any) -> None:
    file = tmp_path / "sheet.pdf"
    arguments = ("--text", "नेपाल", "--rows", "5", "--paper", "letter", "--language", "ne")
    written_file = answer(api, "worksheet", str(file), *arguments)
    query = {"text": "नेपाल", "rows": "5", "paper": "letter", "language": "ne"}
    assert file.read_bytes() == api.client.get("/api/worksheets/", params=query).content
    assert written_file == {"file": str(file), "bytes": file.stat().st_size}
    refused = command(api, "worksheet", str(file))
    assert refused.code == 1
    assert refused.stderr.startswith("Say what to write")
    assert command(api, "worksheet", str(file), "--characters", "77").code == 2
