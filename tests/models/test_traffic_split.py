"""Which version a client gets, and which archives are refused."""

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
from auth_api.models import archive_validation
from auth_api.models.archive_validation import validate
from auth_api.models.archives import FIGURES, Archives, read_member, stated_sha256
from auth_api.models.model_store import ModelStore
from auth_api.models.traffic_split import TrafficSplit, position
from auth_api.schemas.versions import LARGEST, is_version, next_version, release_number
from auth_api.settings import ROOT
from tests.support.archives import MANIFEST, derive, state_checksum

PEOPLE = [f"user {number}" for number in range(20_000)]


def test_each_version_gets_its_share() -> None:
    split = TrafficSplit("1.0", {"1.0": 70, "1.1": 20, "1.2": 10})
    found = Counter(split.version_of("ranjana", person) for person in PEOPLE)
    for version, share in split.traffic.items():
        # Four standard deviations of a binomial of 20,000.
        assert abs(found[version] / len(PEOPLE) - share / 100) < 0.013


def test_a_client_keeps_a_new_version_while_its_share_grows() -> None:
    before: set[str] = set()
    for share in (0, 5, 10, 50, 90, 100):
        split = TrafficSplit("1.0", {"1.0": 100 - share, "1.1": share})
        clients = {person for person in PEOPLE if split.version_of("ranjana", person) == "1.1"}
        assert before <= clients
        before = clients
    assert len(before) == len(PEOPLE)


def test_new_versions_of_two_models_go_to_different_clients() -> None:
    split = TrafficSplit("1.0", {"1.0": 50, "1.1": 50})
    same = [
        split.version_of("ranjana", person) == split.version_of("digits", person)
        for person in PEOPLE
    ]
    assert 0.48 < sum(same) / len(same) < 0.52


def test_a_default_without_a_share_gets_nobody() -> None:
    split = TrafficSplit("1.0", {"1.1": 100})
    assert {split.version_of("ranjana", person) for person in PEOPLE} == {"1.1"}


def test_the_newest_version_has_the_high_end_of_the_scale() -> None:
    split = TrafficSplit("1.0", {"1.0": 60, "1.10": 20, "1.9": 20})
    for person in PEOPLE[:1000]:
        place = position("ranjana", person)
        expected = "1.0" if place < 60 else "1.9" if place < 80 else "1.10"
        assert split.version_of("ranjana", person) == expected


def test_versions_are_sorted_by_number() -> None:
    assert sorted(["1.10", "1.9", "2.0", "1.9.1"], key=release_number) == [
        "1.9",
        "1.9.1",
        "1.10",
        "2.0",
    ]


def test_the_next_version_is_above_all_others() -> None:
    assert next_version({"1.0"}) == next_version({"1.0.7"}) == "1.1"
    assert next_version([]) == "1.0"
    # Names, incomplete numbers, leading zeros and other digits do not count.
    assert next_version({"1.0", "1.10", "1.9.7", "latest", "9", "01.40", "३.२"}) == "1.11"
    assert next_version({f"1.{LARGEST}"}) == "2.0"
    assert next_version({f"{LARGEST}.{LARGEST}"}) is None
    for version in ("1.1000000", "1", "1.2.3.4", "01.2", "1.2\n", "३.२"):
        assert not is_version(version)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small valid archive."""
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


def test_a_valid_archive_is_accepted(archive: Path) -> None:
    found = validate(archive.parent, "ranjana", archive.name, None)
    assert found == ("ranjana-1.1.mar", "1.1", stated_sha256(archive))
    assert validate(archive.parent, "ranjana", archive.name, found.sha256.upper()) == found


@pytest.mark.parametrize(
    "name",
    [
        *("../ranjana-1.1.mar", "/etc/passwd", "sub/ranjana-1.1.mar", "..", "", ".mar", "-x.mar"),
        *("ranjana-1.1.mar\x00", "ranjana-1.1.mar\n", "file:///x.mar", "http://x/y.mar"),
        *("ranjana-1.1.zip", "x" * 200 + ".mar", "ranjana 1.1.mar", "..\\ranjana-1.1.mar"),
    ],
)
def test_only_files_of_the_model_store_are_read(archive: Path, name: str) -> None:
    store = archive.parent / "store"
    store.mkdir()
    with pytest.raises(BadRequest, match="named by its file"):
        validate(store, "ranjana", name, None)


def test_a_missing_archive_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no ranjana-9\.9\.mar") as refusal:
        validate(tmp_path, "ranjana", "ranjana-9.9.mar", None)
    assert refusal.value.code == "archive_not_found"


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("_MAX_BYTES", "too large"),
        ("_MAX_ENTRIES", "unpacked"),
        ("_MAX_MANIFEST_BYTES", "manifest"),
    ],
)
def test_an_archive_above_a_limit_is_refused(
    archive: Path, monkeypatch: pytest.MonkeyPatch, limit: str, reason: str
) -> None:
    monkeypatch.setattr(archive_validation, limit, 3)
    with pytest.raises(BadRequest, match=reason):
        validate(archive.parent, "ranjana", archive.name, None)


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


def _without_checksum(path: Path) -> None:
    path.with_name(f"{path.name}.sha256").unlink()


def _changed(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _checksum_of_another(path: Path) -> None:
    stated = path.with_name(f"{path.name}.sha256")
    stated.write_text(stated.read_text().replace("1.1", "1.2"))


def _no_zip(path: Path) -> None:
    path.write_bytes(b"PK" + b"x" * 1000)
    state_checksum(path)


def _truncated(path: Path) -> None:
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


def _with_member(name: str, content: bytes = b"x", mode: int = 0) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        with zipfile.ZipFile(path, "a") as members:
            members.writestr(info, content)
        state_checksum(path)

    return spoil


def _without_manifest(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("model.pt", b"something")
    state_checksum(path)


def _twice(path: Path) -> None:
    _with_member("model.PT")(path)
    path.write_bytes(path.read_bytes().replace(b"model.PT", b"model.pt"))
    state_checksum(path)


def _with_manifest_fields(**fields: object) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        source = path.rename(path.with_name("source"))
        derive(source, path, "1.1", manifest=fields)

    return spoil


def _with_manifest(content: bytes) -> Callable[[Path], None]:
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
        (_link, "link or not a file"),
        (_directory, "link or not a file"),
        (_pipe, "link or not a file"),
        (_without_checksum, "no checksum"),
        (_checksum_of_another, "no checksum"),
        (_changed, "checksum is wrong"),
        (_no_zip, "cannot be read"),
        (_truncated, "cannot be read"),
        (_damaged_member, "is damaged"),
        (_corrupt_stream, "cannot be read"),
        (_name_in_no_encoding, "cannot be read"),
        (_with_member("../../evil.py"), "leads out"),
        (_with_member("/etc/cron.d/evil"), "leads out"),
        (_with_member("..\\evil.py"), "leads out"),
        (_with_member("C:\\evil.py"), "leads out"),
        (_with_member("link", b"/etc/passwd", stat.S_IFLNK | 0o777), "links or devices"),
        (_twice, "the same name"),
        (_without_manifest, "has no manifest"),
        (_with_manifest(b"[]"), "describes no model"),
        (_with_manifest(b"{"), "cannot be read"),
        (_with_manifest(b'{"model": 3}'), "describes no model"),
        (_with_manifest(b"[" * 60_000), "cannot be read"),
        (_with_manifest_fields(modelName="digits"), "another model"),
        (_with_manifest_fields(handler="../x.py"), "names no handler"),
        (_with_manifest_fields(handler="model.pt"), "handler is not that"),
        (_with_manifest_fields(serializedFile=None), "names no serializedFile"),
        (_with_manifest_fields(modelVersion="latest"), "version is not"),
        (_with_manifest_fields(modelVersion="1.1/../2"), "version is not"),
        (_with_manifest_fields(modelVersion=7), "version is not"),
    ],
)
def test_a_bad_archive_is_refused_with_the_reason(
    archive: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(archive)
    with pytest.raises(BadRequest, match=reason) as refused:
        validate(archive.parent, "ranjana", archive.name, None)
    assert refused.value.code == "archive_refused"


def test_a_version_is_in_the_store_if_it_has_an_archive_or_weights(archive: Path) -> None:
    store = archive.parent
    for name in ("ranjana-1.2.safetensors", "digits-3.0.safetensors"):
        (store / name).touch()
    derive(archive, store / "other.mar", "1.7", manifest={"modelName": "digits"})
    assert ModelStore(store).versions("ranjana") == {"1.1", "1.2"}
    assert ModelStore(store).versions("digits") == {"1.7", "3.0"}


def test_an_archive_that_was_replaced_is_read_again(archive: Path) -> None:
    archives, content = Archives(archive.parent), archive.read_bytes()

    async def read() -> tuple[str | None, str | None]:
        return await archives.card(archive.name), await archives.sha256(archive.name)

    # The second has the size of the first, the third the time of the second.
    for card, moment in ((b"# A\xff", 1), (b"# B\xff", 2), (b"# Long", 2)):
        archive.write_bytes(content)
        _with_member("card.md", card)(archive)
        os.utime(archive, (moment, moment))
        assert asyncio.run(read()) == (card.decode(errors="replace"), stated_sha256(archive))


def test_remove_deletes_only_the_files_of_one_training(archive: Path) -> None:
    store = archive.parent
    kept = {"ranjana.mar", "ranjana-1.10.mar", "ranjana-1.1.2.mar", "digits-1.1.mar"}
    for name in (*kept, "ranjana-1.1.partial", "ranjana-1.1.safetensors"):
        (store / name).touch()
    ModelStore(store).remove("ranjana", "1.1")
    assert {path.name for path in store.iterdir()} == kept


def test_an_archive_that_cannot_be_opened_is_read_again_the_next_time(archive: Path) -> None:
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
def test_malformed_figures_count_as_none(archive: Path, figures: bytes) -> None:
    _with_member(FIGURES, figures)(archive)
    assert asyncio.run(Archives(archive.parent).figures(archive.name)) is None


def test_figures_of_an_evaluation_are_returned_unchanged(archive: Path) -> None:
    for evaluation in ("recognition", "similarity", "digits"):
        content = (ROOT / "weights" / f"{evaluation}.json").read_bytes()
        target = archive.with_name(f"{evaluation}.mar")
        derive(archive, target, "1.1", members={FIGURES: content})
        found = asyncio.run(Archives(archive.parent).figures(target.name))
        assert found == json.loads(content)


@pytest.mark.parametrize("spoil", [_no_zip, _truncated, _corrupt_stream, _name_in_no_encoding])
def test_a_damaged_archive_in_the_store_is_ignored(
    archive: Path, spoil: Callable[[Path], None]
) -> None:
    shutil.copy(archive, archive.with_name("whole.mar"))
    spoil(archive)
    assert ModelStore(archive.parent).versions("ranjana") == {"1.1"}
    assert read_member(archive, MANIFEST) is None
    assert asyncio.run(Archives(archive.parent).card(archive.name)) is None
