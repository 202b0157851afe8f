"""Opens the bucket of the settings, and says why one cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auth_api.settings import Settings

if TYPE_CHECKING:
    from auth_api.storage.bucket import Bucket


class UnusableBucket(Exception):
    """The settings name a bucket that cannot be used. The message is a sentence."""


def open_bucket(settings: Settings) -> Bucket | None:
    """The bucket of `STORAGE_URL`, None if the setting is empty."""
    if not settings.storage_url:
        return None
    # Services without a bucket do without its library, which takes 9 MB.
    from auth_api.storage.bucket import Bucket

    return Bucket(settings)
