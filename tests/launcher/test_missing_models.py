"""A failed training of one missing model does not stop the others."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from launcher import missing_models
from launcher.missing_models import MissingTrainer
from launcher.model_server import ModelServer
from launcher.settings import LauncherSettings


def test_a_failed_training_is_reported_and_the_next_model_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = LauncherSettings.model_validate(
        {
            "models": ("ranjana", "similarity"),
            "train_missing": True,
            "model_store": tmp_path,
            "data_dir": tmp_path / "data",
        }
    )
    (tmp_path / "half.mar").write_bytes(b"half an archive")

    async def improve(folder: Path, *_: Any) -> dict[str, str]:
        return {"archive": "half.mar", "sha256": "0" * 64}

    monkeypatch.setattr(missing_models, "improve", improve)

    async def train() -> None:
        async with ModelServer(settings) as model_server:
            trainer = MissingTrainer(settings, model_server)
            trainer.prepare()
            await trainer.train()

    asyncio.run(train())
    for model in settings.models:
        events = tmp_path / "data" / "training" / f"missing-{model}" / "events.jsonl"
        (event,) = map(json.loads, events.read_text().splitlines())
        assert event["message"].startswith("Its training failed: ")
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.exc_info is None for record in errors] == [False, False]
