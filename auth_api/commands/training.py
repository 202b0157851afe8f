"""`models train` and `models tune`: queue trainings, which a running service executes."""

from __future__ import annotations

import argparse
from typing import Any, Literal

from auth_api.commands.options import add_model, printable
from auth_api.commands.output import Output
from auth_api.http.validation import validated
from auth_api.jobs.presenting import owned_entry
from auth_api.schemas.training import TrainJson, TuneJson
from auth_api.services import Services
from auth_api.training.planning import require_trainable


def add_to(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `models`. Each field of the route's JSON becomes an option."""
    for verb, command, schema, text in (
        ("train", _train, TrainJson, "queues a job that trains a new version"),
        ("tune", _tune, TuneJson, "queues a job that searches the best parameters"),
    ):
        parser = verbs.add_parser(verb, parents=[common], help=text)
        add_model(parser)
        owner = "id, username or e-mail address of the owner of the job"
        parser.add_argument("--user", type=printable, required=True, help=owner)
        for name, field in schema.model_fields.items():
            option = f"--{name.replace('_', '-')}"
            text = (field.description or "").replace("%", "%%")
            if field.annotation is bool:
                parser.add_argument(option, action=argparse.BooleanOptionalAction, help=text)
            else:
                parser.add_argument(option, type=printable, metavar="VALUE", help=text)
        parser.set_defaults(command=command)


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
    given = {name: getattr(options, name) for name in schema.model_fields}
    fields = validated({name: value for name, value in given.items() if value is not None}, schema)
    owner = await services.users.named(options.user)
    assert owner.id is not None
    job = await services.planner.queue(owner.id, kind, options.name, fields)
    version = job.parameters["version"]
    output.done(f"Job {job.id} trains version {version} of {options.name}.", owned_entry(job))
