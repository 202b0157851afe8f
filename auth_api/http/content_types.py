"""Media types of request bodies, and sentences about bodies that are not what they say."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request

from auth_api.errors import BadRequest, UnsupportedMedia

JSON_TYPE = "application/json"
FORM_TYPE = "multipart/form-data"

JSON_INSTEAD = f"the body is JSON: send 'Content-Type: {JSON_TYPE}'"
"""The end of a sentence about a body of another declared type."""
FORM_INSTEAD = (
    "the body is a multipart form: do not set the header Content-Type yourself, because your HTTP "
    "library writes it"
)
"""The same."""

_SHOWN = 64


def body_type(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(body: bytes) -> bool:
    """Whether a body begins like a JSON object."""
    return body.lstrip(b" \t\r\n\xef\xbb\xbf").startswith((b"{", b"["))


def is_form(body: bytes) -> bool:
    """Whether a body begins like a multipart form."""
    return body.lstrip(b"\r\n").startswith(b"--")


async def unsupported(request: Request, wanted: str) -> BadRequest | UnsupportedMedia:
    """The error for a body whose type is not read, or for no body at all. `wanted` is a sentence
    that says what is read.
    """
    kind = body_type(request)
    # Waits for the first bytes of the body, within the limits of `body_limit`.
    message = await request.receive()
    body = message.get("body", b"")
    if not body:
        return BadRequest(f"The request has no body. {wanted}", "body_missing")
    if is_json(body):
        found = f"{JSON_INSTEAD[0].upper()}{JSON_INSTEAD[1:]}."
    elif kind.startswith("multipart/"):
        found = f"The Content-Type is {kind[:_SHOWN]!a} and has to be '{FORM_TYPE}'."
    elif is_form(body):
        found = f"{FORM_INSTEAD[0].upper()}{FORM_INSTEAD[1:]}."
    elif kind == "application/x-www-form-urlencoded":
        found = "The body is a form that has no files (application/x-www-form-urlencoded)."
    elif kind.startswith("image/") or kind == "application/octet-stream":
        found = f"The body is the image itself ({kind[:_SHOWN]})."
    else:
        found = f"The Content-Type is {kind[:_SHOWN]!a}." if kind else "There is no Content-Type."
    return UnsupportedMedia(f"{found} {wanted}")


def named(names: Collection[str]) -> str:
    """Names for a sentence: `'a', 'b'`."""
    shown = (name[:_SHOWN] if name.isprintable() else ascii(name[:_SHOWN]) for name in names)
    return ", ".join(f"'{name}'" for name in dict.fromkeys(shown))
