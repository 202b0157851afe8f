"""Which version of a model a caller gets: always the same one, as long as the traffic stays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

_DIGITS = 13
"""Of a digest in hexadecimal, which a float holds without loss."""


@dataclass(frozen=True)
class TrafficSplit:
    """The versions among which the users of a model are divided."""

    default: str
    traffic: Mapping[str, float]
    """Percent of the users by version, 100 in all."""

    def version_of(self, model: str, identity: str) -> str:
        """The version for whoever has `identity`, by a digest of it.

        The default has the lower end of the scale and the newest version the upper one: whoever
        tries a new version goes on doing so when its share grows, and nobody else changes sides.
        """
        place = position(model, identity)
        for version in self._in_order():
            place -= self.traffic[version]
            if place < 0:
                return version
        return self.default

    def _in_order(self) -> list[str]:
        others = sorted(self.traffic.keys() - {self.default}, key=release_number)
        return [version for version in (self.default, *others) if version in self.traffic]


def position(model: str, identity: str) -> float:
    """Where on a scale from 0 to 100 somebody is, the same in every process; another place for
    every model, so that it is not always the same people who try something new.
    """
    digest = hashlib.sha256(f"{model} {identity}".encode()).hexdigest()
    place: float = 100 * int(digest[:_DIGITS], 16) / 16**_DIGITS
    return place


def release_number(version: str) -> tuple[int, ...]:
    """`1.10` comes after `1.9`; what is no number comes first."""
    parts = version.split(".")
    return tuple(int(part) if part.isascii() and part.isdigit() else -1 for part in parts)
