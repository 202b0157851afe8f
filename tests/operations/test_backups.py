"""A backup holds the whole service in one file, and is restored into either database."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import Connection, text

from auth_api.database.database import Database
from auth_api.operations.backups.archive import Member, Writer, members
from auth_api.operations.backups.rows import last_ids, tables_of, write_rows
from auth_api.settings import Settings
from tests.database.test_migrations import REVISIONS, fill, migrate, within
from tests.support.apis import StartApi, User
from tests.support.commands import answer, command, refusal
from tests.support.jobs import characters, finished, hand_in, job_of
from tests.support.measured import value
from tests.support.pictures import encode, reference
from tests.support.postgresql import PostgreSQL
from tests.support.running import private, steadily

pytestmark = pytest.mark.thorough("postgresql")

TRAINED = "ranjana-1.1.mar"


@dataclass
class Place:
    """The environment of a service, which is also the target of a restore."""

    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.environment["DATABASE_URL"]


@pytest.fixture
def other(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty service on the other kind of database."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    if database == "sqlite":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        url = server.new_database()
    return place(tmp_path / "other", url)


def place(folder: Path, url: str) -> Place:
    store = folder / "store"
    store.mkdir(parents=True)
    return Place({**private(folder), "DATABASE_URL": url, "MODEL_STORE": str(store)})


def test_a_service_moves_to_the_other_database_with_all_its_data(
    start_api: StartApi, other: Place, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    for name in (TRAINED, "ranjana.mar"):
        (store / name).write_bytes(b"an archive")
    # Without workers, jobs stay unfinished.
    api = start_api({"MODEL_STORE": str(store), "JOB_CONCURRENCY": "0"})
    user = api.sign_up()
    first = user.predict(5).json()["prediction_id"]
    compared = user.compare(7).json()["comparison_id"]
    said = {"prediction_id": first, "actual_class": 6, "comments": "ड, not this"}
    assert user.post("/api/feedback/", json=said).status_code == 201
    named = {"name": "school", "scopes": ["predict"]}
    key = user.post("/api/api-keys/", json=named).json()["key"]
    job = hand_in(user, characters(3))
    last = user.predict().json()["prediction_id"]
    user.delete(f"/api/history/predictions/{last}/")
    progress = user.get("/api/progress/").json()

    file = tmp_path / "backup.tar"
    # Other users go on meanwhile, but each row in the file has its image there too.
    with steadily(api.sign_up("busy").predict):
        made = answer(api, "backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert made["gone"] == 0
    assert made["manifest"]["rows"]["users"] == 2
    with tarfile.open(file) as tar:
        names = tar.getnames()
    pictures = [name for name in names if name.startswith("pictures/")]
    rows = made["manifest"]["rows"]
    assert len(pictures) == rows["predictions"] + 3 * rows["comparisons"]
    assert {f"models/{TRAINED}", "secret_key"} < {*names}
    assert "models/ranjana.mar" not in names

    assert command(other, "restore", str(file)).stderr == ""
    moved = start_api(other.environment)
    back = User(moved, user.username, user.email, user.refresh, user.access)
    # Tokens stay valid because the backup has the secret. Passwords and keys stay valid too.
    assert back.get("/api/me/").json()["email"] == user.email
    assert moved.sign_in(user.username).get("/api/progress/").json() == progress
    assert back.get(f"/api/history/predictions/{first}/image/").content == encode(reference(5))
    (row,) = back.get("/api/history/similarities/").json()["results"]
    assert row["id"] == compared
    assert back.get(f"/api/history/similarities/{compared}/overlay/").status_code == 200
    feedback = back.get("/api/history/export/").json()
    assert "ड, not this" in json.dumps(feedback, ensure_ascii=False)
    asked = moved.client.post(
        "/api/predict/", files={"image": encode(reference(5))}, headers={"X-API-Key": key}
    )
    # The id of a deleted row is never reused.
    assert asked.json()["prediction_id"] > last
    assert job_of(back, job)["state"] in {"queued", "running", "succeeded"}
    assert finished(back, job)["counts"]["succeeded"] == 3
    assert (Path(other.environment["MODEL_STORE"]) / TRAINED).read_bytes() == b"an archive"
    listed = answer(other, "audit", "list", "--action", "backup_restored")["results"]
    assert [entry["details"]["revision"] for entry in listed] == [REVISIONS[-1]]

    # The target has data now, which is replaced only on request.
    code, why = refusal(other, "restore", str(file))
    assert (code, why) == (1, "The database is not empty.\n")
    code, why = refusal(other, "restore", str(file), "--replace")
    assert (code, why.split(". ")[1]) == (1, "Add --yes to run without this question.\n")
    moved.stop()
    assert command(other, "restore", str(file), "--replace", "--yes").code == 0
    ids = "SELECT id FROM predictions ORDER BY id"
    there = within(other.url, lambda c: c.scalars(text(ids)).all())
    assert len(there) == rows["predictions"]
    assert asked.json()["prediction_id"] not in there


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_backup_of_an_older_version_is_migrated(
    other: Place, tmp_path: Path, revision: str
) -> None:
    _require_migrated(other, tmp_path, revision)


# PostgreSQL is the stricter target, and has the test above.
@pytest.mark.database("postgresql")
@pytest.mark.parametrize("revision", [REVISIONS[0], REVISIONS[-2]])
def test_a_backup_of_an_older_version_is_migrated_on_sqlite(
    other: Place, tmp_path: Path, revision: str
) -> None:
    _require_migrated(other, tmp_path, revision)


def _require_migrated(other: Place, tmp_path: Path, revision: str) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    migrate(url, revision)
    within(url, fill)
    before = contents(url)
    file = tmp_path / "old.tar"
    with file.open("wb") as target, written(target) as writer:
        within(url, lambda connection: write_old(connection, writer, revision))
    assert command(other, "restore", str(file)).stderr == ""
    today = contents(other.url)
    for name, (line, *_) in before.items():
        row, found = json.loads(line), json.loads(today[name][0])
        assert {column: found[column] for column in row} == row
    assert len(today["audit_log"]) == 2  # the second entry says that it was restored


@contextmanager
def written(target: IO[bytes]) -> Iterator[Writer]:
    writer = Writer(target, io.BytesIO())
    yield writer
    writer.close()


def write_old(connection: Connection, writer: Writer, revision: str, **other: Any) -> None:
    """Writes a backup of a database, as the version of its revision would have done."""
    tables = tables_of(connection)
    contents: dict[str, list[bytes]] = {table.name: [] for table in tables}
    manifest = {
        "format": 1,
        "made_at": "2026-03-01T08:30:00Z",
        "service": "0.0.1",
        "revision": revision,
        "secret": False,
        "rows": {
            table.name: write_rows(connection, table, contents[table.name].append, lambda row: None)
            for table in tables
        },
        "numbers": last_ids(connection, tables),
        **other,
    }
    add(writer, "manifest.json", json.dumps(manifest).encode())
    for name, lines in contents.items():
        add(writer, f"tables/{name}.jsonl", b"".join(lines))


def add(writer: Writer, name: str, content: bytes) -> None:
    writer.add(name, io.BytesIO(content), len(content))


Damage = Callable[[bytes], bytes]


def rewritten(change: Callable[[Member, bytes], bytes | None]) -> Damage:
    """Changes the members of a backup and writes right checksums; None leaves a member out."""

    def damage(whole: bytes) -> bytes:
        target = io.BytesIO()
        writer = Writer(target, io.BytesIO())
        for member in members(io.BytesIO(whole)):
            content = change(member, member.content.read())
            if member.name != "sums.txt" and content is not None:
                add(writer, member.name, content)
        writer.close()
        return target.getvalue()

    return damage


def manifest_with(**other: Any) -> Damage:
    def change(member: Member, content: bytes) -> bytes:
        if member.name == "manifest.json":
            return json.dumps({**json.loads(content), **other}).encode()
        return content

    return rewritten(change)


def replacing_row(table: str, **other: Any) -> Damage:
    def change(member: Member, content: bytes) -> bytes:
        if member.name == f"tables/{table}.jsonl":
            return json.dumps({**json.loads(content), **other}).encode() + b"\n"
        return content

    return rewritten(change)


def hostile(name: str, kind: bytes = tarfile.REGTYPE) -> Damage:
    def damage(whole: bytes) -> bytes:
        header = tarfile.TarInfo(name)
        header.type, header.linkname = kind, "/etc/passwd"
        # The end of the first member.
        end = 1024 + -(-len(next(members(io.BytesIO(whole))).content.read()) // 512) * 512 - 512
        return whole[:end] + header.tobuf(tarfile.GNU_FORMAT) + whole[end:]

    return damage


DAMAGED: dict[str, tuple[Damage, str]] = {
    "empty": (lambda whole: b"", "cut short"),
    "a text": (lambda whole: b"no backup at all " * 100, "no backup, or damaged"),
    "cut short": (lambda whole: whole[: len(whole) // 2], "cut short"),
    "cut at its end": (lambda whole: whole[:-2048], "cut short"),
    "a changed byte": (lambda whole: whole.replace(b"users email", b"users Email"), "sums"),
    "a path upwards": (hostile("pictures/../../evil"), "that no backup has"),
    "an absolute path": (hostile("/etc/evil"), "that no backup has"),
    "a link": (hostile("models/link", tarfile.SYMTYPE), "that no backup has"),
    "a hard link": (hostile("models/link", tarfile.LNKTYPE), "that no backup has"),
    "a device": (hostile("models/device", tarfile.CHRTYPE), "that no backup has"),
    "a newer format": (manifest_with(format=2), "newer version of Ranjana"),
    "a newer revision": (manifest_with(revision="9999"), "newer version of Ranjana"),
    "no manifest": (manifest_with(rows="many"), "its manifest.json cannot be read"),
    "a missing table": (
        rewritten(lambda m, content: None if m.name == "tables/sessions.jsonl" else content),
        "lacks the table sessions",
    ),
    "rows of a missing user": (replacing_row("sessions", user_id=77), "sessions does not take"),
    "a wrong column": (replacing_row("users", wings=2), "users does not take"),
    "a missing row": (
        rewritten(lambda m, content: b"" if m.name == "tables/audit_log.jsonl" else content),
        "not as many rows",
    ),
}


def test_a_damaged_backup_is_explained_and_changes_nothing(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    old = f"sqlite:///{tmp_path / 'old.db'}"
    migrate(old)
    within(old, fill)
    whole = io.BytesIO()
    with written(whole) as writer:
        within(old, lambda connection: write_old(connection, writer, REVISIONS[-1]))
    server = database == "postgresql"
    url = request.getfixturevalue("postgresql").new_database() if server else old
    here = place(tmp_path / "here", url)
    named = ("--username", "chief", "--email", "chief@example.org")
    assert command(here, "create-admin", *named, stdin="a quiet river long\n").code == 0
    before, stored = contents(url), all_files(tmp_path / "here")
    # All other damage is found before the database matters.
    cases = [*DAMAGED][-4:] if server else DAMAGED
    for name, (damage, why) in ((name, DAMAGED[name]) for name in cases):
        file = tmp_path / "damaged.tar"
        file.write_bytes(damage(whole.getvalue()))
        ended = command(here, "restore", str(file), "--replace", "--yes")
        assert (ended.code, ended.stdout) == (1, ""), name
        assert why in ended.stderr, (name, ended.stderr)
        assert len(ended.stderr.splitlines()) == 1, name
        assert contents(url) == before, name
        assert all_files(tmp_path / "here") == stored, name
    code, why = refusal(here, "restore", str(tmp_path / "nowhere.tar"))
    assert (code, why) == (3, f"There is no file {tmp_path / 'nowhere.tar'}.\n")


def contents(url: str) -> dict[str, list[bytes]]:
    """All rows of a database, by table."""

    def read(connection: Connection) -> dict[str, list[bytes]]:
        rows: dict[str, list[bytes]] = {}
        for table in tables_of(connection):
            write_rows(connection, table, rows.setdefault(table.name, []).append, lambda row: None)
        return rows

    async def run() -> dict[str, list[bytes]]:
        database = Database(Settings(database_url=url))
        try:
            return await database.snapshot(lambda session: read(session.connection()))
        finally:
            await database.aclose()

    return asyncio.run(run())


def all_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.database("sqlite")
def test_regular_backups_are_kept_in_a_number_and_their_age_is_measured(
    start_api: StartApi, other: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    api = start_api({"BACKUP_DIR": str(folder)})
    user = api.sign_up()
    assert value(api.metrics(), "last_backup_timestamp_seconds") == 0
    for year in (2024, 2025):
        (folder / f"ranjana-{year}0101T000000Z.tar").write_text("an old one")
    (folder / "notes.tar").write_text("not ours")
    made = answer(api, "backup", "--keep", "2", str(folder))
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == ["notes.tar", "ranjana-20250101T000000Z.tar", Path(made["file"]).name]
    newest = value(api.metrics(), "last_backup_timestamp_seconds")
    assert abs(newest - time.time()) < 60
    # The newest one is restored.
    assert answer(other, "restore", str(folder))["rows"] > 0
    assert user.username in within(
        other.url, lambda c: c.scalars(text("SELECT username FROM users")).all()
    )
    code, why = refusal(api, "backup", "--every", "24", str(folder))
    assert code != 0
    assert "--keep" in why
