"""Synthesis and training give the same result every time, interrupted or not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from archive_scripts.datasets import SyntheticBatches
from archive_scripts.networks import load_weights, recognition_network, save_weights
from archive_scripts.synthesis import Letterform, synthesise
from archive_scripts.training import TrainingSettings, train
from tests.conftest import reference


@pytest.fixture(scope="module")
def letterforms() -> list[list[Letterform]]:
    return [[Letterform.from_mask(255 - reference(index))] for index in range(36)]


def small_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=4),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1800, 36),
    )


def test_a_sample_is_an_ink_image_as_preprocessing_makes_them(
    letterforms: list[list[Letterform]],
) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        for variants in letterforms:
            ink = synthesise(variants, rng)
            assert ink.shape == (64, 64)
            assert ink.dtype == np.uint8
            rows, columns = np.nonzero(ink >= 100)
            assert max(np.ptp(rows), np.ptp(columns)) >= 50


def test_samples_differ_from_one_another(letterforms: list[list[Letterform]]) -> None:
    rng = np.random.default_rng(0)
    first, second = (synthesise(letterforms[0], rng) for _ in range(2))
    assert np.abs(first.astype(int) - second).mean() > 5


def test_batches_depend_on_their_number_alone(letterforms: list[list[Letterform]]) -> None:
    whole = SyntheticBatches(letterforms, batch_size=4, batches=3)
    rest = SyntheticBatches(letterforms, batch_size=4, batches=3, first=2)
    assert torch.equal(whole[2][0], rest[0][0])
    assert torch.equal(whole[2][1], rest[0][1])
    assert not torch.equal(whole[1][0], whole[2][0])


def test_an_interrupted_training_ends_as_if_it_had_not_been(
    letterforms: list[list[Letterform]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive_scripts.training._CHECKPOINT_STEPS", 3)
    settings = TrainingSettings(images=64, batch_size=8)

    def run(checkpoint: Path) -> nn.Module:
        return train(small_network, letterforms, settings, checkpoint, loaders=0)

    straight = run(tmp_path / "straight.pt")

    replace, saves = os.replace, []

    def crash_after_the_second(source: Path, target: Path) -> None:
        replace(source, target)
        saves.append(target)
        if len(saves) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("archive_scripts.training.os.replace", crash_after_the_second)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "resumed.pt")
    resumed = run(tmp_path / "resumed.pt")
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_checkpoint_of_another_training_is_not_taken_up(
    letterforms: list[list[Letterform]], tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    train(small_network, letterforms, TrainingSettings(images=8, batch_size=8), checkpoint)
    with pytest.raises(ValueError, match="other settings"):
        train(small_network, letterforms, TrainingSettings(images=16, batch_size=8), checkpoint)


def test_weights_survive_being_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = recognition_network().eval()
    save_weights(network, tmp_path / "weights.safetensors")
    assert (tmp_path / "weights.safetensors").stat().st_size < 9_000_000
    loaded = load_weights(recognition_network(), tmp_path / "weights.safetensors")
    image = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(network(image), loaded(image), atol=1e-2)
