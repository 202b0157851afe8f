"""Stored pictures: who may read their files, which are old, what is deleted."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from auth_api.database.columns import now
from auth_api.history.pictures import PictureStore, media_type, new_media
from auth_api.jobs.input_files import InputFiles


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Takes no rights away from new files."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> set[str]:
    """The rights of a folder and of all that is in it."""
    return {stat.filemode(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


@pytest.mark.usefixtures("open_umask")
def test_no_other_account_of_the_machine_can_read_pictures(tmp_path: Path) -> None:
    media, jobs = tmp_path / "media", tmp_path / "media" / "jobs"
    asyncio.run(PictureStore(media / "history").write([(new_media(), {"image": b"x"})]))
    InputFiles(jobs).new().sync()
    assert modes(media / "history" / f"{now():%Y%m%d%H}") == {"drwx------", "-rw-------"}
    assert modes(jobs) == {"drwx------", "-rw-------"}


def test_pictures_are_read_as_written_and_deleted_by_entry(tmp_path: Path) -> None:
    store, content = PictureStore(tmp_path), bytes(range(256)) * 300
    medias = [new_media() for _ in range(9)]
    kinds = {"user": content, "reference": b"r", "overlay": b"o"}

    async def act() -> None:
        await store.write([(media, kinds) for media in medias])
        await store.delete(medias[1:])
        assert await store.read(medias[0], "user") == content
        assert await store.digest(medias[0], "user") == hashlib.sha256(content).hexdigest()
        assert await store.read(medias[0], "image") is None
        assert await store.digest(medias[0], "image") is None
        with pytest.raises(FileExistsError):
            await store.write([(medias[0], {"user": b"another"})])

    asyncio.run(act())
    assert len(set(medias)) == 9
    assert {path.name for path in tmp_path.glob("*/*")} == {f"{medias[0]}.{kind}" for kind in kinds}


def test_an_entry_is_as_old_as_its_newest_picture(tmp_path: Path) -> None:
    store, old, fresh = PictureStore(tmp_path), new_media(), new_media()
    asyncio.run(store.write([(media, {"user": b"u", "overlay": b"o"}) for media in (old, fresh)]))
    for path in (*store.path_of(old, "user").parent.glob(f"{old}.*"), store.path_of(fresh, "user")):
        os.utime(path, (0, path.stat().st_mtime - 1000))
    assert list(store.older_than(1000)) == [old]
    assert set(store.older_than(0)) == {old, fresh}
    assert list(store.older_than(2000)) == []


def test_only_empty_folders_of_past_hours_are_deleted(tmp_path: Path) -> None:
    folders = [f"{now() - timedelta(hours=hours):%Y%m%d%H}" for hours in (2, 4, 3)]
    for name in (*folders, "jobs"):
        (tmp_path / name).mkdir()
    (tmp_path / folders[1] / "x.image").touch()
    PictureStore(tmp_path).delete_empty_folders()
    assert {path.name for path in tmp_path.iterdir()} == {*folders[:2], "jobs"}


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
