"""A service whose pictures are on S3 does all that one with a folder does."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from tests.operations.test_cleanup import clean_up
from tests.support.apis import Api, StartApi, User
from tests.support.commands import answer, command, refusal
from tests.support.jobs import digits, finished, hand_in, job_of, on, require_all_right, zipped
from tests.support.pictures import encode, reference
from tests.support.running import private
from tests.support.s3 import S3Bucket, S3Server

pytestmark = pytest.mark.thorough("postgresql")

HISTORY = "/api/history"
HEIC = encode(Image.fromarray(reference(4)), "HEIF")


def stored(bucket: S3Bucket, folder: str = "pictures") -> list[str]:
    """The kinds of the pictures in the bucket, or the names of the uploads."""
    return sorted(
        name.rpartition(".")[2] for name in bucket.objects() if name.startswith(f"{folder}/")
    )


def local(api: Api) -> list[Path]:
    return [path for path in api.media.rglob("*") if path.is_file()]


def shown(user: User) -> dict[str, str]:
    """Digests of all pictures of the history."""
    found = {}
    for row in user.get(f"{HISTORY}/predictions/").json()["results"]:
        found[row["image"]] = ""
    for row in user.get(f"{HISTORY}/similarities/").json()["results"]:
        found |= dict.fromkeys(row["images"].values(), "")
    for path in found:
        response = user.get(path)
        assert response.status_code == 200
        found[path] = hashlib.sha256(response.content).hexdigest()
    return found


@pytest.mark.database("sqlite")
def test_pictures_are_in_the_bucket_alone_and_go_with_their_entries(
    start_api: StartApi, bucket: S3Bucket
) -> None:
    api = start_api(bucket.settings)
    user, other = api.sign_up(), api.sign_up()
    other.predict(1)
    image = encode(reference(5))
    first = user.predict(5).json()["prediction_id"]
    heic = user.post("/api/predict/", files={"image": HEIC}).json()
    compared = user.compare(6).json()
    assert stored(bucket) == ["image", "image", "image", "overlay", "reference", "shown", "user"]
    assert local(api) == []

    assert user.get(f"{HISTORY}/predictions/{first}/image/").content == image
    seen = user.get(f"{HISTORY}/predictions/{heic['prediction_id']}/image/")
    assert seen.headers["Content-Type"] == "image/jpeg"
    overlay = user.get(f"{HISTORY}/similarities/{compared['comparison_id']}/overlay/").content
    assert overlay == base64.b64decode(compared["blended_overlay"].partition(",")[2])
    assert other.get(f"{HISTORY}/predictions/{first}/image/").status_code == 404
    with zipfile.ZipFile(io.BytesIO(user.get("/api/me/export/").content)) as exported:
        assert exported.read(f"pictures/predictions/{first}-image.png") == image
        assert exported.read(f"pictures/predictions/{heic['prediction_id']}-image.heic") == HEIC
        assert len([name for name in exported.namelist() if name.startswith("pictures/")]) == 5

    # Feedback is found again by the digest of the picture.
    said = {"prediction_id": first, "actual_class": 6}
    assert user.post("/api/feedback/", json=said).status_code == 201
    assert user.delete(f"{HISTORY}/predictions/{heic['prediction_id']}/").status_code == 200
    assert stored(bucket) == ["image", "image", "overlay", "reference", "user"]
    assert user.delete("/api/me/").status_code in {200, 204}
    assert stored(bucket) == ["image"]


@pytest.mark.database("postgresql")
def test_two_services_share_pictures_and_uploads_without_a_folder(
    start_api: StartApi, bucket: S3Bucket, tmp_path: Path
) -> None:
    one = start_api({**bucket.settings, "JOB_CONCURRENCY": "0"})
    media = {"MEDIA_DIR": str(tmp_path / "other"), "DATA_DIR": str(one.folder / "data")}
    other = start_api({**bucket.settings, **media}, beside=one)
    user = one.sign_up()
    there = on(other, user)
    number = user.predict(5).json()["prediction_id"]
    path = f"{HISTORY}/predictions/{number}/"
    assert there.get(f"{path}image/").content == encode(reference(5))
    require_all_right(finished(there, hand_in(user, digits(20))), 20)
    packed = zipped({name: content for _, (name, content) in digits(20)})
    job = hand_in(user, [("zip", ("pictures.zip", packed))])
    require_all_right(finished(there, job), 20)
    assert stored(bucket, "jobs") == []
    assert there.delete(path).status_code == 200
    assert bucket.objects() == {}
    for folder in (one.media, tmp_path / "other"):
        assert [each for each in folder.rglob("*") if each.is_file()] == []


@pytest.mark.database("sqlite")
def test_what_a_crash_leaves_in_the_bucket_is_cleaned_up(
    start_api: StartApi, bucket: S3Bucket
) -> None:
    api = start_api({**bucket.settings, "JOB_CONCURRENCY": "0"})
    user = api.sign_up()
    user.predict(5)
    job = hand_in(user, digits(2))
    kept = bucket.objects()
    name = f"2026010100-{'0' * 32}"
    for left in (f"pictures/2026010100/{name}.image", f"jobs/{'1' * 32}"):
        bucket.add(left, b"left")
    assert clean_up(api) == (0, 0, 0)
    bucket.make_old(3700)
    assert clean_up(api) == (0, 0, 1)
    assert bucket.objects() == kept
    assert job_of(user, job)["state"] == "queued"


class Place:
    """The environment of a service that is the target of a restore."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        (folder / "store").mkdir(parents=True)
        self.media = folder / "media"
        self.environment = {
            **private(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'ranjana.db'}",
            "MODEL_STORE": str(folder / "store"),
            **settings,
        }


@pytest.mark.database("sqlite")
@pytest.mark.thorough
def test_a_backup_holds_the_pictures_and_moves_them_between_folder_and_bucket(
    start_api: StartApi, bucket: S3Bucket, s3: S3Server, tmp_path: Path
) -> None:
    api = start_api({"JOB_CONCURRENCY": "0"})
    user = api.sign_up()
    for index in range(10):
        user.predict(index)
    user.post("/api/predict/", files={"image": HEIC})
    user.compare(7)
    job = hand_in(user, digits(3))
    before = shown(user)
    assert len(before) == 14

    # From a folder to a bucket,
    answer(api, "backup", str(tmp_path / "one.tar"))
    in_bucket = Place(tmp_path / "bucket", bucket.settings)
    assert command(in_bucket, "restore", str(tmp_path / "one.tar")).stderr == ""
    assert [path for path in in_bucket.media.rglob("*") if path.is_file()] == []
    moved = start_api({**in_bucket.environment, "JOB_CONCURRENCY": "0"})
    assert shown(on(moved, user)) == before
    code, why = refusal(in_bucket, "restore", str(tmp_path / "one.tar"))
    assert (code, why) == (1, "The database is not empty.\n")
    again = Place(tmp_path / "again", bucket.settings)
    code, why = refusal(again, "restore", str(tmp_path / "one.tar"))
    assert (code, why.startswith("There are pictures in s3://")) == (1, True)
    # from one bucket to another,
    made = answer(moved, "backup", str(tmp_path / "two.tar"))
    assert (made["gone"], made["files"]) == (0, 16)
    other = s3.new_bucket()
    assert command(Place(tmp_path / "other", other.settings), "restore", str(tmp_path / "two.tar"))
    assert [path.read_bytes() for path in other.objects().values()] == [
        path.read_bytes() for path in bucket.objects().values()
    ]
    # and back to a folder.
    moved.stop()
    in_folder = Place(tmp_path / "folder", {})
    assert command(in_folder, "restore", str(tmp_path / "two.tar")).stderr == ""
    back = start_api(in_folder.environment)
    assert shown(on(back, user)) == before
    assert finished(on(back, user), job)["counts"]["succeeded"] == 3


@pytest.mark.database("sqlite")
def test_a_backup_or_a_restore_without_the_bucket_fails_in_one_sentence(
    start_api: StartApi, bucket: S3Bucket, s3: S3Server, tmp_path: Path
) -> None:
    api = start_api(bucket.settings)
    api.sign_up().predict(5)
    file = tmp_path / "backup.tar"
    answer(api, "backup", str(file))
    place = Place(tmp_path / "other", bucket.settings | {"STORAGE_URL": "s3://no-such-bucket"})
    code, why = refusal(place, "restore", str(file))
    assert (code, why) == (1, "The picture cannot be listed at the moment. Please try again.\n")
    with s3.stopped():
        code, why = refusal(api, "backup", str(tmp_path / "second.tar"))
    assert (code, why) == (1, "The picture cannot be read at the moment. Please try again.\n")
    assert not (tmp_path / "second.tar").exists()
