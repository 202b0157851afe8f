"""Arguments that several commands share."""

from __future__ import annotations

import argparse

from auth_api.http.validation import number
from auth_api.services import Services


def printable(text: str) -> str:
    """Returns text without control characters and lone surrogates. Raises `ValueError`."""
    if not text.isprintable():
        raise ValueError
    return text


def positive(text: str) -> int:
    """Returns a whole number from 1 on. Raises `ValueError`."""
    value = number(text)
    if value < 1:
        raise ValueError
    return value


def add_limit(listing: argparse.ArgumentParser) -> None:
    """Adds `--limit`, the maximum number of rows."""
    text = "maximum number of rows (default: %(default)s)"
    listing.add_argument("--limit", type=number, default=50, help=text)


def add_model(command: argparse.ArgumentParser) -> None:
    """Adds the name of a model as the first argument."""
    command.add_argument("name", type=printable, help="name of the model")


async def served_model(services: Services, options: argparse.Namespace) -> str:
    """Loads the releases and returns the name of the model. Raises `NotFound`, `Unavailable`."""
    name = str(options.name)
    services.releases.require_model(name)
    await services.releases.refresh()
    return name
