"""A model without weights is trained while the service runs, and then served."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from tests.support.pictures import encode, reference
from tests.support.refusals import refusals
from tests.support.running import START_SECONDS, Launch, Ranjana, wait_for

# The smallest training that is possible.
SMALL = {
    "TRAIN_MISSING_EPOCHS": "2",
    "TRAIN_MISSING_IMAGES": "128",
    "TRAIN_MISSING_NETWORK": "small",
}


@pytest.mark.thorough
def test_a_missing_model_is_trained_and_the_others_are_served_meanwhile(
    launch: Launch, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    os.symlink(ROOT / "model_store" / "similarity.mar", store / "similarity.mar")
    environment = {
        "MODELS": "ranjana,similarity,digits",
        "MODEL_STORE": str(store),
        "TRAIN_MISSING": "true",
        **SMALL,
    }
    image = encode(reference(9))
    killed = launch(tmp_path, environment)
    require_not_ready(killed)
    compared = killed.client.post(
        "/api/similarity/", files={"image": image}, data={"target_class": "9"}
    )
    assert compared.json()["is_same_character"] is True
    refused = killed.predict(image)
    assert (refused.status_code, refused.json()["code"]) == (503, "model_training")
    assert any(row.fits(refused) for row in refusals())  # as docs/troubleshooting.md says
    assert refused.headers["Retry-After"] == "30"
    assert 0 <= refused.json()["details"]["progress"] < 1
    digits = killed.predict(image, model="digits")
    assert (digits.status_code, digits.json()["code"]) == (503, "model_missing")
    assert "without pictures of digits" in digits.json()["error"]
    ready = killed.client.get("/ready")
    assert ready.status_code == 503
    states = ready.json()["details"]["models"]
    assert states["similarity"] == "ready"
    assert states["ranjana"].startswith("The model ranjana is being trained")

    def progress() -> float:
        answer = killed.predict(image).json()
        assert answer["code"] == "model_training"
        found: float = answer["details"]["progress"]
        return found

    wait_for(lambda: progress() > 0, 300)
    killed.stop(signal.SIGKILL)
    # The next launcher resumes the training.
    again = launch(tmp_path / "again", {**environment, "DATA_DIR": str(tmp_path / "data")})
    require_not_ready(again)
    wait_for(lambda: again.predict(image).status_code == 200, 300)
    assert again.predict(image).json()["model"] == {"name": "ranjana", "version": "1.0"}
    # Digits are still missing.
    wait_for(
        lambda: again.client.get("/ready").json()["details"]["models"]["ranjana"] == "ready", 10
    )
    wait_for(lambda: not (tmp_path / "data" / "training" / "missing-ranjana").exists(), 10)
    assert {path.name for path in store.iterdir()} == {
        "similarity.mar",
        "ranjana.mar",
        "ranjana.mar.sha256",
        "ranjana-1.0.safetensors",
        "ranjana-1.0.md",
        "ranjana-1.0.json",
    }
    # Without digits it never gets ready. It says again what is missing once that is less.
    wait_for(lambda: len(waiting(again)) == 2, 30)
    assert "digits" in waiting(again)[1]
    assert "ranjana" not in waiting(again)[1].partition("not ready.")[2]
    assert not again.ready
    assert "the model digits is missing" in again.log.read_text()


def require_not_ready(running: Ranjana) -> None:
    """Waits until it says that it answers, and what is missing."""
    wait_for(lambda: bool(waiting(running)) or running.ended, START_SECONDS)
    (line,) = waiting(running)
    assert "The model ranjana is being trained: " in line
    assert "The model digits is missing. It cannot be trained" in line
    assert "similarity" not in line
    assert not running.ready


def waiting(running: Ranjana) -> list[str]:
    lines = running.log.read_text().splitlines()
    return [line for line in lines if line.startswith("Ranjana answers at ")]
