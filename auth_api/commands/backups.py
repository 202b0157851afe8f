"""`backup` and `restore`: everything that cannot be rebuilt, in one file."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from auth_api.commands.files import atomic_write
from auth_api.commands.options import positive
from auth_api.commands.output import Output, spinner
from auth_api.commands.prompts import confirm
from auth_api.database.columns import now
from auth_api.errors import BadRequest, NotFound
from auth_api.operations.backups.archive import spooled
from auth_api.operations.backups.backup import BackupResult, create_backup
from auth_api.operations.backups.files import Files
from auth_api.operations.backups.restore import restore_backup, verify_backup
from auth_api.operations.backups.series import backups, new_name, newest_seconds, remove_old
from auth_api.services import Services

_PIPE = Path("-")
_HOUR_SECONDS = 3600
_POLL_SECONDS = 60.0


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    backup = commands.add_parser(
        "backup", parents=[common], help="writes everything that cannot be rebuilt into one file"
    )
    backup.add_argument(
        "file", type=Path, help="or - for standard output; with --keep, a folder of backups"
    )
    backup.add_argument(
        "--keep", type=positive, metavar="N", help="keeps the newest N backups of the folder"
    )
    backup.add_argument(
        "--every",
        type=positive,
        metavar="HOURS",
        help="with --keep: goes on for ever, and makes one when the newest is so old",
    )
    backup.add_argument(
        "--without-secret",
        action="store_true",
        help="leaves out the secret that tokens are signed with; on another machine all users then "
        "have to sign in again",
    )
    backup.set_defaults(command=_backup)
    restore = commands.add_parser(
        "restore", parents=[common], help="restores the database and the folders from a backup"
    )
    restore.add_argument(
        "file", type=Path, help="or - for standard input; of a folder, its newest backup"
    )
    restore.add_argument(
        "--replace", action="store_true", help="also if data exists; that data is lost"
    )
    restore.add_argument("--yes", action="store_true", help="does not ask before replacing data")
    restore.set_defaults(command=_restore)


async def _backup(services: Services, options: argparse.Namespace, output: Output) -> None:
    if options.every and not options.keep:
        raise BadRequest("--every needs --keep, or the disk would fill.", "validation_failed")
    if not options.keep:
        await _write(services, options, output, options.file)
        return
    folder: Path = options.file
    while True:
        age = time.time() - newest_seconds(folder)
        if not options.every or age >= options.every * _HOUR_SECONDS:
            await _write(services, options, output, folder / new_name(now()))
            remove_old(folder, options.keep)
        if not options.every:
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _write(
    services: Services, options: argparse.Namespace, output: Output, file: Path
) -> None:
    secret = not options.without_secret
    if file == _PIPE:
        if options.json:
            raise BadRequest("Name a file: --json uses standard output.", "validation_failed")
        if sys.stdout.isatty():
            raise BadRequest("Name a file: a terminal cannot show it.", "validation_failed")
        made = await create_backup(
            services.database,
            _files(services),
            sys.stdout.buffer,
            services.settings.data_dir,
            secret=secret,
        )
        sys.stdout.buffer.flush()
        print(_summary("The backup", made), file=sys.stderr)
        return
    with spinner("Backing up"), atomic_write(file) as target:
        made = await create_backup(
            services.database, _files(services), target, file.parent, secret=secret
        )
    shown = {"file": str(file), **made.model_dump(mode="json")}
    output.done(_summary(str(file), made), shown)


def _files(services: Services) -> Files:
    return Files(services.settings, services.pictures, services.inputs)


def _summary(name: str, made: BackupResult) -> str:
    has = "has" if made.manifest.secret else "does not have"
    gone = f" The pictures of {made.gone} history entries are missing." if made.gone else ""
    return (
        f"{name} has {sum(made.manifest.rows.values())} rows and {made.files} files, and {has} the "
        f"secret that tokens are signed with.{gone}"
    )


async def _restore(services: Services, options: argparse.Namespace, output: Output) -> None:
    scratch = services.settings.data_dir
    scratch.mkdir(0o700, parents=True, exist_ok=True)
    with _opened(options.file, scratch) as source:
        with spinner("Checking"):
            manifest = await asyncio.to_thread(verify_backup, source, scratch)
        if options.replace and not options.yes:
            confirm("All present accounts, histories and jobs will be lost.")
        with spinner("Restoring"):
            files = await restore_backup(
                services.database, _files(services), source, manifest, replace=options.replace
            )
    rows = sum(manifest.rows.values())
    kept = services.settings.secret_key is None
    secret = "" if manifest.secret and kept else " The token signing secret is unchanged."
    output.done(
        f"Restored {rows} rows and {files} files of {manifest.made_at:%Y-%m-%d %H:%M} UTC.{secret}",
        {"rows": rows, "files": files, **manifest.model_dump(mode="json", exclude={"rows"})},
    )


@contextmanager
def _opened(file: Path, scratch: Path) -> Iterator[BinaryIO]:
    """Opens a backup so that it can be read twice. Raises `NotFound`, `OSError`."""
    if file == _PIPE:
        with spooled(sys.stdin.buffer, scratch) as source:
            yield source
        return
    if file.is_dir() and (found := backups(file)):
        file = found[-1]
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", "no_such_file")
    with file.open("rb") as source:
        yield source
