"""The reasons for which a request is refused.

RequestRefused             for this request alone
├── InvalidOption          400: a header is missing or makes no sense
├── NoReference            404: no character to compare with
├── Postponed              503: to be sent again, alone
└── ImageRefused           the image cannot be used:
    ├── UnreadableImage    415: not an image, or of a format that is not read
    ├── DamagedImage       400: a known format, but broken or cut short
    ├── ImageTooLarge      413: more pixels than are decoded, or more bytes than are read
    ├── ImageTooComplex    413: few bytes that take far too much work to decode
    ├── TooManyCharacters  413: more characters than are read at once
    ├── NoCharacterFound   400: nothing is written on the image
    └── WorksheetRefused   400: the image is no worksheet that can be read:
        ├── WorksheetMissing     it shows no marks of a worksheet
        ├── WorksheetIncomplete  too many marks are outside or covered
        ├── WorksheetVersion     the sheet has another layout
        └── WorksheetDamaged     the marks contradict each other
"""

from __future__ import annotations

from typing import ClassVar

SLOW, UNTRIED = "image_slow", "image_untried"
"""Codes of `Postponed`."""


class RequestRefused(Exception):
    """The message is one sentence for the person who sent the request."""

    status: ClassVar[int] = 400
    """HTTP status of the response."""
    code: str = "bad_request"
    """Tells programs which case it is, snake_case."""


class InvalidOption(RequestRefused):
    """A header that sets an option is missing or makes no sense."""

    code = "invalid_option"


class NoReference(RequestRefused):
    """The class to compare with has no reference picture."""

    status = 404
    code = "no_reference"


class Postponed(RequestRefused):
    """A request with `X-Quick` took longer than that, or had no turn."""

    status = 503

    def __init__(self, *, tried: bool) -> None:
        """`tried`: the image was begun, so another quick attempt would be in vain."""
        super().__init__("The image takes longer than others. Please send it again, alone.")
        self.code = SLOW if tried else UNTRIED


class ImageRefused(RequestRefused):
    """The image cannot be used."""

    code = "bad_image"


class UnreadableImage(ImageRefused):
    """The bytes are not an image in one of the formats of `handlers.decoding`."""

    status = 415
    code = "unreadable_image"


class DamagedImage(ImageRefused):
    """The bytes begin like an image but cannot be decoded to the end."""

    code = "damaged_image"


class ImageTooLarge(ImageRefused):
    """The image declares more pixels than are decoded, or has more bytes than are read."""

    status = 413
    code = "image_too_large"


class ImageTooComplex(ImageRefused):
    """The image would take, or took, far more work than its number of pixels explains."""

    status = 413
    code = "image_too_complex"


class TooManyCharacters(ImageRefused):
    """The image shows more characters than `handlers.several` reads."""

    status = 413
    code = "too_many_characters"


class NoCharacterFound(ImageRefused):
    """The image is blank, too small or only noise."""

    code = "no_character_found"


class WorksheetRefused(ImageRefused):
    """The image is no worksheet that can be read."""


class WorksheetMissing(WorksheetRefused):
    """The image shows no marks of a worksheet."""

    code = "no_worksheet"


class WorksheetIncomplete(WorksheetRefused):
    """Too many marks of the worksheet are outside the image, covered or blurred."""

    code = "worksheet_incomplete"


class WorksheetVersion(WorksheetRefused):
    """The worksheet has the layout of another version of the service."""

    code = "worksheet_version"


class WorksheetDamaged(WorksheetRefused):
    """The marks of the worksheet contradict each other, as those of two sheets do."""

    code = "worksheet_damaged"
