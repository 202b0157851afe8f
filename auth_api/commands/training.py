"""`models train` and `models tune`: trainings, which a running service does."""

from __future__ import annotations

import argparse
from typing import Any, Literal

from auth_api.commands.options import add_model, printable
from auth_api.commands.output import Output
from auth_api.http.validation import validated
from auth_api.jobs.presenting import owned_entry
from auth_api.schemas.training import TrainJson, TuneJson
from auth_api.services import Services
from auth_api.training.submission import queued, require_trainable


def add_to(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `models`; each field of what a route takes is an option."""
    for verb, command, schema, text in (
        ("train", _train, TrainJson, "has a new version trained, which is a job"),
        ("tune", _tune, TuneJson, "the same, in search of the best parameters"),
    ):
        one = verbs.add_parser(verb, parents=[common], help=text)
        add_model(one)
        whose = "number, username or e-mail address of whose job it is"
        one.add_argument("--user", type=printable, required=True, help=whose)
        for name, field in schema.model_fields.items():
            option = f"--{name.replace('_', '-')}"
            said = (field.description or "").replace("%", "%%")
            if field.annotation is bool:
                one.add_argument(option, action=argparse.BooleanOptionalAction, help=said)
            else:
                one.add_argument(option, type=printable, metavar="VALUE", help=said)
        one.set_defaults(command=command)


async def _train(services: Services, options: argparse.Namespace, output: Output) -> None:
    await _queue(services, options, output, "train", TrainJson)


async def _tune(services: Services, options: argparse.Namespace, output: Output) -> None:
    await _queue(services, options, output, "tune", TuneJson)


async def _queue(
    services: Services,
    options: argparse.Namespace,
    output: Output,
    kind: Literal["train", "tune"],
    schema: type[TrainJson],
) -> None:
    require_trainable(options.name, services.settings.models)
    said = {name: getattr(options, name) for name in schema.model_fields}
    asked = validated({name: value for name, value in said.items() if value is not None}, schema)
    owner = await services.users.named(options.user)
    assert owner.id is not None
    job = await queued(services.jobs, services.planner, owner.id, kind, options.name, asked)
    version = job.parameters["version"]
    output.done(f"Job {job.id} makes version {version} of {options.name}.", owned_entry(job))
