"""Versions and releases as the database has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth_api.database.columns import now
from auth_api.database.tables.models import ModelRelease, ModelVersion
from auth_api.errors import NotFound


@dataclass(frozen=True)
class ModelState:
    """The versions of one model, and who gets which."""

    release: ModelRelease | None = None
    """None until TorchServe serves the model for the first time."""
    versions: Mapping[str, ModelVersion] = field(default_factory=dict)
    """All versions in the database, removed ones too, by name."""

    def registered(self, version: str) -> bool:
        """Whether the version is served."""
        return version in self.versions and self.versions[version].state == "registered"

    def in_use(self, version: str) -> bool:
        """Whether the version is the default or has a share of the traffic."""
        release = self.release
        return release is not None and version in {release.default_version, *release.traffic}


def read(session: Session) -> dict[str, ModelState]:
    """Returns the state of every model in the database."""
    releases = {release.model: release for release in session.scalars(select(ModelRelease))}
    versions: dict[str, dict[str, ModelVersion]] = {name: {} for name in releases}
    for version in session.scalars(select(ModelVersion)):
        versions.setdefault(version.model, {})[version.version] = version
    return {name: ModelState(releases.get(name), found) for name, found in versions.items()}


def locked(session: Session, model: str) -> ModelState:
    """Returns the state of one model and locks it until the transaction ends.

    Raises `NotFound` if the model is not served yet.
    """
    release = session.get(ModelRelease, model, with_for_update=True)
    if release is None:
        raise NotFound(f"The model {model} is not served yet.", "model_not_found")
    query = select(ModelVersion).where(ModelVersion.model == model)  # type: ignore[arg-type]
    return ModelState(release, {each.version: each for each in session.scalars(query)})


def is_abandoned(version: ModelVersion, seconds: float) -> bool:
    """Whether the process that tested a version, for at most `seconds`, died meanwhile."""
    limit = timedelta(seconds=2 * seconds + 30)
    return version.state == "checking" and now() - version.changed_at > limit
