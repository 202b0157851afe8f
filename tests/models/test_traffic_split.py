"""Who gets which version, and which archives are not even tried."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import stat
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from auth_api.errors import BadRequest, NotFound, Unavailable
from auth_api.models.archive_validation import check
from auth_api.models.archives import FIGURES, Archives, read_member, stated_sha256
from auth_api.models.model_store import ModelStore
from auth_api.models.traffic_split import TrafficSplit, release_number
from auth_api.schemas.versions import LARGEST, is_version, next_version
from auth_api.settings import ROOT
from tests.support.archives import MANIFEST, derive, state_checksum

PEOPLE = [f"user {number}" for number in range(20_000)]


def test_shares_are_as_they_were_set() -> None:
    arms = TrafficSplit("1.0", {"1.0": 70, "1.1": 20, "1.2": 10})
    found = Counter(arms.version_of("ranjana", person) for person in PEOPLE)
    for version, share in arms.traffic.items():
        # Four standard deviations of a binomial of 20,000.
        assert abs(found[version] / len(PEOPLE) - share / 100) < 0.013


def test_who_has_tried_a_version_keeps_it_while_its_share_grows() -> None:
    before: set[str] = set()
    for share in (0, 5, 10, 50, 90, 100):
        arms = TrafficSplit("1.0", {"1.0": 100 - share, "1.1": share})
        trying = {person for person in PEOPLE if arms.version_of("ranjana", person) == "1.1"}
        assert before <= trying
        before = trying
    assert len(before) == len(PEOPLE)


def test_it_is_not_the_same_people_who_try_every_model() -> None:
    arms = TrafficSplit("1.0", {"1.0": 50, "1.1": 50})
    same = [
        arms.version_of("ranjana", person) == arms.version_of("digits", person) for person in PEOPLE
    ]
    assert 0.48 < sum(same) / len(same) < 0.52


def test_a_default_without_a_share_gets_nobody() -> None:
    arms = TrafficSplit("1.0", {"1.1": 100})
    assert {arms.version_of("ranjana", person) for person in PEOPLE} == {"1.1"}


def test_versions_are_numbers() -> None:
    assert sorted(["1.10", "1.9", "2.0", "1.9.1"], key=release_number) == [
        "1.9",
        "1.9.1",
        "1.10",
        "2.0",
    ]


def test_a_new_version_is_above_all_others_and_one_that_is_taken() -> None:
    assert next_version({"1.0"}) == "1.1"
    # Neither a name nor other digits than these count.
    assert next_version({"1.0", "1.10", "1.9.7", "latest", "9", "01.40", "३.२"}) == "1.11"
    assert next_version({f"1.{LARGEST}"}) == "2.0"
    assert next_version({f"{LARGEST}.{LARGEST}"}) is None
    for version in ("1.1000000", "1", "1.2.3.4", "01.2", "1.2\n", "३.२"):
        assert not is_version(version)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small archive that is as it should be."""
    path = tmp_path / "ranjana-1.1.mar"
    described = {
        "modelName": "ranjana",
        "modelVersion": "1.1",
        "handler": "recognition.py",
        "serializedFile": "model.pt",
        "configFile": "model-config.yaml",
    }
    with zipfile.ZipFile(path, "w") as members:
        for name in ("recognition.py", "model.pt", "model-config.yaml"):
            members.writestr(name, b"something")
        members.writestr(MANIFEST, json.dumps({"model": described}))
    state_checksum(path)
    return path


def test_a_good_archive_says_its_version(archive: Path) -> None:
    found = check(archive.parent, "ranjana", archive.name, None)
    assert found == ("ranjana-1.1.mar", "1.1", stated_sha256(archive))
    assert check(archive.parent, "ranjana", archive.name, found.sha256.upper()) == found


@pytest.mark.parametrize(
    "name",
    [
        *("../ranjana-1.1.mar", "/etc/passwd", "sub/ranjana-1.1.mar", "..", "", ".mar", "-x.mar"),
        *("ranjana-1.1.mar\x00", "ranjana-1.1.mar\n", "file:///x.mar", "http://x/y.mar"),
        *("ranjana-1.1.zip", "x" * 200 + ".mar", "ranjana 1.1.mar", "..\\ranjana-1.1.mar"),
    ],
)
def test_nothing_outside_the_model_store_is_looked_at(archive: Path, name: str) -> None:
    store = archive.parent / "store"
    store.mkdir()
    with pytest.raises(BadRequest, match="named by its file"):
        check(store, "ranjana", name, None)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        check(tmp_path, "ranjana", "ranjana-9.9.mar", None)


def _link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _unstated(path: Path) -> None:
    path.with_name(f"{path.name}.sha256").unlink()


def _another(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _stated_for_another(path: Path) -> None:
    stated = path.with_name(f"{path.name}.sha256")
    stated.write_text(stated.read_text().replace("1.1", "1.2"))


def _no_zip(path: Path) -> None:
    path.write_bytes(b"PK" + b"x" * 1000)
    state_checksum(path)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])
    state_checksum(path)


def _damaged_member(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"something", b"somethinG", 1))
    state_checksum(path)


def _corrupt_stream(path: Path) -> None:
    source = path.rename(path.with_name("source"))
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
        start = new.getinfo(MANIFEST).header_offset + 30 + len(MANIFEST)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 8)
    state_checksum(path)


def _name_in_no_encoding(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as members:
        members.writestr("é", b"x")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    state_checksum(path)


def _with(name: str, content: bytes = b"x", mode: int = 0) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        with zipfile.ZipFile(path, "a") as members:
            members.writestr(info, content)
        state_checksum(path)

    return spoil


def _saying(**words: object) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        source = path.rename(path.with_name("source"))
        derive(source, path, str(words.pop("modelVersion", "1.1")), manifest=words)

    return spoil


def _manifest(content: bytes) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        source = path.rename(path.with_name("source"))
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
            for info in old.infolist():
                new.writestr(info.filename, content if info.filename == MANIFEST else b"x")
        state_checksum(path)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_link, "link or no file"),
        (_directory, "link or no file"),
        (_pipe, "link or no file"),
        (_unstated, "no checksum"),
        (_stated_for_another, "no checksum"),
        (_another, "checksum is another"),
        (_no_zip, "cannot be read"),
        (_cut, "cannot be read"),
        (_damaged_member, "is damaged"),
        (_corrupt_stream, "cannot be read"),
        (_name_in_no_encoding, "cannot be read"),
        (_with("../../evil.py"), "leads out"),
        (_with("/etc/cron.d/evil"), "leads out"),
        (_with("..\\evil.py"), "leads out"),
        (_with("C:\\evil.py"), "leads out"),
        (_with("link", b"/etc/passwd", stat.S_IFLNK | 0o777), "links or devices"),
        (_manifest(b"[]"), "nothing of a model"),
        (_manifest(b"{"), "cannot be read"),
        (_manifest(b'{"model": 3}'), "nothing of a model"),
        (_manifest(b"[" * 60_000), "cannot be read"),
        (_saying(modelName="digits"), "another model"),
        (_saying(handler="../x.py"), "names no handler"),
        (_saying(handler="model.pt"), "handler is not that"),
        (_saying(serializedFile=None), "names no serializedFile"),
        (_saying(modelVersion="latest"), "version is not"),
        (_saying(modelVersion="1.1/../2"), "version is not"),
        (_saying(modelVersion=7), "version is not"),
    ],
)
def test_a_spoilt_archive_is_refused_with_the_reason(
    archive: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(archive)
    with pytest.raises(BadRequest, match=reason) as refused:
        check(archive.parent, "ranjana", archive.name, None)
    assert refused.value.code == "archive_refused"


def test_what_a_training_left_of_a_version_is_removed_and_nothing_else(archive: Path) -> None:
    store = archive.parent
    kept = {"ranjana.mar", "ranjana-1.10.mar", "ranjana-1.1.2.mar", "digits-1.1.mar"}
    for name in (*kept, "ranjana-1.1.partial", "ranjana-1.1.safetensors"):
        (store / name).touch()
    ModelStore(store).remove("ranjana", "1.1")
    assert {path.name for path in store.iterdir()} == kept


def test_an_archive_that_could_not_be_opened_once_is_read_the_next_time(archive: Path) -> None:
    archives = Archives(archive.parent)

    async def without_and_with_files() -> str | None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            assert await archives.card(archive.name) is None
            with pytest.raises(Unavailable):
                await archives.sha256(archive.name)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return await archives.sha256(archive.name)

    assert asyncio.run(without_and_with_files()) == stated_sha256(archive)


@pytest.mark.parametrize(
    "figures",
    [
        b'{"top1": NaN}',
        b'{"top1": 1e999}',
        b'{"data": "\\ud800"}',
        b'{"roc": []}',
        b'{"roc": {"macro": {"auc": 1, "points": [[0, 0, 0]]}}}',
        b'{"confusion": [["3"]]}',
        b'{"pictures": "many"}',
        b"[" * 100_000,
        b"[]",
        b"\xff",
    ],
)
def test_figures_that_cannot_be_shown_count_as_none(archive: Path, figures: bytes) -> None:
    _with(FIGURES, figures)(archive)
    assert asyncio.run(Archives(archive.parent).figures(archive.name)) is None


def test_figures_of_an_evaluation_are_shown_as_they_are(archive: Path) -> None:
    for evaluation in ("recognition", "similarity", "digits"):
        content = (ROOT / "weights" / f"{evaluation}.json").read_bytes()
        target = archive.with_name(f"{evaluation}.mar")
        derive(archive, target, "1.1", members={FIGURES: content})
        found = asyncio.run(Archives(archive.parent).figures(target.name))
        assert found == json.loads(content)


@pytest.mark.parametrize("spoil", [_no_zip, _cut, _corrupt_stream, _name_in_no_encoding])
def test_a_damaged_archive_in_the_store_is_passed_over(
    archive: Path, spoil: Callable[[Path], None]
) -> None:
    shutil.copy(archive, archive.with_name("whole.mar"))
    spoil(archive)
    assert ModelStore(archive.parent).versions("ranjana") == {"1.1"}
    assert read_member(archive, MANIFEST) is None
    assert asyncio.run(Archives(archive.parent).card(archive.name)) is None
