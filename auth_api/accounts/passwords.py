"""Passwords: which ones are taken, how they are hashed and verified.

argon2id, with the parameters of the settings; a hash carries its own, and one made with others
is made anew when its owner next signs in.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from auth_api.accounts.usernames import email_key
from auth_api.errors import Unavailable
from auth_api.settings import Settings

Result = TypeVar("Result")

SHORTEST = 8
LONGEST = 128

# Of 30,000 passwords that were found in leaks, as the library zxcvbn ships them.
_COMMON = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)
# Waiting for a thread: more than this many would wait longer than callers do.
_MOST_WAITING = 128


def require_acceptable(password: str, username: str, email: str) -> None:
    """Raises ValueError for a password that is too short, too long or easily guessed."""
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise ValueError(f"must have {SHORTEST} to {LONGEST} characters")
    folded = plain.casefold()
    address = email_key(email)
    if folded in {username.casefold(), address, address.partition("@")[0]}:
        raise ValueError("must not be the username or the e-mail address")
    if folded in _COMMON or len(set(folded)) < 3:
        raise ValueError("is one of the most common passwords")


class Passwords:
    """Hashes and verifies in threads: argon2 lets go of Python's lock while it works."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        threads = settings.hashing_threads or len(os.sched_getaffinity(0))
        self._threads = ThreadPoolExecutor(threads, "argon2")
        self._waiting = 0
        # Verified against where there is no such user, so that it takes as long.
        self._nobodys = self._hasher.hash(secrets.token_hex())

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_busy(self) -> bool:
        """Whether some are being hashed or verified."""
        return self._waiting > 0

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Unavailable when too many wait already."""
        return await self._in_thread(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is that of the hash; costs the same where there is none.

        Raises Unavailable when too many wait already.
        """
        return await self._in_thread(lambda: self._verify(stored, password))

    async def renewed(self, stored: str, password: str) -> str:
        """The hash itself, or a new one where it was made with other parameters than today's."""
        return await self.hash(password) if self._hasher.check_needs_rehash(stored) else stored

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(stored or self._nobodys, _normal(password)) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable("Too many are signing in at the moment. Please try again.", "busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    # Keyboards differ in how they compose an accented letter (RFC 8265, section 4.2).
    return unicodedata.normalize("NFC", password)
