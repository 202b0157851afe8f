"""How strong the secret that signs tokens must be."""

from __future__ import annotations

SHORTEST = 32
"""Bytes."""
_FEWEST_DIFFERENT = 10
# What tutorials, templates and jwt.io sign with.
_WELL_KNOWN = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "a-string-secret-at-least-256-bits-long",
    "0123456789abcdef",
    "abcdefghijklmnop",
)
_PLACEHOLDERS = (
    "change",
    "default",
    "example",
    "insecure",
    "password",
    "replace",
    "secret",
    "your",
)


def require_strong(secret: str) -> None:
    """Raises ValueError for a secret that can be guessed.

    HS256 wants a key of at least 256 bits (RFC 7518, section 3.2).
    """
    plain = secret.lower()
    if len(secret.encode()) < SHORTEST:
        raise ValueError(f"must have at least {SHORTEST} characters")
    if len(set(secret)) < _FEWEST_DIFFERENT:
        raise ValueError("repeats itself too much to be a secret")
    if any(known in plain for known in (*_WELL_KNOWN, *_PLACEHOLDERS)):
        raise ValueError("is a placeholder that others know; try `openssl rand -hex 32`")
