"""`models`: registers and removes versions, and sets the default, the traffic and the workers.

Running services apply a change within a second or two.
"""

from __future__ import annotations

import argparse
from typing import Any

from auth_api.commands.options import add_model, printable, served_model
from auth_api.commands.output import Output, spinner
from auth_api.http.validation import validated
from auth_api.models.presenting import release
from auth_api.schemas.models import NewVersion, Traffic, Workers
from auth_api.services import Services


def add_to(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `models`."""
    for verb, command, text in (
        ("register", _register, "makes a version of an archive in the model store"),
        ("remove", _remove, "removes a version and keeps its archive"),
        ("default", _default, "makes a version the default, for all users"),
        ("traffic", _traffic, "splits the users among versions"),
        ("scale", _scale, "sets how many workers a version has"),
    ):
        parser = verbs.add_parser(verb, parents=[common], help=text)
        add_model(parser)
        if verb == "register":
            parser.add_argument("archive", type=printable, help="file name in the model store")
            parser.add_argument(
                "--sha256", type=printable, help="default: read from <archive>.sha256"
            )
        elif verb == "traffic":
            parser.add_argument("shares", type=_share, nargs="+", metavar="VERSION=PERCENT")
        else:
            parser.add_argument("version", type=printable)
        if verb == "scale":
            parser.add_argument("workers", type=int)
        parser.set_defaults(command=command)


async def _register(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    fields = validated({"archive": options.archive, "sha256": options.sha256}, NewVersion)
    with spinner("Starting workers and testing them"):
        row = await services.registry.register(name, fields.archive, fields.sha256)
    shown = await services.presenter.version(name, row.version)
    output.done(f"Version {row.version} of {name} is ready. It has no traffic yet.", shown)


async def _remove(services: Services, options: argparse.Namespace, output: Output) -> None:
    name, version = await served_model(services, options), options.version
    with spinner("Finishing its requests"):
        await services.releases.remove(name, version)
    output.done(f"Version {version} of {name} is removed.", {"model": name, "version": version})


async def _default(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    state = await services.releases.set_default(name, options.version)
    output.done(f"All users now get version {options.version} of {name}.", release(name, state))


async def _traffic(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    shares = validated(dict(options.shares), Traffic).root
    state = await services.releases.set_traffic(name, shares)
    shown = release(name, state)
    split = ", ".join(f"{version} {share:g} %" for version, share in shown["traffic"].items())
    output.done(f"The users of {name} are now split: {split}.", shown)


async def _scale(services: Services, options: argparse.Namespace, output: Output) -> None:
    name, version = await served_model(services, options), options.version
    workers = validated({"workers": options.workers}, Workers).workers
    with spinner("Starting or stopping workers"):
        await services.releases.set_workers(name, version, workers)
    shown = await services.presenter.version(name, version)
    noun = "worker" if workers == 1 else "workers"
    output.done(f"Version {version} of {name} now has {workers} {noun}.", shown)


def _share(text: str) -> tuple[str, float]:
    version, _, percent = text.partition("=")
    try:
        return version, float(percent)
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be of the form 1.0=90") from error
