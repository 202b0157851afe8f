"""Divides clients among versions. A client keeps its version while the shares stay the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from auth_api.schemas.versions import release_number

# Hexadecimal digits of a digest that a float holds without loss.
_DIGITS = 13


@dataclass(frozen=True)
class TrafficSplit:
    """The shares of the versions of a model."""

    default: str
    traffic: Mapping[str, float]
    """Percent of the clients by version, 100 in all."""

    def version_of(self, model: str, identity: str) -> str:
        """Returns the version of the client with this identity.

        The default has the low end of the scale, the newest version the high end. When the share of
        a new version grows, its clients therefore keep it and only the needed others move to it.
        """
        place = position(model, identity)
        others = sorted(self.traffic.keys() - {self.default}, key=release_number)
        for version in (self.default, *others):
            place -= self.traffic.get(version, 0)
            if place < 0:
                return version
        return self.default


def position(model: str, identity: str) -> float:
    """Returns the place of a client on a scale from 0 to 100, the same in every process.

    It differs between models, so that new versions do not always go to the same clients.
    """
    digest = hashlib.sha256(f"{model} {identity}".encode()).hexdigest()
    place: float = 100 * int(digest[:_DIGITS], 16) / 16**_DIGITS
    return place
