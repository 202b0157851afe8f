"""Why a request is refused.

RequestRefused             an answer of 4xx for this request alone
├── InvalidOption          400: something beside the image makes no sense
├── NoReference            404: no character to compare with
└── ImageRefused           the image itself:
    ├── UnreadableImage    415: not an image of a format that is read
    ├── DamagedImage       400: such a format, but broken or cut short
    ├── ImageTooLarge      413: more pixels than are decoded
    └── NoCharacterFound   400: an image with nothing written on it
"""

from __future__ import annotations

from typing import ClassVar


class RequestRefused(Exception):
    """The message is one sentence for the person who sent the request."""

    status: ClassVar[int] = 400
    """HTTP status of the answer."""
    code: ClassVar[str] = "bad_request"
    """What programs tell the cases apart by, snake_case."""


class InvalidOption(RequestRefused):
    """A header that says what to do with the image is missing or makes no sense."""

    code = "invalid_option"


class NoReference(RequestRefused):
    """The class to compare with has no reference picture."""

    status = 404
    code = "no_reference"


class ImageRefused(RequestRefused):
    """It is the image that cannot be used."""

    code = "bad_image"


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
