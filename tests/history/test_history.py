"""The history: recording, pages, deletion, export and feedback."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from sqlalchemy import JSON, Connection, Engine, cast, event, insert, literal, select, text
from sqlalchemy import String as Text

from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.tables.accounts import User as Account
from auth_api.database.tables.history import Comparison, Feedback, Prediction
from auth_api.history.picture_folder import PictureFolder
from auth_api.history.queries import EntryTable, History
from auth_api.schemas.history import (
    ComparisonEntry,
    ComparisonPage,
    PredictionEntry,
    PredictionPage,
)
from auth_api.settings import Settings
from tests.support.apis import Api, User
from tests.support.digits import held_out
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

PREDICTIONS = "/api/history/predictions/"
SIMILARITIES = "/api/history/similarities/"
EXPORT = "/api/history/export/"
FEEDBACK = "/api/feedback/"

MEGABYTE = 1024 * 1024

_TOP = [{"class": c, "character": "ड", "name": "dda", "confidence": 20.0} for c in range(5)]
_REGIONS = [
    {"row": n // 3, "column": n % 3, "missing": 0.1, "extra": 0.0, "score": 90.0} for n in range(9)
]
_ROWS: dict[EntryTable, dict[str, Any]] = {
    Prediction: {"confidence": 20.0, "top": _TOP, "predicted_class": 0},
    Comparison: {
        "target_class": 0,
        "score": 80,
        "similarity_score": 80.0,
        "distance": 0.3,
        "is_same_character": True,
        "threshold": 0.5,
        "form": "reference",
        "strictness": "normal",
        "regions": _REGIONS,
        "feedback": ["Very near to the reference."],
    },
}


def in_database(url: str, work: Callable[[Connection], Any]) -> None:
    """Runs `work` in a transaction of the database, bypassing the service."""

    async def run() -> None:
        database = Database(Settings(database_url=url))
        try:
            await database.write(lambda session: work(session.connection()))
        finally:
            await database.aclose()

    asyncio.run(run())


def fill(url: str, owner: int, rows: int, table: EntryTable = Prediction) -> None:
    """Inserts `rows` rows for a user in one statement, with classes 0 to 35 in turn."""

    def work(connection: Connection) -> None:
        core = core_of(table)
        numbers = select(literal(1).label("number")).cte("numbers", recursive=True)
        number = numbers.c.number
        numbers = numbers.union_all(select(number + 1).where(number < rows))
        number = numbers.c.number
        values = {
            **{
                name: literal(value, JSON() if isinstance(value, list) else None)
                for name, value in _ROWS[table].items()
            },
            "user_id": literal(owner),
            "created_at": literal(now(), core.c.created_at.type),
            "model": literal("ranjana"),
            "version": literal("1.0"),
            "preprocessed": literal(True),
            "media": literal(f"{time.time_ns():x}-", Text()) + cast(number, Text),
        }
        values["predicted_class" if table is Prediction else "target_class"] = number % 36
        connection.execute(insert(core).from_select([*values], select(*values.values())))

    in_database(url, work)


def number_of(user: User) -> int:
    return int(user.get("/api/me/").json()["id"])


def pages(user: User, path: str, between: Callable[[], object] = int, **query: object) -> list[Any]:
    """All pages, by following the cursors. Calls `between` after each page."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        response = user.get(path, params={**query, **cursor})
        assert response.status_code == 200, response.text
        page = response.json()
        found.append(page["results"])
        between()
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def ids(pages_: list[Any]) -> list[int]:
    return [row["id"] for page in pages_ for row in page]


def character(user: User, index: int) -> dict[str, Any]:
    """The progress of a character."""
    found: dict[str, Any] = user.get("/api/progress/").json()["characters"][index]
    return found


@pytest.fixture
def stranger(api: Api) -> User:
    """Another user."""
    return api.sign_up()


# Recording


def test_predictions_are_listed_as_answered_newest_first(user: User) -> None:
    started = datetime.now(UTC) - timedelta(seconds=1)
    answers = [user.predict(index).json() for index in (3, 7, 11)]
    page = user.get(PREDICTIONS).json()
    PredictionPage.model_validate(page)
    assert page["next"] is None
    assert ids([page["results"]]) == [answer["prediction_id"] for answer in reversed(answers)]
    for row, answer in zip(page["results"], reversed(answers), strict=True):
        assert set(row) == set(PredictionEntry.model_fields) - {"digit"}
        same = set(row) - {"id", "created_at", "image", "feedback", "pen"}
        assert {name: row[name] for name in same} == {name: answer[name] for name in same}
        assert row["feedback"] is None
        moment = PredictionEntry.model_validate(row).created_at
        assert started < moment < datetime.now(UTC)
        assert row["created_at"].endswith("Z")
        assert user.get(f"{PREDICTIONS}{row['id']}/").json() == {**row, "strokes": None}


def test_an_entry_of_a_digit_has_the_digit(user: User) -> None:
    picture = encode(held_out(8, 0))
    answer = user.post("/api/predict/?model=digits", files={"image": picture}).json()
    user.predict(4)
    letter, digit = user.get("/api/history/predictions/").json()["results"]
    assert digit["digit"] == digit["predicted_class"] == answer["digit"] == 8
    assert "digit" not in letter
    one = user.get(f"/api/history/predictions/{answer['prediction_id']}/").json()
    exported = user.get("/api/history/export/?format=json").json()["predictions"][0]
    assert one["digit"] == exported["digit"] == 8


def test_comparisons_are_listed_as_answered_newest_first(user: User) -> None:
    answers = [user.compare(index, target).json() for index, target in ((3, 3), (3, 4), (5, 5))]
    page = user.get(SIMILARITIES).json()
    ComparisonPage.model_validate(page)
    assert ids([page["results"]]) == [answer["comparison_id"] for answer in reversed(answers)]
    for row, answer in zip(page["results"], reversed(answers), strict=True):
        assert set(row) == set(ComparisonEntry.model_fields)
        same = set(row) - {"id", "created_at", "images", "strictness", "pen", "help", "written_at"}
        assert {name: row[name] for name in same} == {name: answer[name] for name in same}
        assert (row["strictness"], row["help"]) == ("normal", "none")
        assert row["written_at"] == row["created_at"]
        assert user.get(f"{SIMILARITIES}{row['id']}/").json() == {**row, "strokes": None}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP", "GIF", "BMP", "AVIF"])
@pytest.mark.database("sqlite")
def test_the_picture_is_stored_byte_for_byte(user: User, kind: str) -> None:
    image = encode(Image.fromarray(reference(4)).convert("L"), kind)
    sent = user.post("/api/predict/", files={"image": image})
    row = user.get(f"{PREDICTIONS}{sent.json()['prediction_id']}/").json()
    picture = user.get(row["image"])
    assert picture.content == image
    assert picture.headers["Content-Type"] == f"image/{kind.lower()}"
    assert picture.headers["Cache-Control"] == "no-store"


@pytest.mark.database("sqlite")
def test_a_heic_is_shown_as_a_jpeg_and_goes_with_its_entry(api: Api, user: User) -> None:
    image = encode(Image.fromarray(reference(4)), "HEIF")
    answer = user.post("/api/predict/", files={"image": image}).json()
    assert answer["predicted_class"] == 4
    path = f"{PREDICTIONS}{answer['prediction_id']}/"
    shown = user.get(f"{path}image/")
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert answer["picture"] == f"data:image/jpeg;base64,{base64.b64encode(shown.content).decode()}"
    stored = [file for file in api.media.rglob("*.image") if file.read_bytes() == image]
    assert len(stored) == 1
    assert user.delete(path).status_code == 200
    assert not list(stored[0].parent.glob(f"{stored[0].stem}.*"))


@pytest.mark.database("sqlite")
def test_a_picture_sent_in_json_is_stored_byte_for_byte(user: User) -> None:
    image = encode(reference(4))
    uri = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    sent = user.post("/api/predict/", json={"image": uri}).json()
    assert user.get(f"{PREDICTIONS}{sent['prediction_id']}/image/").content == image


def test_a_comparison_has_the_pictures_of_its_answer(user: User) -> None:
    answer = user.compare(2, 5).json()
    images = user.get(f"{SIMILARITIES}{answer['comparison_id']}/").json()["images"]
    answered = {"user": "user_image", "reference": "reference_image", "overlay": "blended_overlay"}
    assert set(images) == set(answered)
    for kind, name in answered.items():
        picture = user.get(images[kind])
        assert picture.headers["Content-Type"] == "image/png"
        assert picture.content == base64.b64decode(answer[name].partition(",")[2])


def test_anonymous_requests_are_not_recorded(api: Api) -> None:
    before = set(api.media.rglob("*.*"))
    files = {"image": encode(reference(1))}
    predicted = api.client.post("/api/predict/", files=files)
    compared = api.client.post("/api/similarity/", files=files, data={"target_class": "1"})
    assert (predicted.status_code, compared.status_code) == (200, 200)
    assert predicted.json()["prediction_id"] is None
    assert compared.json()["comparison_id"] is None
    assert set(api.media.rglob("*.*")) <= before


def test_a_refused_picture_is_not_recorded(api: Api, user: User) -> None:
    before = set(api.media.rglob("*.*"))
    assert user.post("/api/predict/", files={"image": b"no picture"}).status_code == 415
    assert user.get(PREDICTIONS).json() == {"results": [], "next": None}
    # It is written during inference, and deleted in the background.
    wait_for(lambda: set(api.media.rglob("*.*")) <= before, 10)


# Ownership


def test_other_users_and_anonymous_callers_cannot_access_an_entry(
    api: Api, user: User, stranger: User
) -> None:
    prediction, comparison = user.predict().json(), user.compare().json()
    row = f"{PREDICTIONS}{prediction['prediction_id']}/"
    compared = f"{SIMILARITIES}{comparison['comparison_id']}/"
    paths = [row, f"{row}image/", compared]
    paths += [f"{compared}{kind}/" for kind in ("user", "reference", "overlay")]
    for path in paths:
        assert stranger.get(path).status_code == 404, path
        assert api.client.get(path).status_code == 401, path
        assert user.get(path).status_code == 200, path
    for path in (row, compared):
        assert stranger.delete(path).status_code == 404
        assert api.client.delete(path).status_code == 401
        assert user.get(path).status_code == 200
    for path in (PREDICTIONS, SIMILARITIES):
        assert stranger.get(path).json()["results"] == []
        assert api.client.get(path).status_code == 401
    exported = stranger.get(EXPORT).json()
    assert exported == {"predictions": [], "similarities": []}
    assert api.client.get(EXPORT).status_code == 401


# Pages


@pytest.mark.parametrize("path", [PREDICTIONS, SIMILARITIES])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "9" * 30}, "limit"),
        ({"limit": ""}, "limit"),
        ({"class": -1}, "class"),
        ({"class": 1000}, "class"),
        ({"class": "ka"}, "class"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "5"}, "cursor"),
        ({"cursor": "\u0915"}, "cursor"),
        ({"cursor": "a\x00"}, "cursor"),
        ({"cursor": "x" * 65}, "cursor"),
        ({"cursor": "after 5"}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"after 5").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"before -5").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"before 5.0").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"before ").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode("before ५".encode()).decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"before " + b"9" * 30).decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"before 1; DROP").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"before \xff").decode()}, "cursor"),
    ],
)
@pytest.mark.database("sqlite")
def test_an_invalid_page_query_is_refused(
    user: User, path: str, query: dict[str, object], field: str
) -> None:
    response = user.get(path, params=query)
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "validation_failed"
    assert set(response.json()["details"]["fields"]) == {field}


@pytest.mark.parametrize(("path", "table"), [(PREDICTIONS, Prediction), (SIMILARITIES, Comparison)])
def test_the_pages_show_each_row_once(api: Api, user: User, path: str, table: EntryTable) -> None:
    fill(api.database_url, number_of(user), 250, table)
    whole = pages(user, path, limit=100)
    assert [len(page) for page in whole] == [100, 100, 50]
    numbers = ids(whole)
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == 250
    # With any page size, also when the last row ends a page.
    for limit, sizes in ((50, 5 * [50]), (99, [99, 99, 52]), (1, 250 * [1])):
        cut = pages(user, path, limit=limit)
        assert ids(cut) == numbers
        assert [len(page) for page in cut] == sizes
    assert len(user.get(path).json()["results"]) == 20


def test_rows_added_or_deleted_while_paging_do_not_shift_pages(api: Api, user: User) -> None:
    owner = number_of(user)
    fill(api.database_url, owner, 250)
    before = ids(pages(user, PREDICTIONS, limit=100))
    seen = pages(user, PREDICTIONS, lambda: fill(api.database_url, owner, 30), limit=25)
    assert ids(seen) == before
    rest = iter(sorted(before)[:20])

    def delete_the_oldest() -> None:
        if (oldest := next(rest, None)) is not None:
            assert user.delete(f"{PREDICTIONS}{oldest}/").status_code == 200

    left = ids(pages(user, PREDICTIONS, delete_the_oldest, limit=25))
    assert len(left) == len(set(left))
    assert set(before) - set(left) <= set(sorted(before)[:20])


@pytest.mark.parametrize(
    ("path", "table", "field"),
    [
        (PREDICTIONS, Prediction, "predicted_class"),
        (SIMILARITIES, Comparison, "compared_with_class"),
    ],
)
def test_pages_can_be_filtered_by_class(
    api: Api, user: User, path: str, table: EntryTable, field: str
) -> None:
    fill(api.database_url, number_of(user), 80, table)
    everything = [row for page in pages(user, path, limit=100) for row in page]
    for index in (0, 1, 8, 35):
        some = [row for page in pages(user, path, limit=2, **{"class": index}) for row in page]
        assert some == [row for row in everything if row[field] == index]
        assert len(some) == (3 if 1 <= index <= 8 else 2)
    assert pages(user, path, **{"class": 999}) == [[]]


# Deletion


def test_deleting_a_prediction_deletes_its_picture_and_feedback(api: Api, user: User) -> None:
    kept, number = user.predict(1).json()["prediction_id"], user.predict(2).json()["prediction_id"]
    feedback = {"prediction_id": number, "actual_class": 5}
    assert user.post(FEEDBACK, json=feedback).status_code == 201
    before = set(api.media.rglob("*.*"))
    assert user.delete(f"{PREDICTIONS}{number}/").status_code == 200
    assert len(before - set(api.media.rglob("*.*"))) == 1
    for path in (f"{PREDICTIONS}{number}/", f"{PREDICTIONS}{number}/image/"):
        assert user.get(path).status_code == 404
    assert user.delete(f"{PREDICTIONS}{number}/").status_code == 404
    assert user.post(FEEDBACK, json=feedback).status_code == 404
    assert ids(pages(user, PREDICTIONS)) == [kept]
    assert user.get(f"{PREDICTIONS}{kept}/image/").content == encode(reference(1))


def test_deleting_a_comparison_removes_it_from_the_progress(api: Api, user: User) -> None:
    good, poor = user.compare(6, 6).json(), user.compare(20, 6).json()
    other = user.compare(9, 9).json()
    assert good["score"] > poor["score"]
    practised = character(user, 6)
    assert (practised["attempts"], practised["best"]) == (2, good["score"])
    before = set(api.media.rglob("*.*"))
    assert user.delete(f"{SIMILARITIES}{good['comparison_id']}/").status_code == 200
    assert len(before - set(api.media.rglob("*.*"))) == 3
    # The progress equals that of a user who never made the deleted comparison.
    peer = api.sign_up()
    peer.compare(20, 6)
    timed = {"last_at", "due"}
    rest, expected = character(user, 6), character(peer, 6)
    assert (
        rest["last_at"] == user.get(f"{SIMILARITIES}{poor['comparison_id']}/").json()["created_at"]
    )
    assert {name: rest[name] for name in set(rest) - timed} == {
        name: expected[name] for name in set(rest) - timed
    }
    assert rest["best"] == rest["last"] == poor["score"]
    user.delete(f"{SIMILARITIES}{poor['comparison_id']}/")
    assert character(user, 6) == character(api.sign_up(), 6)
    totals = user.get("/api/progress/").json()["totals"]
    assert (totals["attempts"], totals["characters_tried"]) == (1, 1)
    assert character(user, 9)["best"] == other["score"]


def test_the_best_comparison_of_each_class_is_the_one_from_memory(
    user: User, stranger: User
) -> None:
    best = f"{SIMILARITIES}best/"
    assert user.get(best).json() == {"success": True, "results": []}
    stranger.compare(6, 6)

    def compare(written: int, target: int, help: str) -> dict[str, Any]:
        data = {"target_class": str(target), "help": help}
        image = {"image": encode(reference(written))}
        answer = user.post("/api/similarity/", files=image, data=data)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    traced, poor = compare(6, 6, "traced"), compare(20, 6, "none")
    helped = [compare(written, 50, "hinted") for written in (50, 20)]
    assert traced["score"] > poor["score"]
    assert helped[0]["score"] > helped[1]["score"]

    def shown() -> list[tuple[int, int, int]]:
        answer = user.get(best).json()["results"]
        return [(each["class"], each["id"], each["score"]) for each in answer]

    of_six, of_fifty = (6, poor["comparison_id"]), (50, helped[0]["comparison_id"])
    assert shown() == [(*of_six, poor["score"]), (*of_fifty, helped[0]["score"])]
    # The same mark again: the newer one.
    good, again = compare(6, 6, "none"), compare(6, 6, "none")
    assert good["score"] == again["score"]
    assert shown()[0] == (6, again["comparison_id"], again["score"])
    entry = user.get(best).json()["results"][0]
    whole = user.get(f"{SIMILARITIES}{again['comparison_id']}/").json()
    assert {name: whole[name] for name in ("id", "score", "created_at", "images")} == {
        name: value for name, value in entry.items() if name != "class"
    }
    # One that is deleted is no longer the best.
    user.delete(f"{SIMILARITIES}{again['comparison_id']}/")
    assert shown()[0] == (6, good["comparison_id"], good["score"])


def test_vowels_are_kept_corrected_and_practised_like_consonants(user: User) -> None:
    image = {"image": encode(reference(44))}
    read = user.post("/api/predict/", files=image, data={"characters": "all"}).json()
    user.predict(3)
    (row,) = user.get(PREDICTIONS, params={"class": 44}).json()["results"]
    assert (row["id"], row["predicted_class"]) == (read["prediction_id"], 44)
    assert (row["character"], row["name"]) == ("ऌ", "vocalic l")
    given = user.post(FEEDBACK, json={"prediction_id": row["id"], "actual_class": 45})
    assert (given.status_code, given.json()["actual_class"]) == (201, 45)
    assert user.compare(44).json()["character"] == "ऌ"
    user.compare(2)
    (compared,) = user.get(SIMILARITIES, params={"class": 44}).json()["results"]
    assert (compared["character"], compared["name"]) == ("ऌ", "vocalic l")
    # An app that does not ask for them sees 36 characters.
    known = user.get("/api/progress/").json()
    assert [each["class"] for each in known["characters"]] == list(range(36))
    assert max(each["class"] for each in known["next"]) < 36
    assert (known["totals"]["attempts"], known["totals"]["characters_tried"]) == (1, 1)
    assert known == user.get("/api/progress/?characters=consonants").json()
    whole = user.get("/api/progress/?characters=all").json()
    assert [each["class"] for each in whole["characters"]] == list(range(62))
    assert whole["characters"][44]["attempts"] == 1
    assert (whole["totals"]["attempts"], whole["totals"]["characters_tried"]) == (2, 2)
    wrong = user.get("/api/progress/?characters=vowels")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "validation_failed")
    assert "'consonants' or 'all'" in wrong.json()["error"]


def test_of_sixteen_simultaneous_deletions_one_succeeds(user: User) -> None:
    number = user.compare(3).json()["comparison_id"]
    with ThreadPoolExecutor(16) as callers:
        statuses = callers.map(
            lambda _: user.delete(f"{SIMILARITIES}{number}/").status_code, range(16)
        )
        assert sorted(statuses) == [200] + 15 * [404]
    assert character(user, 3)["attempts"] == 0


# Export


def test_the_export_is_what_the_pages_show(api: Api, user: User) -> None:
    user.predict(1)
    user.post(FEEDBACK, json={"prediction_id": user.predict(2).json()["prediction_id"], **SAID})
    user.compare(3, 4)
    fill(api.database_url, number_of(user), 1100)
    fill(api.database_url, number_of(user), 600, Comparison)
    response = user.get(EXPORT, params={"format": "json"})
    assert response.headers["Content-Type"] == "application/json"
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    disposition = f'attachment; filename="ranjana-{today}.json"'
    assert response.headers["Content-Disposition"] == disposition
    exported = response.json()
    for name, path in (("predictions", PREDICTIONS), ("similarities", SIMILARITIES)):
        shown = [row for page in pages(user, path, limit=100) for row in page]
        assert exported[name] == [{**row, "strokes": None} for row in shown[::-1]]
    assert (len(exported["predictions"]), len(exported["similarities"])) == (1102, 601)


SAID = {"actual_class": 7, "rating": 4, "comments": 'Ünlike, a "ka"; not\nat all ड'}


def table_of(response: Any) -> list[dict[str, str]]:
    """The rows of a CSV file, read strictly."""
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = io.StringIO(response.content.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(lines, strict=True))


def test_the_csv_export_has_a_line_an_entry(user: User) -> None:
    plain = user.predict(1).json()
    judged = user.predict(2).json()
    user.post(FEEDBACK, json={"prediction_id": judged["prediction_id"], **SAID})
    compared = user.compare(3, 4).json()
    response = user.get(EXPORT, params={"format": "csv"})
    assert response.headers["Content-Disposition"].endswith('.csv"')
    first, second, third = table_of(response)
    assert None not in {*first, *second, *third}  # no line is longer than the head
    assert [line["kind"] for line in (first, second, third)] == 2 * ["prediction"] + ["similarity"]
    for line, answer in ((first, plain), (second, judged)):
        assert int(line["id"]) == answer["prediction_id"]
        assert int(line["class"]) == answer["predicted_class"]
        assert float(line["confidence"]) == answer["confidence"]
        assert (line["character"], line["name"]) == (answer["character"], answer["name"])
        assert line["similarity_score"] == ""
    assert (first["actual_class"], first["rating"], first["comments"]) == ("", "", "")
    assert {name: str(value) for name, value in SAID.items()} == {
        name: second[name] for name in SAID
    }
    assert int(third["class"]) == 4
    assert float(third["similarity_score"]) == compared["similarity_score"]
    assert third["feedback"] == " ".join(compared["feedback"])
    assert third["confidence"] == ""


@pytest.mark.parametrize(
    "formula",
    ['=HYPERLINK("http://x.example","y")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1:A9)", "=1\n=2"],
)
@pytest.mark.database("sqlite")
def test_a_comment_cannot_become_a_spreadsheet_formula(user: User, formula: str) -> None:
    number = user.predict().json()["prediction_id"]
    feedback = {"prediction_id": number, "actual_class": 1, "comments": formula}
    assert user.post(FEEDBACK, json=feedback).json()["comments"] == formula
    (line,) = table_of(user.get(EXPORT, params={"format": "csv"}))
    assert line["comments"] == "'" + formula.replace("\n=", "\n'=")


@pytest.mark.parametrize("kind", ["xml", "", "JSON"])
@pytest.mark.database("sqlite")
def test_an_unknown_export_format_is_refused(user: User, kind: str) -> None:
    response = user.get(EXPORT, params={"format": kind})
    assert response.status_code == 400
    assert "format" in response.json()["details"]["fields"]


@contextmanager
def growth(process: psutil.Process) -> Iterator[Callable[[], int]]:
    """Measures the peak growth of a process's memory in bytes. Call the result after the block."""
    start = most = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield lambda: most - start
    finally:
        done.set()
        watching.join()


@pytest.fixture(scope="module")
def archivist(api: Api) -> User:
    """A user with 20,000 predictions."""
    someone = api.sign_up()
    fill(api.database_url, number_of(someone), 20_000)
    return someone


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_long_history_is_exported_in_little_memory(api: Api, archivist: User, kind: str) -> None:
    size = lines = 0
    query = {"format": kind}
    with (
        growth(psutil.Process(api.process.pid)) as grown,
        api.client.stream("GET", EXPORT, params=query, headers=archivist.headers) as response,
    ):
        for piece in response.iter_bytes():
            size += len(piece)
            lines += piece.count(b"\n")
    assert lines >= 20_000
    assert size > MEGABYTE
    assert grown() < 60 * MEGABYTE


def test_an_export_is_streamed(api: Api, archivist: User) -> None:
    with api.client.stream("GET", EXPORT, headers=archivist.headers) as response:
        assert "Content-Length" not in response.headers
        pieces = response.iter_bytes()
        first = next(pieces)
        # A prediction made now is still exported, because the service waits for its reader.
        latest = archivist.predict().json()["prediction_id"]
        content = json.loads(first + b"".join(pieces))
    assert content["predictions"][-1]["id"] == latest


# Feedback


def test_feedback_is_given_shown_and_changed(user: User) -> None:
    number = user.predict(8).json()["prediction_id"]
    given = user.post(FEEDBACK, json={"prediction_id": number, **SAID})
    assert given.status_code == 201
    first = given.json()
    assert first["success"] is True
    assert first["prediction_id"] == number
    assert {name: first[name] for name in SAID} == SAID
    shown = {name: first[name] for name in (*SAID, "created_at", "updated_at")}
    assert user.get(PREDICTIONS).json()["results"][0]["feedback"] == shown
    changed = user.post(FEEDBACK, json={"prediction_id": number, "actual_class": 8})
    assert changed.status_code == 200
    second = changed.json()
    assert (second["id"], second["created_at"]) == (first["id"], first["created_at"])
    assert second["updated_at"] > first["updated_at"]
    # New feedback replaces all fields, also those it leaves out.
    assert (second["actual_class"], second["rating"], second["comments"]) == (8, None, None)
    row = user.get(f"{PREDICTIONS}{number}/").json()
    assert row["feedback"] == {name: second[name] for name in shown}


@pytest.fixture(scope="module")
def judge(api: Api) -> User:
    """A user with a single prediction."""
    someone = api.sign_up()
    someone.predict()
    return someone


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"actual_class": 62}, "actual_class"),
        ({"actual_class": 1000}, "actual_class"),
        ({"actual_class": -1}, "actual_class"),
        ({"actual_class": "ka"}, "actual_class"),
        ({"actual_class": 1.5}, "actual_class"),
        ({"actual_class": None}, "actual_class"),
        ({"actual_class": 10**30}, "actual_class"),
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 3.5}, "rating"),
        ({"rating": "good"}, "rating"),
        ({"comments": "nul\x00byte"}, "comments"),
        ({"comments": "bell\x07"}, "comments"),
        ({"comments": "x" * 2001}, "comments"),
        ({"comments": 5}, "comments"),
        ({"comments": ["x"]}, "comments"),
        ({"prediction_id": 0}, "prediction_id"),
        ({"prediction_id": "first"}, "prediction_id"),
        ({"prediction_id": None}, "prediction_id"),
    ],
)
@pytest.mark.database("sqlite")
def test_invalid_feedback_is_refused(judge: User, fields: dict[str, object], field: str) -> None:
    (row,) = judge.get(PREDICTIONS).json()["results"]
    response = judge.post(FEEDBACK, json={"prediction_id": row["id"], "actual_class": 1, **fields})
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "validation_failed"
    assert set(response.json()["details"]["fields"]) == {field}
    number = fields.get("actual_class")
    if isinstance(number, int) and number < 2**53:  # JSON has no larger whole numbers
        assert "0-61" in response.json()["error"]
    assert judge.get(PREDICTIONS).json()["results"] == [row]


@pytest.mark.parametrize(
    "fields",
    [
        {"actual_class": 0},
        {"actual_class": 61, "rating": 1},
        {"actual_class": 1, "rating": 5, "comments": "x" * 2000},
        {"actual_class": 1, "comments": "two\nlines\tand a tab"},
        {"actual_class": 1, "comments": "\U0001f600 \u0930\u093e\u092e"},
    ],
)
def test_feedback_at_its_limits_is_stored_unchanged(user: User, fields: dict[str, object]) -> None:
    number = user.predict().json()["prediction_id"]
    given = user.post(FEEDBACK, json={"prediction_id": number, **fields})
    assert given.status_code == 201, given.text
    assert {name: given.json()[name] for name in fields} == fields


def test_only_the_owner_can_give_feedback(api: Api, user: User, stranger: User) -> None:
    number = user.predict().json()["prediction_id"]
    feedback = {"prediction_id": number, "actual_class": 1}
    assert stranger.post(FEEDBACK, json=feedback).status_code == 404
    assert api.client.post(FEEDBACK, json=feedback).status_code == 401
    assert user.post(FEEDBACK, json={**feedback, "prediction_id": 10**9}).status_code == 404
    assert user.get(f"{PREDICTIONS}{number}/").json()["feedback"] is None


def test_of_sixteen_simultaneous_feedbacks_one_is_created(user: User) -> None:
    number = user.predict().json()["prediction_id"]
    with ThreadPoolExecutor(16) as callers:
        responses = list(
            callers.map(
                lambda n: user.post(FEEDBACK, json={"prediction_id": number, "actual_class": n}),
                range(16),
            )
        )
    assert sorted(response.status_code for response in responses) == 15 * [200] + [201]
    assert len({response.json()["id"] for response in responses}) == 1
    shown = user.get(f"{PREDICTIONS}{number}/").json()["feedback"]["actual_class"]
    assert shown in range(16)


# A long history


@pytest.fixture(scope="module")
def long_history(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[int]]:
    """A database URL and three user ids, with 10,000, 2,000 and 50 rows in each table."""
    if database == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('long') / 'ranjana.db'}"
    else:
        url = request.getfixturevalue("postgresql").new_database()
    owners: list[int] = []

    def make_users(connection: Connection) -> None:
        for name in "abc":
            names = ("username", "username_key", "email", "email_key")
            values = {**dict.fromkeys(names, name), "password_hash": "", "role": "user"}
            values |= {"active": True, "timezone": "UTC", "created_at": now()}
            made = connection.execute(insert(core_of(Account)).values(values))
            owners.append(made.inserted_primary_key[0])

    def judge_some(connection: Connection) -> None:
        rows = core_of(Prediction)
        number = rows.c.id
        moment = literal(now(), rows.c.created_at.type)
        some = select(number, rows.c.user_id, literal(1), moment, moment).where(number % 10 == 0)
        names = ["prediction_id", "user_id", "actual_class", "created_at", "updated_at"]
        connection.execute(insert(core_of(Feedback)).from_select(names, some))

    async def migrate() -> None:
        database = Database(Settings(database_url=url))
        await database.migrate()
        await database.aclose()

    asyncio.run(migrate())
    in_database(url, make_users)
    for table in (Prediction, Comparison):
        fill(url, owners[2], 50, table)
        fill(url, owners[0], 10_000, table)
        fill(url, owners[1], 2_000, table)
    in_database(url, judge_some)
    in_database(url, lambda connection: connection.execute(text("ANALYZE")))
    return url, owners


@pytest.mark.parametrize("table", [Prediction, Comparison])
@pytest.mark.parametrize(("before", "class_"), [(None, None), (6_000, None), (None, 7), (6_000, 7)])
@pytest.mark.parametrize("owner", [0, 2])
def test_a_page_of_a_long_history_uses_an_index(
    long_history: tuple[str, list[int]],
    tmp_path: Path,
    table: EntryTable,
    before: int | None,
    class_: int | None,
    owner: int,
) -> None:
    url, owners = long_history
    executed: list[tuple[str, Any]] = []

    def record(_1: Any, _2: Any, statement: str, parameters: Any, *_: Any) -> None:
        if f"FROM {table.__tablename__}" in statement:
            executed.append((statement, parameters))

    async def explain_page() -> list[str]:
        database = Database(Settings(database_url=url))
        try:
            history = History(database, PictureFolder(tmp_path))
            rows = await history.page(table, owners[owner], 21, before, class_)
            assert rows or owner == 2
            ((statement, parameters),) = executed
            explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
            plan = await database.read(
                lambda session: (
                    session.connection().exec_driver_sql(f"{explain} {statement}", parameters).all()
                )
            )
            return [str(row[-1]) for row in plan]
        finally:
            await database.aclose()

    event.listen(Engine, "before_cursor_execute", record)
    try:
        plan = asyncio.run(explain_page())
    finally:
        event.remove(Engine, "before_cursor_execute", record)
    shown = "\n".join(plan)
    for slow in ("Seq Scan", "Sort", "Hash", "SCAN", "TEMP B-TREE"):
        assert slow not in shown, shown
    kind = "class" if class_ is not None else "page"
    assert f"ix_{table.__tablename__}_{kind}" in shown, shown


@pytest.mark.parametrize(("owner", "count"), [(0, 36), (2, 36), (3, 0)])
def test_the_best_of_a_long_history_are_found(
    long_history: tuple[str, list[int]], tmp_path: Path, owner: int, count: int
) -> None:
    url, owners = long_history

    async def best() -> list[tuple[int, int, int, datetime]]:
        database = Database(Settings(database_url=url))
        history = History(database, PictureFolder(tmp_path))
        try:
            return list(await history.best([*owners, 0][owner]))
        finally:
            await database.aclose()

    found = asyncio.run(best())
    assert [class_ for class_, *_ in found] == list(range(count))
    # All have the same mark: the newest of each class is the best.
    numbers = [row_id for _, row_id, *_ in found]
    assert len(set(numbers)) == count
    assert not numbers or max(numbers) - min(numbers) < 36
