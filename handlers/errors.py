"""Why an image is refused.

ImageRefused           an answer of 4xx for this image alone
├── UnreadableImage    415: not an image of a format that is read
├── DamagedImage       400: such a format, but broken or cut short
├── ImageTooLarge      413: more pixels than are decoded
└── NoCharacterFound   400: an image with nothing written on it
"""

from __future__ import annotations

from typing import ClassVar


class ImageRefused(Exception):
    """The message is one sentence for the person who sent the image."""

    status: ClassVar[int] = 400
    """HTTP status of the answer."""
    code: ClassVar[str] = "bad_image"
    """What programs tell the cases apart by, snake_case."""


class UnreadableImage(ImageRefused):
    """The bytes are not an image of a format that is read."""

    status = 415
    code = "unreadable_image"


class DamagedImage(ImageRefused):
    """The bytes begin like an image and cannot be decoded to the end."""

    code = "damaged_image"


class ImageTooLarge(ImageRefused):
    """The header declares more pixels than are decoded."""

    status = 413
    code = "image_too_large"


class NoCharacterFound(ImageRefused):
    """The image is blank, too small or nothing but noise."""

    code = "no_character_found"
