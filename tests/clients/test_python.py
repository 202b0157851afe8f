"""The typed Python client is generated from the description of the API, and works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from clients.python import generate
from tests.support.apis import Api

pytestmark = pytest.mark.database("sqlite")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package."""
    folder = tmp_path_factory.mktemp("client") / "ranjana-client"
    # The generator names what it cannot describe. There is nothing of that kind.
    assert generate(folder).split() == ["Generating", str(folder)]
    return folder


@pytest.fixture(scope="module")
def example(package: Path) -> Path:
    """The program of the guide, in a file."""
    page = (ROOT / "docs" / "apps.md").read_text()
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert block
    file = package.parent / "example.py"
    file.write_text(block[1])
    return file


def test_the_program_of_the_guide_signs_up_predicts_compares_and_lists_the_history(
    api: Api, package: Path, example: Path
) -> None:
    text = example.read_text().replace("http://localhost:8000", f"http://127.0.0.1:{api.port}")
    text = text.replace('"asha', '"asha.of.python')
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    read, compared, refused, history = done.stdout.splitlines()
    assert re.fullmatch(r"ड \d\d\.\d+", read)
    assert int(compared.split()[0]) >= 90
    assert refused.startswith("image_missing There is no image: ")
    assert history == f"['ड'] [{compared.split()[0]}]"


def test_the_program_of_the_guide_has_types(package: Path, example: Path) -> None:
    wrong = example.with_name("wrong.py")
    wrong.write_text(example.read_text().replace('characters="all"', 'characters="vowels"'))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", example, wrong],
        cwd=example.parent,
        env={**os.environ, "MYPYPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    (error, summary) = done.stdout.splitlines()
    assert error.startswith("wrong.py")
    assert '"characters"' in error
    assert "Found 1 error in 1 file" in summary
