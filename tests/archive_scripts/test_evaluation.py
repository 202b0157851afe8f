"""The figures of evaluations, on predictions with known figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from archive_scripts.__main__ import main
from archive_scripts.evaluation.curves import area, curve, points
from archive_scripts.evaluation.figures import read_figures
from archive_scripts.evaluation.negatives import NegativeEvaluation, evaluate_negatives
from archive_scripts.evaluation.recognition import (
    Evaluation,
    fit_temperature,
    outputs,
    probabilities,
)
from archive_scripts.evaluation.verification import Verification, fit_scale, verify
from archive_scripts.training.labelled import (
    LabelledInkImages,
    labelled_pictures,
    load_ink_images,
    within,
)
from archive_scripts.training.networks import (
    NETWORKS,
    OUTPUTS,
    Weights,
    describe_weights,
    load_network,
    save_weights,
)
from handlers.characters import CHARACTERS, CONSONANTS
from tests.support.pictures import encode, reference

CLASSES = len(CHARACTERS)


def evaluation() -> Evaluation:
    """Four pictures: two hits (1.0, 0.75), a mistake with the true class second, a refusal."""
    labels = np.array([0, 1, 2, 3])
    found = np.zeros((4, CLASSES))
    found[0, 0] = 1.0
    found[1, [1, 5]] = 0.75, 0.25
    found[2, [0, 2]] = 0.55, 0.45
    return Evaluation(labels, found)


def test_shares_count_refused_pictures_as_misses() -> None:
    assert evaluation().top(1) == 0.5
    assert evaluation().top(3) == 0.75
    assert evaluation().mistakes() == [(2, 0), (3, -1)]
    assert Evaluation(np.array([0]), np.zeros((1, CLASSES))).top(3) == 0


def test_precision_recall_and_f1_of_a_class() -> None:
    rows = evaluation().per_class()
    assert rows[0]["precision"] == 0.5
    assert rows[0]["recall"] == 1.0
    assert rows[0]["f1"] == pytest.approx(2 / 3, abs=1e-4)
    assert (rows[2]["recall"], rows[2]["pictures"]) == (0.0, 1)
    assert evaluation().confusion()[2, 0] == 1


def test_the_calibration_error_weighs_each_interval_by_its_pictures() -> None:
    # 1.0 and 0.75 are right, 0.55 is wrong, and a refusal has no confidence.
    assert evaluation().calibration_error() == pytest.approx((0 + 0.25 + 0.55) / 4)


def test_an_answer_is_a_character_even_if_the_ink_is_likelier_none() -> None:
    """The last of 63 outputs, which is that of none, is neither an answer nor a confidence."""
    shares = torch.full((2, 63), 1e-9, dtype=torch.float64)
    shares[0, [40, 62]] = torch.tensor([0.3, 0.7], dtype=torch.float64)
    shares[1, [61, 62]] = torch.tensor([0.9, 0.1], dtype=torch.float64)
    blank = np.zeros((64, 64), np.uint8)
    data = LabelledInkImages([blank] * 2, np.array([40, 60]))
    found = probabilities(Fixed(1, shares.log()), 1.0, data)
    evaluation = Evaluation(data.labels, found)
    assert evaluation.mistakes() == [(60, 61)]
    assert (evaluation.top(1), evaluation.confusion()[40, 40]) == (0.5, 1)
    assert evaluation.calibration_error() == pytest.approx((0.7 + 0.9) / 2)
    assert len(evaluation.as_json()["per_class"]) == 62


class Fixed(nn.Module):
    """A network whose logits are `sharpness` times those of a perfectly calibrated one."""

    def __init__(self, sharpness: float, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = sharpness * logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        count = len(images)
        found, self.logits = self.logits[:count], self.logits.roll(-count, 0)
        return found


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_over_and_under_confidence(sharpness: float) -> None:
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(0, 2, (2560, CLASSES)))
    chances = torch.softmax(logits, dim=1).numpy()
    labels = np.array([rng.choice(CLASSES, p=row / row.sum()) for row in chances])
    ink = np.zeros((64, 64), np.uint8)
    data = LabelledInkImages([ink] * 2560, labels)
    found = fit_temperature(Fixed(sharpness, logits), data)
    assert found == pytest.approx(sharpness, rel=0.08)
    calibrated = Evaluation(labels, probabilities(Fixed(sharpness, logits), found, data))
    assert calibrated.calibration_error() < 0.03


def test_refused_pictures_get_no_probability() -> None:
    data = LabelledInkImages([None, np.zeros((64, 64), np.uint8)], np.array([1, 2]))
    found = probabilities(NETWORKS["small"](OUTPUTS["recognition"]).eval(), 1.0, data)
    assert found.shape == (2, CLASSES)
    assert found[0].sum() == 0
    # The rest is that of none of the characters.
    assert 0 < found[1].sum() < 1


def test_verification_at_the_threshold() -> None:
    distances = np.array([[0.1, 1.0, 0.4], [0.9, 0.5, 1.2]])
    found = Verification(np.array([0, 1]), distances)
    assert found.same() == 0.5
    assert found.different() == 0.75
    assert found.accuracy() == 0.625
    assert found.nearest() == 1.0
    # The pairs in order: same 0.1, different 0.4, same 0.5, then three different ones.
    assert found.area() == pytest.approx((4 + 3) / 8)
    assert 0.5 < found.best_threshold() < 0.9
    assert found.confusion().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    rows = [(row["same"], row["different"], row["pictures"]) for row in found.per_class()]
    assert rows == [(1.0, 0.5, 1), (0.0, 1.0, 1), (None, None, 0)]
    assert sum(found.histogram()["different"]) == 4
    apart = Verification(np.array([0, 1]), np.array([[0.2, 1.0], [0.8, 0.3]]))
    assert apart.best_threshold() == pytest.approx(0.55, abs=0.01)


def test_a_refused_picture_is_far_from_every_reference() -> None:
    network = NETWORKS["small"](127).eval()
    references = torch.rand(CLASSES, 1, 64, 64)
    ink = (references[0, 0].numpy() * 255).astype(np.uint8)
    data = LabelledInkImages([ink, None], np.array([0, 1]))
    found = verify(network, references, 1.0, data)
    assert found.distances[0, 0] < 0.01
    assert (found.distances[1] == 2).all()
    nearer = verify(network, references, 0.5, data)
    assert np.allclose(nearer.distances[0], found.distances[0] / 2, atol=1e-3)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(CLASSES):
        (folder / f"class_{index}.png").write_bytes(encode(255 - reference(index)))
    return folder


@pytest.mark.parametrize(
    ("model", "size"), [("recognition", OUTPUTS["recognition"]), ("similarity", 127)]
)
@pytest.mark.thorough("similarity")
def test_the_command_writes_figures_and_charts(
    model: str, size: int, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights.safetensors"
    save_weights(NETWORKS["small"](size), Weights("small", size), weights)
    output = tmp_path / "card" / "figures"
    arguments = ["evaluate", model, str(pictures), "--weights", str(weights)]
    assert main([*arguments, "--output", str(output), "--data", "Never seen."]) == 0
    assert f"pictures: {CLASSES} pictures" in capsys.readouterr().out
    figures = read_figures(output.with_suffix(".json"))
    assert figures["pictures"] == CLASSES
    assert (figures["version"], figures["data"]) == ("1.0", "Never seen.")
    for chart in ("confusion-matrix", "roc-curve", "metrics"):
        with Image.open(output.with_name(f"figures-{chart}.png")) as picture:
            assert picture.width >= 800
    again = tmp_path / "again.png"
    assert main(["chart", "metrics", str(output.with_suffix(".json")), str(again)]) == 0
    assert again.read_bytes() == output.with_name("figures-metrics.png").read_bytes()
    (tmp_path / "other.json").write_text("{}")
    assert main(["chart", "metrics", str(tmp_path / "other.json"), str(again)]) == 1
    assert "no figures" in capsys.readouterr().err


def test_every_class_is_named_and_counted_in_the_charts() -> None:
    # Matplotlib takes a second to import.
    from archive_scripts.evaluation.charts import confusion_matrix, metrics

    figures = evaluation().as_json()
    (matrix,) = confusion_matrix(figures).axes
    assert [label.get_text() for label in matrix.get_yticklabels()][:2] == ["0 ka", "1 kha"]
    written = {(*text.get_position(), text.get_text()) for text in matrix.texts}
    assert written == {(0, 0, "1"), (1, 1, "1"), (0, 2, "1")}
    bars, calibration = metrics(figures).axes
    assert len(bars.patches) == 3 * CLASSES
    assert sum(int(text.get_text()) for text in calibration.texts) == 3


def test_the_area_is_the_chance_that_a_positive_ranks_above_a_negative() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.3, 0.1])
    positive = np.array([True, False, True, True, False])
    found = curve(scores, positive)
    # Four of the six pairs of a positive and a negative are in order, one is a tie.
    assert area(found) == pytest.approx((2 + 1.5 + 1) / 6)
    assert points(found)[0] == [0, 0]
    assert points(found)[-1] == [1, 1]
    with pytest.raises(ValueError, match="negatives"):
        curve(scores, np.ones(5, bool))


def test_the_curve_of_many_is_thinned_and_keeps_its_area() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(5000) < 0.3
    found = curve(rng.normal(positive, 1), positive)
    thin = np.array(points(found))
    assert 50 < len(thin) <= 60
    assert np.trapezoid(thin[:, 1], thin[:, 0]) == pytest.approx(area(found), abs=0.005)
    assert area(found) == pytest.approx(0.76, abs=0.02)


def test_classes_without_pictures_have_no_curve_and_are_not_in_the_average() -> None:
    roc = evaluation().as_json()["roc"]
    areas = {row["class"]: row["auc"] for row in roc["classes"]}
    # The refused picture ranks with all pictures of probability 0.
    assert [areas[index] for index in range(4)] == [1, 1, 1, 0.5]
    assert areas[4] is None
    assert roc["macro"]["auc"] == pytest.approx(3.5 / 4)


def test_calibration_writes_the_temperature_to_the_weights(pictures: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    network = NETWORKS["small"](OUTPUTS["recognition"]).eval()
    save_weights(network, Weights("small", OUTPUTS["recognition"]), weights)
    before = outputs(network, load_ink_images([pictures]).readable())
    arguments = [str(pictures), "--weights", str(weights)]
    assert main(["calibrate", "recognition", *arguments]) == 0
    assert describe_weights(weights).temperature != 1
    after = outputs(load_network(weights), load_ink_images([pictures]).readable())
    assert torch.allclose(before, after, atol=1e-2)


def test_a_part_of_the_pictures_and_of_the_characters_is_measured(tmp_path: Path) -> None:
    for index in (0, 40):
        (tmp_path / str(index)).mkdir()
        for number in range(10):
            (tmp_path / str(index) / f"{number}.png").write_bytes(encode(reference(index)))
    every = labelled_pictures(tmp_path)
    part, rest = within(every, [(0.2, 0.4), (0.9, 1)])
    assert [path.stem for path, _ in part] == ["2", "3", "9"] * 2
    assert sorted(part + rest) == every
    assert load_ink_images([tmp_path], blocks=[(0.2, 0.5)]).labels.tolist() == [0] * 3 + [40] * 3
    assert load_ink_images([tmp_path], characters=CONSONANTS).labels.tolist() == [0] * 10


@pytest.mark.parametrize("tables", [False, True])
def test_photographs_are_the_same_every_time(tmp_path: Path, tables: bool) -> None:
    for index in range(6):
        picture = reference(index) if index % 2 else 255 - reference(index)
        (tmp_path / f"class_{index}.png").write_bytes(encode(picture))
    first, second = (load_ink_images([tmp_path], 2, tables) for _ in range(2))
    assert len(first.labels) == 12
    assert len(first.readable()) == 12
    assert not np.array_equal(first.readable()[0], first.readable()[1])
    for one, other in zip(first.images, second.images, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert other is not None
            assert np.array_equal(one, other)


def test_a_network_that_is_sure_of_none_is_not_sure_of_a_character() -> None:
    logits = torch.zeros(1, 63)
    logits[0, 62] = 20
    blank = np.zeros((64, 64), np.uint8)
    found = evaluate_negatives(Fixed(1, logits), 1.0, [blank], CHARACTERS)
    assert found.share_above(0.5) == 0


def test_confidence_on_pictures_that_show_no_character(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert NegativeEvaluation(1, np.array([0.9, 0.6, 0.1])).share_above(0.5) == 0.5
    folder = tmp_path / "faces"
    (folder / "below").mkdir(parents=True)
    blank = np.full((64, 64), 255, np.uint8)
    (folder / "blank.png").write_bytes(encode(blank))
    (folder / "below" / "character.png").write_bytes(encode(reference(3)))
    weights = tmp_path / "weights.safetensors"
    save_weights(
        NETWORKS["small"](OUTPUTS["recognition"]), Weights("small", OUTPUTS["recognition"]), weights
    )
    assert main(["evaluate", "impostors", str(folder), "--weights", str(weights)]) == 0
    expected = "faces: 2 pictures, 1 refused, 0.000 above 50%, 0.000 above 80%"
    assert capsys.readouterr().out.strip() == expected
    arguments = ["evaluate", "impostors", str(folder), "--weights", str(weights), "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["folders"]["faces"]
    assert found == {"pictures": 2, "refused": 1, "above_half": 0, "above_four_fifths": 0}
    assert main(["evaluate", "impostors", str(tmp_path / "none"), "--weights", str(weights)]) == 1


def test_the_scale_moves_the_best_threshold_to_045(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NETWORKS["small"](127).eval()
    with torch.no_grad():
        network[-1].bias.zero_()
        network[-1].weight.normal_(0, 1)
    references = torch.rand(CLASSES, 1, 64, 64) * torch.rand(CLASSES, 1, 1, 1)
    references[:, :, ::2] *= torch.randint(0, 2, (CLASSES, 1, 1, 64))
    inks = [(ink[0].numpy() * 255).astype(np.uint8) for ink in references]
    data = LabelledInkImages(list(inks), np.arange(CLASSES))
    scale = fit_scale(network, references, data)
    unscaled = verify(network, references, 1.0, data).best_threshold()
    assert scale == pytest.approx(min(1.0, 0.45 / unscaled))
    assert verify(network, references, scale, data).best_threshold() <= max(0.46, unscaled)


def test_calibration_writes_the_scale_to_the_weights(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights.safetensors"
    save_weights(NETWORKS["small"](127), Weights("small", 127, scale=0.5), weights)
    arguments = ["calibrate", "similarity", str(pictures), "--weights", str(weights), "--json"]
    assert main(arguments) == 0
    answered = json.loads(capsys.readouterr().out)
    assert answered == {"scale": describe_weights(weights).scale, "weights": str(weights)}
    assert answered["scale"] != 0.5
