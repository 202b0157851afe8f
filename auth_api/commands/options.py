"""What options and arguments of several commands can be."""

from __future__ import annotations

import argparse

from auth_api.http.validation import number
from auth_api.services import Services


def printable(text: str) -> str:
    """Text without control characters, and in an encoding. Raises ValueError."""
    if not text.isprintable():
        raise ValueError
    return text


def add_limit(listing: argparse.ArgumentParser) -> None:
    """`--limit`, the rows that a list has at most."""
    listing.add_argument("--limit", type=number, default=50, help="rows (default: %(default)s)")


def add_model(command: argparse.ArgumentParser) -> None:
    """The name of a model, as the first argument."""
    command.add_argument("name", type=printable, help="name of the model")


async def served_model(services: Services, options: argparse.Namespace) -> str:
    """That name, once it is known what is served. Raises NotFound or Unavailable."""
    name = str(options.name)
    services.releases.require_model(name)
    await services.releases.refresh()
    return name
