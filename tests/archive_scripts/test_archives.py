"""An archive holds everything that its handler needs, and is rebuilt only after a change."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from archive_scripts.__main__ import main
from archive_scripts.archives import building
from archive_scripts.archives.building import ROOT, build_archives
from tests.support.archives import CONFIG, STORE


def workers_of(archive: Path) -> int:
    with zipfile.ZipFile(archive) as members:
        config = yaml.safe_load(members.read(CONFIG))
    assert config["minWorkers"] == config["maxWorkers"]
    workers: int = config["minWorkers"]
    return workers


WORKERS = workers_of(STORE / "ranjana.mar")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archives that `make archives` has built; outdated ones are rebuilt."""
    folder = tmp_path_factory.mktemp("store")
    for path in STORE.glob("*.mar*"):
        shutil.copy(path, folder)
    build_archives(folder, WORKERS)
    return folder


def test_holds_the_model_the_handler_and_its_settings(store: Path) -> None:
    with zipfile.ZipFile(store / "ranjana.mar") as members:
        names = set(members.namelist())
        assert {"model.pt", "recognition.py", "handlers/preprocessing.py"} <= names
        manifest = json.loads(members.read("MAR-INF/MANIFEST.json"))
        config = yaml.safe_load(members.read("model-config.yaml"))
    assert manifest["model"]["modelVersion"] == "1.0"
    assert config["maxBatchDelay"] > 0


@pytest.mark.parametrize("archive", ["ranjana.mar", "digits.mar", "similarity.mar"])
def test_holds_the_model_card_and_the_figures_of_its_weights(store: Path, archive: str) -> None:
    with zipfile.ZipFile(store / archive) as members:
        card = members.read("card.md").decode()
        figures = json.loads(members.read("evaluation.json"))
        manifest = json.loads(members.read("MAR-INF/MANIFEST.json"))
    assert card.startswith("# Model card")
    assert figures["model"] == archive.removesuffix(".mar")
    assert figures["version"] == manifest["model"]["modelVersion"]
    assert "never saw" in figures["data"]
    assert len(figures["confusion"]) == len(figures["per_class"])
    assert figures["roc"]


def test_has_a_checksum_file(store: Path) -> None:
    for archive in ("ranjana.mar", "digits.mar", "similarity.mar"):
        subprocess.run(["sha256sum", "--check", f"{archive}.sha256"], cwd=store, check=True)


def test_the_similarity_archive_holds_the_forms(store: Path) -> None:
    with zipfile.ZipFile(store / "similarity.mar") as members:
        assert {"model.pt", "similarity.py"} <= set(members.namelist())
        forms = json.loads(members.read("forms.json"))
    assert len(forms) == 62
    assert all(own[0]["source"] == "nithya" for own in forms)


@pytest.mark.parametrize("archive", ["ranjana.mar", "digits.mar", "similarity.mar"])
def test_packs_every_module_that_a_packed_module_imports(store: Path, archive: str) -> None:
    with zipfile.ZipFile(store / archive) as members:
        packed = {name for name in members.namelist() if name.endswith(".py")}
        sources = [members.read(name).decode() for name in packed]
    for module in (ROOT / "handlers").glob("*.py"):
        if any(f"from handlers.{module.stem} import" in source for source in sources):
            assert f"handlers/{module.name}" in packed


def test_every_module_that_builds_an_archive_is_an_input() -> None:
    inputs = {path for recipe in building.RECIPES for path in recipe.inputs()}
    for path in [*inputs]:
        if ROOT / "archive_scripts" not in path.parents or path.suffix != ".py":
            continue
        imports = re.findall(r"from (archive_scripts[\w.]*) import \(?\s*(\w+)", path.read_text())
        for package, name in imports:
            module = ROOT / package.replace(".", "/")
            module = module / name if module.is_dir() else module
            assert module.with_suffix(".py") in inputs, (path.name, module)


def test_an_unchanged_archive_is_not_rebuilt(store: Path) -> None:
    before = (store / "ranjana.mar").stat().st_mtime_ns
    assert build_archives(store, WORKERS) == []
    assert (store / "ranjana.mar").stat().st_mtime_ns == before


def test_a_changed_input_or_setting_rebuilds(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(building, "_build", lambda recipe, *_: built.append(recipe.name))
    build_archives(store, WORKERS + 1)
    assert built[0] == "ranjana"
    built.clear()
    (store / "digits.mar.sha256").unlink()
    build_archives(store, WORKERS)
    assert built == ["digits"]
    built.clear()

    read_bytes = Path.read_bytes

    def read_changed(path: Path) -> bytes:
        return read_bytes(path) + (b"#" if path.name == "isolation.py" else b"")

    monkeypatch.setattr(Path, "read_bytes", read_changed)
    build_archives(store, WORKERS)
    assert built == ["ranjana", "digits", "similarity"]


def test_a_damaged_archive_is_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ranjana", "digits", "similarity"):
        (tmp_path / f"{name}.mar").write_bytes(b"half an archive")
    built: list[str] = []
    monkeypatch.setattr(building, "_build", lambda recipe, *_: built.append(recipe.name))
    build_archives(tmp_path, workers=1)
    assert built == ["ranjana", "digits", "similarity"]


def test_a_model_without_weights_is_left_out_or_uses_trained_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (shipped,) = (recipe for recipe in building.RECIPES if recipe.name == "digits")
    without = replace(shipped, weights=tmp_path / "weights" / "digits.safetensors")
    monkeypatch.setattr(building, "RECIPES", (without,))
    command = ["archives", "--store", str(tmp_path), "--workers", "6"]
    assert main(command) == 1
    assert capsys.readouterr().err == f"archives: {without.weights} is missing: put it in place.\n"
    monkeypatch.setenv("TRAIN_MISSING", "true")
    assert main(command) == 0
    assert "left out digits: its weights are missing, and it is not" in capsys.readouterr().out
    other = replace(without, name="ranjana")
    monkeypatch.setattr(building, "RECIPES", (other,))
    assert main(command) == 0
    assert "left out ranjana: its weights are missing and will be trained" in (
        capsys.readouterr().out
    )
    monkeypatch.delenv("TRAIN_MISSING")
    assert main(command) == 1
    assert capsys.readouterr().err.endswith("in place, or set TRAIN_MISSING=true to train it.\n")
    monkeypatch.setattr(building, "RECIPES", (without,))
    assert list(tmp_path.iterdir()) == []
    for source in (shipped.weights, shipped.card, shipped.evaluation):
        (tmp_path / f"digits-1.0{source.suffix}").symlink_to(source)
    assert main(command) == 0
    assert capsys.readouterr().out == f"built {tmp_path / 'digits.mar'}\n"
    assert workers_of(tmp_path / "digits.mar") == 3  # half of six
    assert build_archives(tmp_path, workers=6) == []
