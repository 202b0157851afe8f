"""Tuning: many short trainings with different parameters, of which the best is kept.

Optuna proposes the parameters (TPE, Bergstra et al. 2011) and prunes a trial that is worse than the
median of the others at the same epoch. A tuning can resume, because its study is in `study.db`.
Only the weights of the best trial stay in `trials/`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState
from torch import nn

from archive_scripts.improvement.events import Events
from archive_scripts.improvement.specification import Parameters
from archive_scripts.improvement.trainer import Trainer
from archive_scripts.training.loop import Callback
from archive_scripts.training.networks import load_network, save_weights

_STUDY = "study.db"
_TRIALS = "trials"


def tune(trainer: Trainer, folder: Path, events: Events) -> tuple[nn.Module, Parameters]:
    """Runs the remaining trials. Returns the network and the parameters of the best one.

    Raises ValueError if every trial was pruned.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=f"sqlite:///{(folder / _STUDY).resolve()}",
        study_name=trainer.specification.model,
        pruner=optuna.pruners.MedianPruner(),
        direction="maximize",
        load_if_exists=True,
    )
    # A new seed, because a resumed study would otherwise repeat its first proposals.
    seed = trainer.specification.seed + len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    _emit_trials(study, trainer, events)
    while len(_finished(study)) < trainer.specification.trials:
        _run_trial(study, study.ask(), trainer, folder, events)
        _emit_trials(study, trainer, events)
    best = _best(study)
    if best is None:
        raise ValueError("no trial learned anything: search among lower learning rates")
    return load_network(_weights(folder, best.number)), _parameters(trainer, best.params)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _best(study: optuna.Study) -> FrozenTrial | None:
    """None if every trial so far was pruned."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return study.best_trial if complete else None


def _parameters(trainer: Trainer, proposed: dict[str, Any]) -> Parameters:
    return trainer.specification.parameters.model_copy(update=proposed)


def _weights(folder: Path, trial: int) -> Path:
    return folder / _TRIALS / f"{trial}.safetensors"


def _run_trial(
    study: optuna.Study, trial: Trial, trainer: Trainer, folder: Path, events: Events
) -> None:
    search = trainer.specification.search
    proposed = {
        "learning_rate": trial.suggest_float("learning_rate", *search.learning_rate, log=True),
        "batch_size": trial.suggest_categorical("batch_size", search.batch_size),
        "augmentation": trial.suggest_float("augmentation", *search.augmentation),
    }
    checkpoint = folder / _TRIALS / f"{trial.number}.pt"
    callback = _TrialCallback(trainer, trial, events, len(_finished(study)))
    try:
        network = trainer.train(_parameters(trainer, proposed), checkpoint, callback)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        save_weights(network, trainer.weights, _weights(folder, trial.number))
        study.tell(trial, callback.accuracy)
    checkpoint.unlink(missing_ok=True)
    if (best := _best(study)) is None:
        return
    kept = _weights(folder, best.number)
    for path in kept.parent.glob("*.safetensors"):
        if path != kept:
            path.unlink()


def _emit_trials(study: optuna.Study, trainer: Trainer, events: Events) -> None:
    """Emits the finished trials that were not emitted yet."""
    trials = trainer.specification.trials
    emitted = len(events.past("trial"))
    for index, trial in enumerate(_finished(study)[emitted:], emitted):
        accuracy = max(trial.intermediate_values.items())[1]
        events.emit(
            "trial",
            trial=index,
            trials=trials,
            state=trial.state.name.lower(),
            parameters=trial.params,
            accuracy=round(accuracy, 4),
            progress=round((index + 1) / trials, 4),
        )


class _TrialCallback(Callback):
    """Reports epochs to optuna and emits progress."""

    def __init__(self, trainer: Trainer, trial: Trial, events: Events, finished: int) -> None:
        self.accuracy = 0.0
        self._trainer = trainer
        self._trial = trial
        self._events = events
        self._finished = finished

    def on_step(self, step: int, steps: int, loss: float) -> None:
        trials, epochs = self._trainer.specification.trials, self._trainer.specification.epochs
        if not math.isfinite(loss):
            self._trial.report(0.0, epochs)
            raise optuna.TrialPruned
        self._events.progress((self._finished + step / steps) / trials, loss)

    def on_epoch_end(self, epoch: int, loss: float, network: nn.Module) -> None:
        self.accuracy = self._trainer.validator.accuracy(network, self._trainer.weights)
        self._trial.report(self.accuracy, epoch)
        if epoch < self._trainer.specification.epochs and self._trial.should_prune():
            raise optuna.TrialPruned
