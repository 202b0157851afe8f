"""Passwords: which ones are valid, and how they are hashed and verified.

Hashes are argon2id with the parameters of the settings. Each hash states its own parameters. A
hash with outdated parameters is replaced at the owner's next sign-in.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from auth_api.accounts.usernames import email_key
from auth_api.configuration.cores import usable_cores
from auth_api.errors import Unavailable
from auth_api.http.validation import invalid
from auth_api.settings import Settings

Result = TypeVar("Result")

MIN_LENGTH = 8
MAX_LENGTH = 128

# Selected from 30,000 leaked passwords that the library zxcvbn contains.
_COMMON = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH)
# With a longer queue, requests would wait longer than their callers do.
_MAX_QUEUE = 128


def require_valid_password(
    password: str, username: str, email: str, field: str = "password"
) -> None:
    """Refuses a password that is too short, too long or easily guessed.

    Raises `BadRequest` that names `field`, the field of the request.
    """
    plain = _normalised(password)
    if not MIN_LENGTH <= len(plain) <= MAX_LENGTH:
        raise invalid(field, f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    folded = plain.casefold()
    address = email_key(email)
    if folded in {username.casefold(), address, address.partition("@")[0]}:
        raise invalid(field, "must not be the username or the e-mail address")
    if folded in _COMMON or len(set(folded)) < 3:
        raise invalid(field, "is one of the most common passwords")


class Passwords:
    """Hashes and verifies passwords in threads, because argon2 releases Python's GIL."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        threads = settings.hashing_threads or usable_cores()
        self._threads = ThreadPoolExecutor(threads, "argon2")
        self._pending = 0
        # Verified for unknown users, so that the response time does not reveal who exists.
        self._dummy_hash = self._hasher.hash(secrets.token_hex())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_busy(self) -> bool:
        """Whether a password is being hashed or verified."""
        return self._pending > 0

    async def hash(self, password: str) -> str:
        """The hash to store. Raises `Unavailable` when the queue is full."""
        return await self._in_thread(lambda: self._hasher.hash(_normalised(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` matches; without a hash it takes as long and returns False.

        Raises `Unavailable` when the queue is full.
        """
        return await self._in_thread(lambda: self._verify(stored, password))

    async def rehash_if_outdated(self, stored: str, password: str) -> str:
        """`stored`, or a new hash if its parameters differ from the settings.

        Raises `Unavailable` when the queue is full.
        """
        return await self.hash(password) if self._hasher.check_needs_rehash(stored) else stored

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            matches = self._hasher.verify(stored or self._dummy_hash, _normalised(password))
            return matches and bool(stored)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if self._pending >= _MAX_QUEUE:
            raise Unavailable("Too many are signing in at the moment. Please try again.", "busy")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._pending -= 1


def _normalised(password: str) -> str:
    # Keyboards differ in how they compose an accented letter (RFC 8265, section 4.2).
    return unicodedata.normalize("NFC", password)
