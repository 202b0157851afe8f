"""`make` finds a usable Python; the pins are for all Pythons that the README names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT

MAKE = shutil.which("make") or "make"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, and `bin` for what is installed."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def install(checkout: Path, name: str, script: str) -> None:
    program = checkout / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def set_up(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the step that makes `.venv`."""
    return subprocess.run(
        [MAKE, ".venv/.python", *arguments],
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "HOME": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


OLD = 'case "$*" in *version_info*) exit 1;; esac; echo Python 3.9.2'
THIS = f'exec "{sys.executable}" "$@"'
NONE = "PYTHON=python3.9 missing-python"


@pytest.mark.thorough
def test_make_takes_the_first_usable_python_and_says_which(checkout: Path) -> None:
    install(checkout, "python3", OLD)
    install(checkout, "python3.13", 'echo "no module named ensurepip" >&2; exit 1')
    install(checkout, "python3.14", THIS)
    done = set_up(checkout)
    assert done.returncode == 0, done.stderr
    assert f"Setting up .venv with Python {sys.version.split()[0]} " in done.stdout
    assert (checkout / ".venv/bin/python").exists()
    assert "up to date" in set_up(checkout).stdout
    # An upgrade of the system removes the Python of .venv.
    (checkout / ".venv/bin/python").unlink()
    assert "cannot be used any more" in set_up(checkout, NONE).stdout
    assert not (checkout / ".venv").exists()


def test_without_a_usable_python_make_says_what_to_install(checkout: Path) -> None:
    install(checkout, "python3.9", OLD)
    done = set_up(checkout, NONE)
    assert done.returncode == 2
    assert "Python 3.11, 3.12, 3.13 or 3.14 with its venv module is needed" in done.stderr
    assert "apt install python3 python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_readme_makefile_and_project_name_the_same_pythons() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.15"
    assert f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}" in readme
    assert f"for python in {' '.join(PYTHONS)};" in makefile
    assert set(re.findall(r"python(3\.\d+)", makefile)) == set(PYTHONS)


@pytest.mark.parametrize(
    ("said", "status", "answer"),
    [
        ("No known vulnerabilities found", 0, "There are none."),
        ("Found 1 known vulnerability in 1 package\nstarlette 1.0 CVE-2030-1", 1, "CVE-2030-1"),
        ("Name Skip Reason\nstarlette could not be audited", 0, "for 1 pins"),
        ("error: no route to host", 2, "no route to host"),
    ],
)
def test_known_vulnerabilities_are_a_warning(
    checkout: Path, said: str, status: int, answer: str
) -> None:
    (checkout / "requirements").mkdir()
    (checkout / "requirements" / "api.txt").write_text("starlette==1.0 \\\n    --hash=sha256:0\n")
    installed = checkout / ".venv" / "bin"
    installed.mkdir(parents=True)
    (installed / "python").symlink_to(sys.executable)
    (installed / "uv").write_text(f"#!/bin/sh\ncat .venv/pins\nprintf '{said}\\n'\nexit {status}\n")
    (installed / "uv").chmod(0o755)
    # `--old-file`: as if everything was installed.
    command = [MAKE, "audit", "--old-file", ".venv/.dev"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 pins" in done.stdout
    assert answer in done.stdout
    assert ("Warning: " in done.stdout) is (answer != "There are none.")


def test_every_pin_has_a_hash_and_every_named_package_a_pin() -> None:
    requirements = ROOT / "requirements"
    for names in requirements.glob("*.in"):
        pins = names.with_suffix(".txt").read_text()
        locked = re.findall(r"^([\w.-]+)==\S+.*\\\n    --hash=sha256:", pins, re.MULTILINE)
        assert len(locked) == len(re.findall(r"^[^\s#]", pins, re.MULTILINE))
        wanted = re.findall(r"^\w[\w.-]*", names.read_text(), re.MULTILINE)
        assert {_normal(name) for name in wanted} <= {_normal(name) for name in locked}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
