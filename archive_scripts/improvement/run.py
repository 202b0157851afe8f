"""From a folder with a specification to an archive in the model store.

The weights, which are written last of what training leaves in the folder, mark its end: whatever
interrupts what comes then, it is done again with the same outcome.
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
from archive_scripts.evaluation.figures import Figures, of_version, write_figures
from archive_scripts.evaluation.recognition import LabelledInks
from archive_scripts.improvement.card import Outcome, card, measured_on, version_of
from archive_scripts.improvement.events import Events
from archive_scripts.improvement.judging import Judge, summary, synthetic_inks
from archive_scripts.improvement.pictures import inks, load_pictures
from archive_scripts.improvement.specification import (
    Parameters,
    Specification,
    read_specification,
)
from archive_scripts.improvement.training import Trainer, train_once
from archive_scripts.training.networks import describe_weights, load_network, save_weights

_WEIGHTS = "weights.safetensors"
_OUTCOME = "outcome.json"


def improve(folder: Path, events: Events) -> None:
    """Trains what `folder`/spec.json asks for, or goes on with it.

    Raises ValueError or OSError where a person has to do something about it.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    specification = read_specification(folder)
    base = next(recipe for recipe in RECIPES if recipe.name == specification.model)
    recipe = replace(base, version=specification.version, weights=folder / _WEIGHTS)
    archive = specification.model_store / f"{recipe.name}-{recipe.version}.mar"
    if done := events.past("done"):
        events.repeat(done[-1])
        return
    if not recipe.weights.exists():
        if archive.exists():
            raise ValueError(f"{archive.name} is in the model store: choose another version")
        _make_weights(specification, base, recipe, events)
    specification.model_store.mkdir(parents=True, exist_ok=True)
    build_archive(recipe, archive, specification.workers)
    # After the archive: weights in the store are those of a version that is there.
    _copy(recipe.weights, archive.with_name(f"{archive.stem}.safetensors"))
    outcome = json.loads((folder / _OUTCOME).read_text())
    events.tell(
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
    pictures = load_pictures(folder, specification)
    none = LabelledInks([], np.zeros(0, np.int64))
    judge = Judge(
        recipe.handler,
        real=inks(pictures.held_out, recipe.handler),
        synthetic=none if recipe.handler == "digits" else synthetic_inks(),
    )
    if not judge.everything.readable():
        raise ValueError("too few pictures can be read: one in five is held out to measure with")
    trainer = Trainer(specification, recipe.handler, pictures, judge)
    before = _before(trainer)
    network, parameters = _train(trainer, folder, events)
    partial = folder / "partial.safetensors"
    # What is calibrated and measured is what will be served: weights in half precision.
    save_weights(network, trainer.weights, partial)
    network = load_network(partial)
    weights, calibrated = judge.calibrated(network, trainer.weights)
    save_weights(network, weights, partial)
    figures = judge.figures(network, weights)
    sentence = measured_on(judge)
    write_figures(of_version(figures, recipe.name, recipe.version, sentence), recipe.evaluation)
    start = version_of(specification.start, base) if specification.start else None
    outcome = Outcome(parameters, weights, calibrated, start, before, figures)
    recipe.card.write_text(card(specification, pictures, judge, outcome), encoding="utf-8")
    told = {
        "before": before and summary(before),
        "after": summary(figures),
        "parameters": parameters.model_dump(),
    }
    (folder / _OUTCOME).write_text(json.dumps(told))
    os.replace(partial, recipe.weights)


def _train(trainer: Trainer, folder: Path, events: Events) -> tuple[nn.Module, Parameters]:
    if trainer.specification.mode == "train":
        return train_once(trainer, folder, events), trainer.specification.parameters
    # Imported here: a plain training does without optuna.
    from archive_scripts.improvement.tuning import tune

    return tune(trainer, folder, events)


def _before(trainer: Trainer) -> Figures | None:
    """The figures of the weights to start from, where they are of the same model."""
    start = trainer.specification.start
    if start is None or describe_weights(start) != trainer.weights:
        return None
    return trainer.judge.figures(load_network(start), trainer.weights)


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    try:
        shutil.copyfile(source, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
