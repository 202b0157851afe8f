"""The labelled pictures that users' feedback makes, for training jobs and for download."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_role
from auth_api.corrections import exporting, queries
from auth_api.corrections.exporting import LabelledPicture
from auth_api.corrections.voting import Vote, outcome
from auth_api.database.database import Database
from auth_api.history.pictures import PictureStore

EXPORT_ROLE = "data-scientist"
"""The lowest role that may see corrections and export them."""

_BATCH_SIZE = 500
# Small, because consent is checked when a batch is read and its pictures are sent after that.
_EXPORT_BATCH_SIZE = 20


class CorrectionDataSet:
    """Pictures of consenting users whose label is decided. Callers have checked the models."""

    def __init__(self, database: Database, storage: PictureStore) -> None:
        self._database = database
        self._storage = storage

    async def counts(self, model: str) -> dict[str, int]:
        """Counts pictures with feedback.

        `agreed`, `accepted` and `confirmed` as in `exporting.Kind`, `undecided` for all others, and
        `pictures` for `agreed` and `accepted` together. Raises `Unavailable`.
        """
        found = Counter(dict.fromkeys(("agreed", "accepted", "confirmed", "undecided"), 0))
        async for votes in self._pictures(model, _BATCH_SIZE):
            found[exporting.kind_of(outcome(votes)) or "undecided"] += 1
        return {"pictures": found["agreed"] + found["accepted"], **found}

    async def has_corrections(self, model: str) -> bool:
        """Whether there is at least one picture that the model got wrong. Raises `Unavailable`."""
        async for _ in self.labelled(model, confirmed=False):
            return True
        return False

    async def labelled(self, model: str, *, confirmed: bool) -> AsyncIterator[LabelledPicture]:
        """Each picture whose label is decided, once, in order of digests.

        `confirmed` includes pictures that the model got right. Raises `Unavailable`.
        """
        async for votes in self._pictures(model, _EXPORT_BATCH_SIZE, decided=True):
            labelled = exporting.labelled_picture(votes)
            if labelled and (confirmed or labelled.is_correction):
                yield labelled

    async def files(
        self, model: str, *, confirmed: bool = False
    ) -> AsyncIterator[tuple[str, bytes]]:
        """Name and content of each file: pictures such as `12/<sha256>.png`, then `labels.csv`.

        The same corrections give the same files in the same order. Raises `Unavailable`.
        """
        lines = [exporting.HEADER]
        async for labelled in self.labelled(model, confirmed=confirmed):
            if (picture := await self._first_stored(labelled.media)) is not None:
                name = labelled.file_name(picture)
                yield name, picture
                lines.append(labelled.line(model, name))
        yield exporting.LABELS, "".join(lines).encode()

    async def export_to(
        self, model: str, folder: Path, *, confirmed: bool = False
    ) -> dict[str, Any]:
        """Writes the data set to `folder`, which must be empty or missing.

        The folder appears once it is complete. Returns `model`, the number of `pictures`, and
        `classes`: pictures by class. Raises `Unavailable`, `OSError`.
        """
        unfinished = folder.with_name(f"{folder.name}.partial")
        await asyncio.to_thread(exporting.create_folder, unfinished)
        classes: Counter[str] = Counter()
        async for name, content in self.files(model, confirmed=confirmed):
            await asyncio.to_thread(exporting.write_file, unfinished, name, content)
            if name != exporting.LABELS:
                classes[name.partition("/")[0]] += 1
        await asyncio.to_thread(unfinished.rename, folder)
        by_class = {label: classes[label] for label in sorted(classes, key=int)}
        return {"model": model, "pictures": classes.total(), "classes": by_class}

    async def prune(self, model: str, folder: Path) -> bool:
        """Deletes pictures from an exported data set that no longer count with their class.

        Returns whether this deleted the last pictures. Raises `Unavailable`, `OSError`.
        """
        names = await asyncio.to_thread(exporting.picture_names, folder)
        outdated: list[str] = []
        for start in range(0, len(names), _BATCH_SIZE):
            digests = {name: Path(name).stem for name in names[start : start + _BATCH_SIZE]}
            read = partial(queries.votes_on, model=model, digests=digests.values())
            votes = await self._database.read(read)
            outdated += [
                name for name, digest in digests.items() if not _counts(votes.get(digest, ()), name)
            ]
        await asyncio.to_thread(exporting.remove_pictures, folder, outdated)
        return bool(names) and len(outdated) == len(names)

    async def record_export(
        self,
        model: str,
        confirmed: bool,
        caller: Caller | None = None,
        request: Request | None = None,
    ) -> None:
        """Writes an export to the audit log, before the data leaves the service.

        `caller` is None for an operator on the command line. Raises `Forbidden`, `Unauthorised`,
        `Unavailable`.
        """
        details = {"model": model, "confirmed": confirmed}

        def record(transaction: Session) -> None:
            if caller:
                require_role(transaction, caller, EXPORT_ROLE)
            user_id = caller.user_id if caller else None
            recording.record(transaction, "corrections_exported", user_id, request, **details)

        await self._database.write(record)

    async def _pictures(
        self, model: str, batch_size: int, *, decided: bool = False
    ) -> AsyncIterator[Sequence[Vote]]:
        """All votes on each picture, in order of digests."""
        read = partial(queries.next_pictures, model=model, limit=batch_size, decided=decided)
        after = ""
        while pictures := await self._database.read(partial(read, after=after)):
            for digest in sorted(pictures):
                yield pictures[digest]
            after = max(pictures)

    async def _first_stored(self, media: Sequence[str]) -> bytes | None:
        """The first of several equal pictures that is still stored."""
        for name in media:
            if (picture := await self._storage.read(name, "image")) is not None:
                return picture
        return None


def _counts(votes: Sequence[Vote], name: str) -> bool:
    """Whether a picture is still a correction to the class of its folder."""
    labelled = exporting.labelled_picture(votes)
    return labelled is not None and labelled.is_correction and name.startswith(f"{labelled.label}/")
