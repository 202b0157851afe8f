"""From a folder with a specification to an archive in the model store.

Training writes the weights last, so their file marks its end. The steps after it are repeatable:
after an interruption they run again with the same result.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from archive_scripts.archives.building import RECIPES, ArchiveRecipe, build_archive
from archive_scripts.archives.checksums import sha256
from archive_scripts.evaluation.figures import Figures, with_version, write_figures
from archive_scripts.improvement.events import Events
from archive_scripts.improvement.fixed_set import fixed_figures
from archive_scripts.improvement.model_card import Outcome, evaluation_data, model_card, version_of
from archive_scripts.improvement.specification import (
    Parameters,
    Specification,
    read_specification,
)
from archive_scripts.improvement.split import ink_images, load_split
from archive_scripts.improvement.trainer import Trainer, train_once
from archive_scripts.improvement.validation import Validator, summary, synthetic_ink_images
from archive_scripts.training.labelled import LabelledInkImages
from archive_scripts.training.networks import describe_weights, load_network, save_weights

_WEIGHTS = "weights.safetensors"
_OUTCOME = "outcome.json"


def improve(folder: Path, events: Events) -> None:
    """Trains what `folder`/spec.json specifies, or resumes.

    Raises ValueError or OSError if a person has to act.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    specification = read_specification(folder)
    base = next(recipe for recipe in RECIPES if recipe.name == specification.model)
    recipe = replace(base, version=specification.version, weights=folder / _WEIGHTS)
    archive = specification.model_store / f"{recipe.name}-{recipe.version}.mar"
    if done := events.past("done"):
        events.emit_again(done[-1])
        return
    if not recipe.weights.exists():
        if archive.exists():
            raise ValueError(f"{archive.name} is in the model store: choose another version")
        _make_weights(specification, base, recipe, events)
    specification.model_store.mkdir(parents=True, exist_ok=True)
    build_archive(recipe, archive, specification.workers)
    # After the archive, because weights in the store must belong to an existing version.
    _copy(recipe.weights, archive.with_name(f"{archive.stem}.safetensors"))
    outcome = json.loads((folder / _OUTCOME).read_text())
    events.emit(
        "done",
        progress=1,
        archive=archive.name,
        version=recipe.version,
        sha256=sha256(archive),
        **outcome,
    )


def _make_weights(
    specification: Specification, base: ArchiveRecipe, recipe: ArchiveRecipe, events: Events
) -> None:
    folder = recipe.weights.parent
    pictures = load_split(folder, specification)
    empty = LabelledInkImages([], np.zeros(0, np.int64))
    validator = Validator(
        recipe.handler,
        real=ink_images(pictures.held_out, recipe.handler),
        synthetic=empty
        if recipe.handler == "digits"
        else synthetic_ink_images(specification.images_per_epoch),
    )
    if not validator.everything.readable():
        raise ValueError("too few pictures can be read: one in five is held out to measure with")
    trainer = Trainer(specification, recipe.handler, pictures, validator)
    before = _figures_before(trainer)
    network, parameters = _train(trainer, folder, events)
    partial = folder / "partial.safetensors"
    # Calibrates and measures the weights in half precision, because these are served.
    save_weights(network, trainer.weights, partial)
    network = load_network(partial)
    weights, calibrated = validator.calibrated(network, trainer.weights)
    save_weights(network, weights, partial)
    figures = validator.figures(network, weights)
    fixed = {"fixed": fixed_figures(recipe.handler, network, weights)}
    versioned = with_version(
        {**figures, **fixed}, recipe.name, recipe.version, evaluation_data(validator)
    )
    write_figures(versioned, recipe.evaluation)
    start = version_of(specification.start, base) if specification.start else None
    outcome = Outcome(parameters, weights, calibrated, start, before, figures)
    recipe.card.write_text(
        model_card(specification, pictures, validator, outcome), encoding="utf-8"
    )
    summaries = {
        "before": before and summary(before),
        "after": summary(figures),
        "parameters": parameters.model_dump(),
    }
    (folder / _OUTCOME).write_text(json.dumps(summaries))
    os.replace(partial, recipe.weights)


def _train(trainer: Trainer, folder: Path, events: Events) -> tuple[nn.Module, Parameters]:
    if trainer.specification.mode == "train":
        return train_once(trainer, folder, events), trainer.specification.parameters
    # Imported here, because only a tuning needs optuna.
    from archive_scripts.improvement.tuning import tune

    return tune(trainer, folder, events)


def _figures_before(trainer: Trainer) -> Figures | None:
    """The figures of the initial weights, if they are of the same model."""
    start = trainer.specification.start
    if start is None or describe_weights(start) != trainer.weights:
        return None
    return trainer.validator.figures(load_network(start), trainer.weights)


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    try:
        shutil.copyfile(source, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
