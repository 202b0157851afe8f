"""Stored pictures: who may read their files, which are old, what is deleted."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from auth_api.database.columns import now
from auth_api.errors import Unavailable
from auth_api.history.picture_bucket import PictureBucket
from auth_api.history.picture_folder import PictureFolder
from auth_api.history.pictures import PictureStore, media_type, new_media
from auth_api.jobs.input_files import InputFiles
from auth_api.storage.bucket import Bucket
from tests.support.s3 import S3Bucket, S3Server, bucket_settings


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Takes no rights away from new files."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> set[str]:
    """The rights of a folder and of all that is in it."""
    return {stat.filemode(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


@pytest.fixture(params=["folder", "bucket"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], PictureStore]:
    """Makes a store, in a running event loop. All have the same pictures."""
    if request.param == "folder":
        return lambda: PictureFolder(tmp_path)
    settings = request.getfixturevalue("bucket").settings
    return lambda: PictureBucket(Bucket(bucket_settings(settings)))


@pytest.mark.usefixtures("open_umask")
def test_no_other_account_of_the_machine_can_read_pictures(tmp_path: Path) -> None:
    media, jobs = tmp_path / "media", tmp_path / "media" / "jobs"
    asyncio.run(PictureFolder(media / "history").write_all([(new_media(), {"image": b"x"})]))
    InputFiles(jobs).new().sync()
    assert modes(media / "history" / f"{now():%Y%m%d%H}") == {"drwx------", "-rw-------"}
    assert modes(jobs) == {"drwx------", "-rw-------"}


def test_pictures_are_read_as_written_and_deleted_by_entry(
    new_store: Callable[[], PictureStore],
) -> None:
    content = bytes(range(256)) * 300
    medias = [new_media() for _ in range(9)]
    kinds = {"user": content, "reference": b"r", "overlay": b"o"}

    async def act() -> None:
        store = new_store()
        assert await store.is_empty()
        await asyncio.gather(
            *(store.write(media, kinds, early=index % 2 == 0) for index, media in enumerate(medias))
        )
        await store.delete(medias[1:])
        await store.delete(medias[1:])
        assert await store.read(medias[0], "user") == content
        assert await store.digest(medias[0], "user") == hashlib.sha256(content).hexdigest()
        assert await store.read(medias[0], "image") is None
        assert await store.digest(medias[0], "image") is None
        found = [(media, kind) for media in medias for kind in kinds]
        assert await store.read_all(found) == [*kinds.values(), *[None] * 24]
        assert not await store.is_empty()

    asyncio.run(act())
    assert len(set(medias)) == 9


def test_browsers_are_shown_the_second_picture_of_a_heic(
    new_store: Callable[[], PictureStore],
) -> None:
    heic, jpeg = b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", b"\xff\xd8\xff and so on"

    async def act() -> None:
        store, one, other = new_store(), new_media(), new_media()
        await store.write(one, {"image": heic})
        await store.write(other, {"image": heic, "shown": jpeg})
        assert await store.displayable(one, "image") == heic
        assert await store.displayable(other, "image") == jpeg
        assert await store.displayable(other, "user") is None

    asyncio.run(act())


def test_a_picture_is_not_replaced(tmp_path: Path) -> None:
    media = new_media()

    async def act() -> None:
        store = PictureFolder(tmp_path)
        await store.write_all([(media, {"user": b"one"})])
        with pytest.raises(FileExistsError):
            await store.write_all([(media, {"user": b"another"})])
        assert await store.read(media, "user") == b"one"

    asyncio.run(act())


async def old_ones(store: PictureStore, seconds: float) -> list[str]:
    return [media async for medias in store.older_than(seconds) for media in medias]


def test_an_entry_is_as_old_as_its_newest_picture(tmp_path: Path) -> None:
    old, fresh = sorted([new_media(), new_media()])

    async def act() -> None:
        store = PictureFolder(tmp_path)
        await store.write_all([(media, {"user": b"u", "overlay": b"o"}) for media in (old, fresh)])
        files = store.path_of(old, "user").parent.glob(f"{old}.*")
        for path in (*files, store.path_of(fresh, "user")):
            os.utime(path, (0, path.stat().st_mtime - 1000))
        assert await old_ones(store, 1000) == [old]
        assert set(await old_ones(store, 0)) == {old, fresh}
        assert await old_ones(store, 2000) == []

    asyncio.run(act())


def test_an_entry_in_a_bucket_is_as_old_as_its_newest_picture(bucket: S3Bucket) -> None:
    first, old, last = sorted([new_media() for _ in range(3)])

    async def act() -> None:
        store = PictureBucket(Bucket(bucket_settings(bucket.settings)))
        for media in (first, old, last):
            await store.write(media, {"user": b"u", "overlay": b"o"})
        bucket.make_old(1000)
        await store.write(first, {"user": b"u"})
        assert await old_ones(store, 900) == [old, last]
        await store.write(last, {"overlay": b"o"})
        assert await old_ones(store, 900) == [old]
        assert await old_ones(store, -60) == [first, old, last]

    asyncio.run(act())


def test_some_old_hours_of_a_bucket_are_listed_and_what_could_not_be_deleted(
    bucket: S3Bucket, s3: S3Server
) -> None:
    ages = {"fresh": 10, "due": 2 * 168, "not due": 2 * 168 + 50}
    medias = {
        name: f"{now() - timedelta(hours=hours):%Y%m%d%H}-{hours:032x}"
        for name, hours in ages.items()
    }
    for media in medias.values():
        bucket.add(f"pictures/{media.partition('-')[0]}/{media}.image", b"x")
    bucket.add("pictures/of-another/program", b"x")

    async def act() -> None:
        store = PictureBucket(Bucket(bucket_settings(bucket.settings)))

        async def listed(whole: bool) -> set[str]:
            found = [m async for ms in store.older_than(-60, whole=whole) for m in ms]
            return {name for name, media in medias.items() if media in found}

        assert await listed(whole=False) == {"fresh", "due"}
        assert await listed(whole=True) == {*ages}
        with s3.stopped():
            assert not await store.discard([medias["not due"]])
        assert await listed(whole=False) == {*ages}
        assert await store.discard([medias["not due"]])
        assert await listed(whole=False) == {"fresh", "due"}

    asyncio.run(act())


def test_only_empty_folders_of_past_hours_are_deleted(tmp_path: Path) -> None:
    folders = [f"{now() - timedelta(hours=hours):%Y%m%d%H}" for hours in (2, 4, 3)]
    for name in (*folders, "jobs"):
        (tmp_path / name).mkdir()
    (tmp_path / folders[1] / "x.image").touch()
    asyncio.run(tidied(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {*folders[:2], "jobs"}


async def tidied(folder: Path) -> None:
    await PictureFolder(folder).tidy()


def test_a_disk_that_cannot_be_read_is_unavailable_not_empty(tmp_path: Path) -> None:
    media = new_media()

    async def act() -> None:
        store = PictureFolder(tmp_path)
        store.path_of(media, "image").mkdir(parents=True)
        with pytest.raises(Unavailable, match="cannot be read"):
            await store.read(media, "image")
        with pytest.raises(Unavailable, match="cannot be deleted"):
            await store.delete([media])
        await store.discard([media])
        with pytest.raises(Unavailable, match="cannot be kept"):
            await store.write(media, {"image": b"x"})

    asyncio.run(act())


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x89PNG\r\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFFxxxxWEBP", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"BM", "image/bmp"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "image/avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"<svg>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_media_type_comes_from_the_content(head: bytes, expected: str) -> None:
    assert media_type(head) == expected
