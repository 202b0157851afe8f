"""What `models` changes: versions registered and removed, who gets which, workers.

Services that run know of it within a second or two.
"""

from __future__ import annotations

import argparse
from typing import Any

from auth_api.commands.options import add_model, printable, served_model
from auth_api.commands.output import Output, working
from auth_api.http.validation import validated
from auth_api.models.presenting import release
from auth_api.schemas.models import NewVersion, Traffic, Workers
from auth_api.services import Services


def add_to(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `models`."""
    for verb, command, text in (
        ("register", _register, "makes an archive of the model store a version nobody gets yet"),
        ("remove", _remove, "has a version served no more; its archive stays"),
        ("default", _default, "gives everybody a version"),
        ("traffic", _traffic, "divides the users among versions"),
        ("scale", _scale, "sets how many workers a version has"),
    ):
        one = verbs.add_parser(verb, parents=[common], help=text)
        add_model(one)
        if verb == "register":
            one.add_argument("archive", type=printable, help="its file in the model store")
            one.add_argument(
                "--sha256", type=printable, help="what <archive>.sha256 says if absent"
            )
        elif verb == "traffic":
            one.add_argument("shares", type=_share, nargs="+", metavar="VERSION=PERCENT")
        else:
            one.add_argument("version", type=printable)
        if verb == "scale":
            one.add_argument("workers", type=int)
        one.set_defaults(command=command)


async def _register(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    asked = {"archive": options.archive, "sha256": options.sha256}
    fields = validated(asked, NewVersion)
    with working("Its workers start and read a first picture"):
        row = await services.registry.register(name, fields.archive, fields.sha256)
    shown = await services.presenter.version(name, row.version)
    output.done(f"Version {row.version} of {name} is ready; nobody gets it yet.", shown)


async def _remove(services: Services, options: argparse.Namespace, output: Output) -> None:
    name, version = await served_model(services, options), options.version
    with working("It answers what it was asked"):
        await services.releases.remove(name, version)
    output.done(f"Version {version} of {name} is removed.", {"model": name, "version": version})


async def _default(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    state = await services.releases.set_default(name, options.version)
    output.done(f"Everybody gets version {options.version} of {name} now.", release(name, state))


async def _traffic(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    shares = validated(dict(options.shares), Traffic).root
    state = await services.releases.set_traffic(name, shares)
    shown = release(name, state)
    said = ", ".join(f"{version} {share:g} %" for version, share in shown["traffic"].items())
    output.done(f"The users of {name} are divided now: {said}.", shown)


async def _scale(services: Services, options: argparse.Namespace, output: Output) -> None:
    name, version = await served_model(services, options), options.version
    workers = validated({"workers": options.workers}, Workers).workers
    with working("Workers start or end"):
        await services.releases.set_workers(name, version, workers)
    shown = await services.presenter.version(name, version)
    noun = "worker" if workers == 1 else "workers"
    output.done(f"Version {version} of {name} has {workers} {noun} now.", shown)


def _share(text: str) -> tuple[str, float]:
    version, _, percent = text.partition("=")
    try:
        return version, float(percent)
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be of the form 1.0=90") from error
