"""Limits how often a password may be guessed.

Wrong passwords for an account count where they come from, so that a stranger cannot lock out the
owner. All addresses together have a limit too, but a far higher one. A device that has signed in
before has a count of its own, which no stranger can fill.
"""

from __future__ import annotations

from dataclasses import dataclass

from auth_api.errors import TooMany
from auth_api.http.rate_limits import Count, RateLimits, duration


@dataclass(frozen=True)
class Guess:
    """An attempt with a password, before it is known to be right or wrong."""

    counts: tuple[Count, ...]
    """It counts as wrong under these, until the password turns out to be right."""
    address: tuple[str, ...] = ()
    """The address, which is charged for a wrong password only. Many people may share it."""
    limited_by_address: bool = False


def from_address(account: str, address: tuple[str, ...]) -> Guess:
    """A sign-in from a device that has not signed in to this account before."""
    who = tuple(f"{account} from {part}" for part in address)
    counts = Count("failed_account", who), Count("failed_everywhere", (account,))
    return Guess(counts, address, limited_by_address=True)


def from_device(account: str, device: str, address: tuple[str, ...]) -> Guess:
    """A sign-in from a device that has signed in to this account before."""
    return Guess((Count("failed_account", (f"{account} device {device}",)),), address)


def from_session(session: str) -> Guess:
    """A password that somebody who is signed in has to repeat."""
    return Guess((Count("failed_account", (f"session {session}",)),))


@dataclass(frozen=True)
class GuessLimits:
    limits: RateLimits

    async def begin(self, guess: Guess) -> None:
        """Counts the guess as wrong, unless a limit refuses it.

        Call it before the password is checked, so that parallel guesses are counted too. Raises
        `TooMany` (`too_many_failures`); then nothing is counted.
        """
        try:
            if guess.limited_by_address:
                await self.limits.check(Count("failed_address", guess.address))
            await self.limits.count(*guess.counts)
        except TooMany as error:
            wait = int((error.headers or {})["Retry-After"])
            raise TooMany(
                f"Too many wrong passwords: please wait {duration(wait)}.",
                "too_many_failures",
                retry_after=wait,
            ) from error

    async def end(self, guess: Guess, *, right: bool) -> None:
        """A right password clears the counts; a wrong one is charged to the address."""
        if right:
            await self.limits.clear(*guess.counts)
        elif guess.address:
            await self.limits.add(Count("failed_address", guess.address))
