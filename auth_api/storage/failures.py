"""Why a call of a store failed, in words for operators.

The library gives only a text, which may have what a server says of keys and signatures.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"<Code>(\w+)</Code>|\(code: (\w+)\)")
_CERTIFICATE = re.compile(r"InvalidCertificate|UnknownIssuer")
# The innermost error of a connection.
_INNER = re.compile(r'(?:error|message): "([^"\n]+)"')
_MAX_REASON = 200
# Without keys, those of a machine of Amazon's are asked for.
_METADATA = "/latest/api/token"
# Answers that do not change by themselves.
_REJECTED_KEYS = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidSecurity", "InvalidToken")
_FINAL = (*_REJECTED_KEYS, "NoSuchBucket", "AccessDenied", "PermanentRedirect", "InvalidBucketName")


def reason_of(error: Exception) -> str:
    """Why a call failed, without what a server says of keys and signatures."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error)
    if _METADATA in text:
        return "NoKeys"
    if found := _CODE.search(text):
        return found[1] or found[2]
    if found := _CERTIFICATE.search(text):
        return found[0]
    if found := _INNER.search(text):
        return found[1]
    return text.partition("\n")[0].partition("<")[0].strip()[:_MAX_REASON]


def sentence_of(reason: str, name: str, url: str) -> str | None:
    """What an operator has to change; None if the store may answer later."""
    if reason == "NoSuchBucket":
        return f"There is no bucket {name}."
    if reason in _REJECTED_KEYS:
        return f"The store rejects the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ({reason})."
    if reason in _FINAL:
        return f"The keys do not allow to write, read, list and delete in {url} ({reason})."
    if reason == "NoKeys":
        return "There are no keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if _CERTIFICATE.match(reason):
        return (
            f"The certificate of the store is not trusted ({reason}). SSL_CERT_FILE can name that "
            "of a private authority."
        )
    return None
