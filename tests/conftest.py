"""What unit, service and browser tests share: pictures to send, and where real ones are."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from archive_scripts.archives.building import ROOT
from tests.archives import ONE_WORKER, STORE, configured, derive
from tests.service.running import Launch, Ranjana

SHARED_DATA = ROOT.parent / "shared" / "data"
REFERENCES = ROOT / "reference_images"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="all faults, as `make faults` has them")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real handwriting, which is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs real handwriting in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def ranjana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranjana]:
    """One running service for all service and browser tests."""
    running = Ranjana(tmp_path_factory.mktemp("service"))
    try:
        running.wait_until_ready()
        yield running
        if not running.ended:
            running.stop()
    finally:
        running.kill()


# What takes minutes comes first, so that nobody waits for it at the end.
_LONGEST = (
    *("test_processes", "test_training", "test_releases", "test_outages", "test_openapi"),
    *("test_jobs", "test_recovery", "test_missing_models", "test_clean_up", "test_command_line"),
    *("test_launcher", "test_history", "test_access", "test_improvement", "test_archives"),
    *("test_digits", "test_operators", "test_corrections"),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the files of tests by how long they take."""
    ranks = {name: rank for rank, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what a running service logged of trouble beside the failure of its test."""
    report = yield
    running = getattr(item, "funcargs", {}).get("ranjana")
    if report.failed and running:
        lines = running.log.read_text().splitlines()
        trouble = [line for line in lines if '"level":"info"' not in line]
        report.sections.append(("the service's log", "\n".join(trouble[-20:])))
    return report


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with one model that has one worker."""
    store, archive = tmp_path_factory.mktemp("store"), STORE / "ranjana.mar"
    derive(archive, store / archive.name, "1.0", members=configured(archive, **ONE_WORKER))
    return store


@pytest.fixture
def launch(small_store: Path) -> Iterator[Launch]:
    """Starts further instances, of one model with one worker unless something else is said, and
    clears up after a test that failed.
    """
    started: list[Ranjana] = []
    small = {"MODELS": "ranjana", "MODEL_STORE": str(small_store)}

    def start(folder: Path, environment: Mapping[str, str] | None = None) -> Ranjana:
        started.append(Ranjana(folder, {**small, **(environment or {})}))
        return started[-1]

    yield start
    for running in started:
        running.kill()


def encode(
    picture: npt.NDArray[np.uint8] | Image.Image, kind: str = "PNG", **options: object
) -> bytes:
    """Encodes a picture with Pillow; `options` are those of its writer."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def reference(index: int) -> npt.NDArray[np.uint8]:
    """The reference picture of a class: 256x256, black ink on white."""
    return np.asarray(Image.open(REFERENCES / f"class_{index}.png"))
