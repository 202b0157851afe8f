"""`models`: shows the models that are served, and exports their archives.

`releases` and `training` add the commands that change and train them.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auth_api.commands import releases, training
from auth_api.commands.files import atomic_write
from auth_api.commands.options import add_model, printable, served_model
from auth_api.commands.output import Output, spinner
from auth_api.models import evaluation_figures, traffic_report
from auth_api.models.exporting import exported
from auth_api.services import Services

_COLUMNS = ("name", "state", "default", "previous", "traffic")
_VERSION_COLUMNS = ("version", "state", "traffic", "workers", "workers_ready", "archive")
_ARM_COLUMNS = (
    *("version", "traffic", "requests", "refused", "failed", "fell_back"),
    *("error_rate", "latency_ms", "score", "wrong_share"),
)
_DIFFERENCE_COLUMNS = ("version", "against", "measure", "difference", "verdict")
_MEASURES = ("latency_ms", "error_rate", "score", "wrong_share")


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    models = commands.add_parser("models", help="models and their versions")
    verbs = models.add_subparsers(metavar="VERB", required=True)
    for verb, command, text in (
        ("list", _list, "lists all models"),
        ("show", _show, "shows a model and its versions"),
        ("report", _report, "compares the versions of the traffic split"),
        ("metrics", _metrics, "shows the evaluation of a version"),
        ("export", _export, "writes the archive of a version"),
    ):
        parser = verbs.add_parser(verb, parents=[common], help=text)
        if verb != "list":
            add_model(parser)
        if verb == "export":
            parser.add_argument("file", type=Path)
        if verb in {"metrics", "export"}:
            parser.add_argument("--version", type=printable, help="default: the default version")
        parser.set_defaults(command=command)
    releases.add_to(verbs, common)
    training.add_to(verbs, common)


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    await services.releases.refresh()
    shown = [await services.presenter.model(name) for name in services.settings.models]
    output.rows(_COLUMNS, shown if output.as_json else [_summary(model) for model in shown])


async def _show(services: Services, options: argparse.Namespace, output: Output) -> None:
    shown = await services.presenter.model(await served_model(services, options))
    if output.as_json:
        output.one(shown)
        return
    output.one(_summary(shown))
    output.rows(_VERSION_COLUMNS, shown["versions"], title="Versions")


async def _report(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    found = await traffic_report.compared(services.database, name, services.releases.state(name))
    if output.as_json:
        output.one(found)
        return
    output.rows(_ARM_COLUMNS, [_arm(arm) for arm in found["arms"]], title=f"Since {found['since']}")
    output.rows(
        _DIFFERENCE_COLUMNS,
        [_difference(each, measure) for each in found["comparisons"] for measure in _MEASURES],
        title="Differences, with their 95 % intervals",
    )


async def _metrics(services: Services, options: argparse.Namespace, output: Output) -> None:
    name = await served_model(services, options)
    row = services.releases.version(name, options.version)
    found = evaluation_figures.metrics(
        row, await evaluation_figures.evaluated(services.archives, row)
    )
    if output.as_json:
        output.one(found)
        return
    shown = {"model": name, "version": row.version, **found}
    del shown["success"]
    output.one({name: value for name, value in shown.items() if not isinstance(value, list | dict)})
    if classes := found.get("per_class"):
        output.rows(tuple(classes[0]), classes, title="Classes")


async def _export(services: Services, options: argparse.Namespace, output: Output) -> None:
    name, file = await served_model(services, options), options.file
    row = services.releases.version(name, options.version)
    with spinner("Copying"), atomic_write(file) as target:
        path, checksum = await exported(services.database, services.archives, row)
        with path.open("rb") as source:
            await asyncio.to_thread(shutil.copyfileobj, source, target)
    document = {"model": name, "version": row.version, "sha256": checksum, "file": str(file)}
    output.done(f"{file} is version {row.version} of {name}.", document)


def _summary(model: Mapping[str, Any]) -> dict[str, Any]:
    traffic = ", ".join(f"{version} {share:g} %" for version, share in model["traffic"].items())
    return {**{name: model[name] for name in _COLUMNS}, "traffic": traffic or None}


def _arm(arm: Mapping[str, Any]) -> dict[str, Any]:
    estimates = {name: arm[name] for name in ("error_rate", "latency_ms", "score")}
    estimates["wrong_share"] = arm["corrections"]["wrong_share"]
    return {**arm, **{name: _with_interval(found) for name, found in estimates.items()}}


def _difference(comparison: Mapping[str, Any], measure: str) -> dict[str, Any]:
    found = comparison[measure] or {"value": None, "verdict": None}
    return {**comparison, **found, "measure": measure, "difference": _with_interval(found)}


def _with_interval(found: Mapping[str, Any]) -> str | None:
    value = found["mean"] if "mean" in found else found["value"]
    if value is None or found["low"] is None:
        return None if value is None else f"{value:g}"
    return f"{value:g} ({found['low']:g} to {found['high']:g})"
