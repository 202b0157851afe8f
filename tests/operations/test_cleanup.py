"""The clean-up removes data that is no longer needed, and nothing else."""

from __future__ import annotations

import asyncio
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, update

from auth_api.database.columns import now
from auth_api.database.tables.accounts import KnownDevice, RefreshToken, Session
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.history.picture_folder import PictureFolder
from auth_api.history.pictures import new_media
from tests.history.test_history import EntryTable, fill, in_database, number_of
from tests.support.apis import PASSWORD, Api, StartApi, User
from tests.support.commands import command
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

pytestmark = pytest.mark.thorough("postgresql")

HISTORY = "/api/history"
RETENTION = {"RETENTION_DAYS": "30"}


def clean_up(api: Api, *arguments: str) -> tuple[int, int, int]:
    """Cleans up; returns how many entries, sessions and images the command says it removed."""
    done = command(api, "clean-up", *arguments)
    assert (done.code, done.stderr) == (0, "")
    return counts_in(done.stdout)


def counts_in(output: str) -> tuple[int, int, int]:
    entries, sessions, _, orphans, _ = re.findall(r"\d+", output)
    return int(entries), int(sessions), int(orphans)


def age(api: Api, table: EntryTable, numbers: list[int], days: float) -> None:
    """Sets the time of entries to some days ago."""
    moment = now() - timedelta(days=days)

    def work(connection: Connection) -> None:
        rows = update(table).where(table.id.in_(numbers))  # type: ignore[union-attr]
        connection.execute(rows.values(created_at=moment))

    in_database(api.database_url, work)


def add_pictures(api: Api, medias: list[str], kinds: tuple[str, ...] = ("image",)) -> set[Path]:
    """Writes images as the service does; returns the new files."""
    before = files(api)
    pictures = dict.fromkeys(kinds, encode(reference(0)))
    asyncio.run(PictureFolder(api.media).write_all([(media, pictures) for media in medias]))
    return files(api) - before


def files(api: Api) -> set[Path]:
    return {path for path in api.media.rglob("*") if path.is_file()}


def make_old(paths: set[Path], seconds: float) -> None:
    moment = time.time() - seconds
    for path in paths:
        os.utime(path, (moment, moment))


def test_unused_devices_and_too_many_of_a_user_are_forgotten(api: Api, user: User) -> None:
    other = api.sign_up()
    old, recent = now() - timedelta(days=366), now() - timedelta(days=364)

    def device(name: str, owner: User, moment: datetime) -> dict[str, object]:
        name = f"{owner.username} {name}"
        return {"hash": name, "user_id": number_of(owner), "last_used_at": moment}

    rows = [device("old", other, old), device("recent", other, recent)]
    rows += [device(str(i), user, now() - timedelta(hours=i)) for i in range(25)]
    in_database(
        api.database_url,
        lambda connection: connection.execute(insert(KnownDevice), rows),
    )
    clean_up(api)
    kept: list[str] = []
    mine = KnownDevice.user_id.in_([number_of(user), number_of(other)])  # type: ignore[attr-defined]
    query = select(KnownDevice.hash).where(mine)
    in_database(api.database_url, lambda c: kept.extend(c.scalars(query)))
    assert set(kept) == {f"{other.username} recent", *(f"{user.username} {i}" for i in range(20))}


def test_expired_history_is_removed_and_progress_stays(start_api: StartApi) -> None:
    api = start_api(RETENTION)
    user = api.sign_up()
    predicted = [user.predict(index).json()["prediction_id"] for index in range(4)]
    compared = [user.compare(index).json()["comparison_id"] for index in (5, 5, 6, 7)]
    said = {"prediction_id": predicted[0], "actual_class": 1}
    assert user.post("/api/feedback/", json=said).status_code == 201
    age(api, Prediction, predicted[:2], days=30.1)
    age(api, Prediction, predicted[2:3], days=29.9)
    age(api, Comparison, compared[:3], days=400)
    fill(api.database_url, number_of(user), 1100)
    others = user.get(f"{HISTORY}/export/").json()["predictions"][4:]
    age(api, Prediction, [row["id"] for row in others], days=31)
    progress, before = user.get("/api/progress/").json(), files(api)
    assert clean_up(api, "--orphans-after", "0") == (2 + 1100 + 3, 0, 0)
    # One image of each prediction, three of each comparison.
    assert len(before - files(api)) == 2 + 9
    exported = user.get(f"{HISTORY}/export/").json()
    assert [row["id"] for row in exported["predictions"]] == predicted[2:]
    assert [row["id"] for row in exported["similarities"]] == compared[3:]
    for row in exported["predictions"]:
        assert user.get(row["image"]).status_code == 200
    for row in exported["similarities"]:
        assert {user.get(path).status_code for path in row["images"].values()} == {200}
    assert user.get(f"{HISTORY}/predictions/{predicted[0]}/image/").status_code == 404
    assert user.post("/api/feedback/", json=said).status_code == 404
    assert user.get("/api/progress/").json() == progress
    # A second run finds nothing.
    left = files(api)
    assert clean_up(api, "--orphans-after", "0") == (0, 0, 0)
    assert files(api) == left
    # Progress continues from the removed attempts.
    again = user.compare(5).json()
    practised = user.get("/api/progress/").json()["characters"][5]
    assert practised["attempts"] == 3
    assert practised["last"] == again["score"]


def test_a_service_cleans_up_by_itself(start_api: StartApi) -> None:
    api = start_api()
    user = api.sign_up()
    number = user.predict().json()["prediction_id"]
    age(api, Prediction, [number], days=3650)
    (orphan,) = add_pictures(api, [new_media()])
    make_old({orphan}, 2 * 3600)
    # Without RETENTION_DAYS all history is kept.
    assert clean_up(api)[0] == 0
    assert not orphan.exists()
    assert user.get(f"{HISTORY}/predictions/{number}/image/").status_code == 200
    start_api(RETENTION, beside=api)
    wait_for(lambda: not files(api), 10)
    assert user.get(f"{HISTORY}/predictions/{number}/").status_code == 404


def test_only_old_images_without_an_entry_are_orphans(api: Api, user: User) -> None:
    predicted, compared = user.predict(3), user.compare(4)
    assert (predicted.status_code, compared.status_code) == (200, 200)
    kept = files(api)
    orphans = add_pictures(api, [new_media() for _ in range(600)])
    orphans |= add_pictures(api, [new_media()], ("user", "reference", "overlay"))
    young = add_pictures(api, [new_media()]) | add_pictures(api, [new_media()])
    # Written slowly, so that only its last image is young.
    half = add_pictures(api, [new_media()], ("user", "overlay"))
    make_old(kept | orphans | {sorted(half)[0]}, 3700)
    make_old(young, 3500)
    assert clean_up(api)[2] == 601
    assert files(api) == kept | young | half
    assert user.get(f"{HISTORY}/predictions/{predicted.json()['prediction_id']}/image/").is_success
    assert clean_up(api, "--orphans-after", "0")[2] == 3
    assert files(api) == kept
    assert clean_up(api, "--orphans-after", "0")[2] == 0


def test_folders_of_past_hours_are_removed_with_their_last_image(api: Api, user: User) -> None:
    assert user.predict().status_code == 200
    names = [f"20200101{hour:02}-{number:032x}" for number, hour in enumerate((0, 0, 1))]
    gone, left, alone = (add_pictures(api, [name]).pop() for name in names)
    make_old({gone, alone}, 3700)
    assert clean_up(api)[2] == 2
    folders = {path.name for path in api.media.iterdir()}
    assert {"2020010100", f"{now():%Y%m%d%H}"} <= folders
    assert "2020010101" not in folders
    assert files(api) >= {left}


def test_ended_sessions_are_removed_and_running_ones_stay(api: Api, user: User) -> None:
    owner = number_of(user)
    clean_up(api)
    signed_out, expired, elsewhere = (api.sign_in(user.username) for _ in range(3))
    refreshed = api.client.post("/api/token/refresh/", json={"refresh": user.refresh}).json()
    user = User(api, user.username, user.email, **refreshed)

    def sessions() -> list[str]:
        found: list[str] = []
        query = select(Session.id).where(Session.user_id == owner).order_by(Session.created_at)
        in_database(api.database_url, lambda c: found.extend(c.scalars(query)))
        return found

    def expire(moment: datetime, number: str) -> None:
        change = update(Session).where(Session.id == number).values(expires_at=moment)
        in_database(api.database_url, lambda c: c.execute(change))

    def tokens() -> int:
        counts: list[int] = []
        query = (
            select(func.count()).select_from(RefreshToken).where(RefreshToken.session_id.in_(here))
        )
        in_database(api.database_url, lambda c: counts.extend(c.scalars(query)))
        return counts[0]

    here = sessions()
    assert len(here) == 4
    assert tokens() == 5
    api.client.post("/api/logout/", json={"refresh": signed_out.refresh})
    expire(now() - timedelta(seconds=1), here[2])
    assert clean_up(api)[1] == 2
    assert sessions() == [here[0], here[3]]
    assert tokens() == 3
    body = {"old_password": PASSWORD, "new_password": "another quiet river"}
    assert user.post("/api/change-password/", json=body).status_code == 200
    assert clean_up(api)[1] == 1
    assert sessions() == [here[0]]
    for ended in (signed_out, expired, elsewhere):
        assert ended.get("/api/me/").status_code == 401
        again = api.client.post("/api/token/refresh/", json={"refresh": ended.refresh})
        assert (again.status_code, again.json()["code"]) == (401, "session_ended")
    assert user.get("/api/me/").status_code == 200
    assert api.client.post("/api/token/refresh/", json={"refresh": user.refresh}).is_success


def test_several_clean_ups_can_run_at_the_same_time(start_api: StartApi) -> None:
    api = start_api(RETENTION)
    user = api.sign_up()
    owner = number_of(user)
    young = user.predict().json()["prediction_id"]
    fill(api.database_url, owner, 1200)
    fill(api.database_url, owner, 1200, Comparison)
    exported = user.get(f"{HISTORY}/export/").json()
    age(api, Prediction, [row["id"] for row in exported["predictions"][1:]], days=31)
    age(api, Comparison, [row["id"] for row in exported["similarities"]], days=31)
    kept = files(api)
    add_pictures(api, [new_media() for _ in range(700)])
    with ThreadPoolExecutor(3) as threads:
        arguments = ("clean-up", "--orphans-after", "0")
        ended = list(threads.map(lambda _: api.command(*arguments), range(3)))
    assert [each.returncode for each in ended] == [0, 0, 0]
    # Each entry was counted by exactly one of them.
    assert sum(counts_in(each.stdout)[0] for each in ended) == 2400
    assert files(api) == kept
    exported = user.get(f"{HISTORY}/export/").json()
    assert [row["id"] for row in exported["predictions"]] == [young]
    assert exported["similarities"] == []
