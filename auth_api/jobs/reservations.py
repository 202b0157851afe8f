"""Uploads under way: each takes a place among its user's jobs, and room on the disk, before its
first byte is read.

Reservations are rows, so that all processes count the same ones. The process that receives an
upload renews its reservation, as `retries` does with the leases of jobs. Those of a crashed process
expire, and the clean-up removes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.jobs import UNFINISHED, Job, UploadReservation
from auth_api.errors import TooMany, Unavailable
from auth_api.jobs.input_files import InputFiles

LEASE_SECONDS = 60.0
"""A reservation that is not renewed within this time counts no more."""

_RENEW_SECONDS = LEASE_SECONDS / 4
_RETRY_SECONDS = 30
# An arbitrary number; no other advisory lock of the database may have the same.
_DISK_LOCK = 72645264


@dataclass(frozen=True)
class Reservations:
    """The reservations of all processes."""

    database: Database
    inputs: InputFiles
    max_unfinished: int
    """Unfinished jobs and uploads under way, of each user."""
    max_bytes: int
    """Most that an upload may take on the disk."""
    min_free_bytes: int
    """Uploads leave at least so much of the disk free; 0 does not check it."""

    @asynccontextmanager
    async def reserve(self, owner: Caller, request: Request) -> AsyncIterator[int]:
        """Holds a reservation for the body of a request while the block runs; gives its id.

        The block queues a job with it, or raises. Raises `TooMany`, `Unavailable`, also if the disk
        has too little room, and `Unauthorised`.
        """
        number = await self._add(owner, self._bytes_of(request))
        renewing = asyncio.create_task(self._renew(number))
        try:
            yield number
        except BaseException:
            with suppress(Unavailable):  # it expires
                await self.database.write(lambda transaction: self.end(transaction, number))
            raise
        finally:
            renewing.cancel()

    def end(self, transaction: Session, number: int) -> None:
        """Ends a reservation, in the transaction that queues its job."""
        row = col(UploadReservation.id) == number
        transaction.execute(delete(UploadReservation).where(row))

    def require_place(self, transaction: Session, user_id: int) -> None:
        """Raises `TooMany` if a user has no place for another job or upload. The transaction must
        have locked the user.
        """
        jobs = col(Job.user_id) == user_id, col(Job.state).in_(UNFINISHED)
        uploads = col(UploadReservation.user_id) == user_id, _is_held()
        queries = (select(func.count()).where(*each) for each in (jobs, uploads))
        if sum(transaction.scalar(query) or 0 for query in queries) >= self.max_unfinished:
            raise TooMany(
                f"You have {self.max_unfinished} unfinished jobs or uploads: wait for one, or "
                "cancel one.",
                "too_many_jobs",
                retry_after=_RETRY_SECONDS,
            )

    def _bytes_of(self, request: Request) -> int:
        declared = request.headers.get("content-length", "")
        return min(int(declared), self.max_bytes) if declared.isdecimal() else self.max_bytes

    async def _add(self, owner: Caller, size: int) -> int:
        free = await self._free_bytes() if self.min_free_bytes else None

        def work(transaction: Session) -> int:
            require_active(transaction, owner)
            self.require_place(transaction, owner.user_id)
            if free is not None:
                self.database.one_by_one(transaction, _DISK_LOCK)
                reserved = select(func.sum(col(UploadReservation.bytes))).where(_is_held())
                left = free - int(transaction.scalar(reserved) or 0) - size
                if left < self.min_free_bytes:
                    raise _no_room()
            row = UploadReservation(user_id=owner.user_id, bytes=size, held_until=_lease_end())
            transaction.add(row)
            transaction.flush()
            assert row.id is not None
            return row.id

        return await self.database.write(work)

    async def _free_bytes(self) -> int:
        try:
            return await asyncio.to_thread(self.inputs.free_bytes)
        except OSError as error:
            raise _no_room() from error

    async def _renew(self, number: int) -> None:
        def work(transaction: Session) -> None:
            row = col(UploadReservation.id) == number
            renewal = update(UploadReservation).where(row).values(held_until=_lease_end())
            transaction.execute(renewal)

        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with suppress(Unavailable):
                await self.database.write(work)


def _is_held() -> ColumnElement[bool]:
    return col(UploadReservation.held_until) > now()


def _lease_end() -> datetime:
    return now() + timedelta(seconds=LEASE_SECONDS)


def _no_room() -> Unavailable:
    return Unavailable(
        "There is no room for uploads at the moment. Please try again later.",
        "storage_unavailable",
        retry_after=_RETRY_SECONDS,
    )
