"""Strokes in the history: kept, shown, exported, deleted, and counted as practice."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from auth_api.database.database import Database
from auth_api.database.tables.accounts import User as Account
from auth_api.database.tables.history import Comparison
from auth_api.history.picture_folder import PictureFolder
from auth_api.history.queries import History
from auth_api.history.recorder import HistoryRecorder
from auth_api.http.uploads import Writing
from auth_api.schemas.comparison import ComparisonQuery
from auth_api.schemas.history import WholeComparisonEntry, WholePredictionEntry
from auth_api.settings import Settings
from tests.history.test_history import EXPORT, PREDICTIONS, SIMILARITIES
from tests.support.apis import Api, User
from tests.support.pictures import encode, reference
from tests.support.strokes import longest, strokes_of

pytestmark = pytest.mark.thorough("postgresql")

PRACTISED = 6


def rounded(strokes: list[list[list[float]]]) -> list[list[list[float]]]:
    return [[[round(value, 4) for value in point] for point in stroke] for stroke in strokes]


def predict(user: User, index: int, **fields: Any) -> dict[str, Any]:
    body = {"strokes": strokes_of(index), **fields}
    answer: dict[str, Any] = user.post("/api/predict/", json=body).json()
    return answer


def compare(user: User, index: int, target: int, **fields: Any) -> dict[str, Any]:
    body = {"strokes": strokes_of(index), "target_class": target, **fields}
    answer: dict[str, Any] = user.post("/api/similarity/", json=body).json()
    return answer


def one(user: User, path: str, number: int) -> dict[str, Any]:
    entry: dict[str, Any] = user.get(f"{path}{number}/").json()
    return entry


def test_a_recognised_drawing_is_kept_with_its_strokes_and_a_picture(user: User) -> None:
    number = predict(user, 4, pen="nib")["prediction_id"]
    entry = one(user, PREDICTIONS, number)
    WholePredictionEntry.model_validate(entry)
    assert entry["strokes"] == rounded(strokes_of(4))
    assert entry["pen"] == "nib"
    picture = user.get(entry["image"])
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (256, 256)
    (listed,) = user.get(PREDICTIONS).json()["results"]
    assert {**listed, "strokes": entry["strokes"]} == entry
    assert "strokes" not in listed


def test_an_image_beside_the_strokes_is_the_picture_of_the_entry(api: Api, user: User) -> None:
    image = encode(reference(9))
    before = set(api.media.rglob("*.*"))
    answer = user.post(
        "/api/predict/", data={"strokes": json.dumps(strokes_of(4))}, files={"image": image}
    ).json()
    assert answer["predicted_class"] == 4
    entry = one(user, PREDICTIONS, answer["prediction_id"])
    assert user.get(entry["image"]).content == image
    assert entry["pen"] == "round"
    assert user.delete(f"{PREDICTIONS}{entry['id']}/").status_code == 200
    assert set(api.media.rglob("*.*")) == before


def test_a_compared_drawing_is_kept_with_its_mark_and_its_faults(user: User) -> None:
    answer = compare(user, PRACTISED, PRACTISED)
    assert answer["strokes"]["drawn"] == len(strokes_of(PRACTISED))
    entry = one(user, SIMILARITIES, answer["comparison_id"])
    WholeComparisonEntry.model_validate(entry)
    assert entry["strokes"] == rounded(strokes_of(PRACTISED))
    assert entry["pen"] == "round"
    for name in ("score", "faults", "nearest", "others", "feedback", "similarity_score"):
        assert entry[name] == answer[name]
    (listed,) = user.get(SIMILARITIES).json()["results"]
    assert {**listed, "strokes": entry["strokes"]} == entry
    assert "strokes" not in listed


def test_an_entry_of_a_picture_has_no_strokes(user: User) -> None:
    for number, path in (
        (user.predict(3).json()["prediction_id"], PREDICTIONS),
        (user.compare(3).json()["comparison_id"], SIMILARITIES),
    ):
        entry = one(user, path, number)
        assert (entry["strokes"], entry["pen"]) == (None, None)


def test_the_largest_drawing_is_kept(user: User) -> None:
    number = user.post("/api/predict/", json={"strokes": longest()}).json()["prediction_id"]
    assert one(user, PREDICTIONS, number)["strokes"] == rounded(longest())
    assert user.get(EXPORT).json()["predictions"][0]["strokes"] == rounded(longest())


def test_exports_have_marks_and_strokes(user: User) -> None:
    recognised = predict(user, 4)["prediction_id"]
    compared = compare(user, PRACTISED, PRACTISED)
    user.compare(3)
    found = user.get(EXPORT).json()
    assert found["predictions"] == [one(user, PREDICTIONS, recognised)]
    drawn, of_picture = found["similarities"]
    assert drawn == one(user, SIMILARITIES, compared["comparison_id"])
    assert of_picture["strokes"] is None
    content = user.get(EXPORT, params={"format": "csv"}).text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["score"] for row in rows[:2]] == ["", str(compared["score"])]
    with zipfile.ZipFile(io.BytesIO(user.get("/api/me/export/").content)) as archive:
        assert json.loads(archive.read("history.json")) == found
        assert f"pictures/predictions/{recognised}-image.jpeg" in archive.namelist()
        (attempt, _) = json.loads(archive.read("attempts.json"))
    assert attempt["score"] == compared["score"]


def test_progress_goes_by_the_mark(user: User) -> None:
    scores = [compare(user, index, PRACTISED)["score"] for index in (PRACTISED, 20)]
    practised = user.get("/api/progress/").json()["characters"][PRACTISED]
    assert (practised["best"], practised["last"]) == (max(scores), scores[-1])


def test_an_older_archive_gives_no_marks(tmp_path: Path) -> None:
    """The mark in the history is then the similarity score."""
    answer = {
        "model": {"name": "similarity", "version": "0.9"},
        **{"compared_with_class": 3, "similarity_score": 87.6, "distance": 0.1, "threshold": 0.45},
        **{"is_same_character": True, "form": "nithya", "regions": [], "feedback": []},
        **{"preprocessed": True, "user_image": "AAAA"},
        **{"reference_image": "AAAA", "blended_overlay": "AAAA"},
    }

    async def record() -> Comparison:
        database = Database(Settings(database_url=f"sqlite:///{tmp_path / 'ranjana.db'}"))
        await database.migrate()
        pictures = PictureFolder(tmp_path / "media")
        recorder, history = HistoryRecorder(database, pictures), History(database, pictures)
        person = dict.fromkeys(("username", "username_key", "email", "email_key"), "a")
        account = Account(id=1, **person, password_hash="x")
        await database.write(lambda session: session.add(account))
        options = ComparisonQuery(target_class=3)
        number = await recorder.record_comparison(1, Writing(b"x"), options, answer)
        row, _ = await history.one(Comparison, 1, number)
        await recorder.finish()
        await database.aclose()
        assert isinstance(row, Comparison)
        return row

    row = asyncio.run(record())
    assert (row.score, row.faults, row.pen) == (88, None, None)
