"""Rejects signing secrets that can be guessed."""

from __future__ import annotations

MIN_BYTES = 32
"""HS256 needs a key of at least 256 bits (RFC 7518, section 3.2)."""
_MIN_DISTINCT_CHARACTERS = 10
# Secrets of tutorials, templates and jwt.io.
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
    """Raises `ValueError` for a secret that is short, repetitive, or a known placeholder."""
    plain = secret.lower()
    if len(secret.encode()) < MIN_BYTES:
        raise ValueError(f"must have at least {MIN_BYTES} characters")
    if len(set(secret)) < _MIN_DISTINCT_CHARACTERS:
        raise ValueError("repeats itself too much to be a secret")
    if any(known in plain for known in (*_WELL_KNOWN, *_PLACEHOLDERS)):
        raise ValueError("is a placeholder that others know; try `openssl rand -hex 32`")
