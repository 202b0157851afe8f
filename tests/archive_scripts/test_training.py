"""Training is deterministic, also after an interruption, and lowers the loss."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from archive_scripts.__main__ import main
from archive_scripts.synthesis.tensors import reference_tensors, to_tensor
from archive_scripts.training.datasets import (
    NEGATIVE,
    Material,
    SyntheticBatches,
    load_material,
)
from archive_scripts.training.loop import Callback, TrainingSettings, train
from archive_scripts.training.networks import (
    NETWORKS,
    OUTPUTS,
    Weights,
    describe_weights,
    halves,
    load_network,
    save_weights,
    start_from,
)
from archive_scripts.training.objectives import Verify, recognise, recognise_or_none
from archive_scripts.training.parallel import TrainingProcess
from handlers.distance import THRESHOLD
from tests.support.pictures import REFERENCES


@pytest.fixture(scope="module")
def material() -> Material:
    return load_material()


def tiny_network(outputs: int = OUTPUTS["recognition"]) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=4),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(1800, outputs),
    )


class Recorder(Callback):
    """Records the progress of a training."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.epochs: list[tuple[int, float]] = []

    def on_step(self, step: int, steps: int, loss: float) -> None:
        self.steps.append(step)

    def on_epoch_end(self, epoch: int, loss: float, network: nn.Module) -> None:
        self.epochs.append((epoch, loss))


def test_a_batch_depends_only_on_its_number(material: Material) -> None:
    whole = SyntheticBatches(material, batch_size=4, batches=3)
    rest = SyntheticBatches(material, batch_size=4, batches=3, first=2)
    assert np.array_equal(whole[2][0], rest[0][0])
    assert np.array_equal(whole[2][1], rest[0][1])
    assert not np.array_equal(whole[1][0], whole[2][0])


@pytest.mark.timeout(60)
def test_a_temporary_folder_whose_path_is_too_long_for_a_socket_is_enough(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    monkeypatch.setattr("multiprocessing.util.get_temp_dir", lambda: str(long))
    settings = TrainingSettings(images=16, batch_size=8)
    recorder = Recorder()
    train(tiny_network, recognise_or_none, material, settings, tmp_path / "c.pt", callback=recorder)
    assert recorder.steps == [1, 2]


def test_an_interrupted_training_has_the_same_result(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive_scripts.training.loop._CHECKPOINT_SECONDS", 0)
    settings = TrainingSettings(images=64, batch_size=8, epochs=4)

    def run(checkpoint: Path) -> tuple[nn.Module, Recorder]:
        recorder = Recorder()
        network = train(
            tiny_network,
            recognise_or_none,
            material,
            settings,
            checkpoint,
            loaders=0,
            callback=recorder,
        )
        return network, recorder

    uninterrupted, whole = run(tmp_path / "straight.pt")
    assert [epoch for epoch, _ in whole.epochs] == [1, 2, 3, 4]
    assert whole.steps == [1, 2, 3, 4, 5, 6, 7, 8]

    replace, saves = os.replace, []

    def crash_after_the_second(source: Path, target: Path) -> None:
        replace(source, target)
        saves.append(target)
        if len(saves) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("archive_scripts.training.loop.os.replace", crash_after_the_second)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "resumed.pt")
    resumed, rest = run(tmp_path / "resumed.pt")
    # The crash came after the checkpoint of the first epoch, before its callback.
    assert rest.epochs == whole.epochs
    assert rest.steps == [3, 4, 5, 6, 7, 8]
    for name, value in uninterrupted.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_checkpoint_of_another_training_is_refused(material: Material, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    train(
        tiny_network,
        recognise_or_none,
        material,
        TrainingSettings(images=8, batch_size=8),
        checkpoint,
    )
    for other in (
        TrainingSettings(images=16, batch_size=8),
        TrainingSettings(images=8, batch_size=8, data="another font"),
    ):
        with pytest.raises(ValueError, match="other settings"):
            train(tiny_network, recognise_or_none, material, other, checkpoint)


def test_negatives_are_trained_towards_the_uniform_distribution() -> None:
    labels = torch.tensor([3, NEGATIVE])
    certain = torch.full((2, 10), -20.0)
    certain[:, 3] = 20
    undecided = certain.clone()
    undecided[1] = 0

    def loss(logits: torch.Tensor) -> float:
        return float(recognise(lambda _: logits, torch.zeros(2, 1, 64, 64), labels))

    assert loss(undecided) < loss(certain) / 2


def test_negatives_of_characters_have_a_class_of_their_own() -> None:
    logits = torch.full((2, OUTPUTS["recognition"]), -20.0)
    logits[0, 50] = logits[1, 62] = 20
    labels = torch.tensor([50, NEGATIVE])
    images = torch.zeros(2, 1, 64, 64)
    right = float(recognise_or_none(lambda _: logits, images, labels))
    wrong = float(recognise_or_none(lambda _: logits.flip(0), images, labels))
    assert right < wrong / 5


def test_a_form_that_two_characters_share_is_no_sure_one() -> None:
    labels = torch.tensor([40])

    def loss(share: float) -> float:
        chances = torch.full((1, OUTPUTS["recognition"]), 0.0005)
        chances[0, 40], chances[0, 12] = 0.97 - share, share
        found = recognise_or_none(lambda _: chances.log(), torch.zeros(1, 1, 64, 64), labels)
        return float(found)

    assert loss(0.1) < loss(0.001)
    assert loss(0.1) < loss(0.4)


def test_verification_prefers_distances_on_the_right_side_of_the_threshold() -> None:
    """The embeddings are directions in a plane."""
    references = torch.zeros(2, 1, 64, 64)

    def loss(distance_to_own: float) -> float:
        angle = 2 * torch.asin(torch.tensor(distance_to_own / 2))
        image = torch.stack([torch.cos(angle), torch.sin(angle)])
        both = torch.stack([image, torch.tensor([1.0, 0]), torch.tensor([-1.0, 0])])
        verify = Verify(references)
        return float(verify(lambda _: both, torch.zeros(1, 1, 64, 64), torch.tensor([0])))

    near, edge, far = loss(0.1), loss(THRESHOLD), loss(1.0)
    assert near < 0.1 < edge < far


@pytest.mark.parametrize("objective", ["recognise", "verify"])
def test_a_short_training_lowers_the_loss_on_other_images(
    objective: str, material: Material, tmp_path: Path
) -> None:
    towards = (
        recognise_or_none if objective == "recognise" else Verify(reference_tensors(REFERENCES))
    )
    drawn, classes = SyntheticBatches(material, batch_size=64, batches=1, seed=99)[0]
    images, labels = to_tensor(drawn), torch.from_numpy(classes)
    torch.manual_seed(0)
    with torch.inference_mode():
        untrained = towards(tiny_network().eval(), images, labels).item()
    settings = TrainingSettings(images=512, batch_size=16, learning_rate=5e-3)
    network = train(
        tiny_network, towards, material, settings, tmp_path / "checkpoint.pt", loaders=0
    )
    with torch.inference_mode():
        assert towards(network, images, labels).item() < 0.93 * untrained


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_survive_being_saved(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name](36).eval()
    path = tmp_path / "weights.safetensors"
    save_weights(network, Weights(name, 36, 1.25), path)
    assert path.stat().st_size < 9_000_000
    assert describe_weights(path) == Weights(name, 36, 1.25)
    loaded = load_network(path)
    side, maps = (28, 7) if name == "digits" else (64, 8)
    image = torch.rand(1, 1, side, side)
    with torch.inference_mode():
        assert torch.allclose(network(image), loaded(image), atol=1e-2)
        early, late = halves(loaded)
        assert early(image).shape[2:] == (maps, maps)
        assert torch.allclose(late(early(image)), loaded(image), atol=1e-4)


def test_a_network_starts_from_the_weights_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(NETWORKS["small"](36), Weights("small", 36), path)
    network = NETWORKS["small"](128)
    start_from(network, path)
    assert torch.allclose(network[0][0].weight, load_network(path)[0][0].weight, atol=1e-3)
    with pytest.raises(ValueError, match="nothing in common"):
        start_from(tiny_network(), path)


def test_weights_without_metadata_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(1)}, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="network"):
        describe_weights(tmp_path / "weights.safetensors")


def test_processes_draw_different_parts_of_a_batch(material: Material) -> None:
    alone = SyntheticBatches(material, batch_size=8, batches=1)[0][0]
    parts = [SyntheticBatches(material, batch_size=4, batches=1, part=part) for part in (0, 1)]
    assert np.array_equal(alone[:4], parts[0][0][0])
    assert not np.array_equal(parts[0][0][0], parts[1][0][0])
    with pytest.raises(ValueError, match="cannot share"):
        TrainingProcess(processes=3).images_per_batch(128)


@pytest.mark.parametrize("option", ["--checkpoint", "--output"])
def test_a_training_that_could_not_be_kept_does_not_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    paths = {"--checkpoint": tmp_path / "c.pt", "--output": tmp_path / "w.safetensors"}
    paths[option] = tmp_path / "file" / "x"
    options = [str(each) for pair in paths.items() for each in pair]
    assert main(["train", "recognition", "--images", "1", *options]) == 1
    printed = capsys.readouterr()
    assert str(tmp_path / "file") in printed.err
    assert printed.out == ""
    assert not (tmp_path / "c.pt").exists()
