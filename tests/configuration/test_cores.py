"""The number of cores is that of the container, not of its machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from auth_api.configuration.cores import usable_cores
from auth_api.observability.process_metrics import memory_limit

# Control groups of version 1, which need no set-up. Version 2 shares its files with this test.
_CPU = Path("/sys/fs/cgroup/cpu")
_CORES = len(os.sched_getaffinity(0))


def groups(folder: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A made-up folder of control groups, and the file that says which are this process's."""
    for name, content in files.items():
        file = folder / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (folder / "membership").write_text(membership)
    return folder / "cgroup", folder / "membership"


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000\n", _CORES), ("100000 100000\n", 1), ("20000 100000\n", 1), ("", _CORES)],
)
def test_the_quota_of_a_container_limits_the_cores(tmp_path: Path, quota: str, cores: int) -> None:
    found = usable_cores(*groups(tmp_path, "0::/\n", {"cpu.max": quota}))
    assert found == cores


@pytest.mark.parametrize(
    "files",
    [{"pods/a/cpu.max": "50000 100000"}, {"pods/cpu.max": "50000 100000", "pods/a/cpu.max": "max"}],
)
def test_the_smallest_quota_of_all_groups_above_counts(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert usable_cores(*groups(tmp_path, "0::/pods/a\n", files)) == 1


def test_version_1_of_control_groups_has_quotas_too(tmp_path: Path) -> None:
    membership = "3:cpu,cpuacct:/docker/a\n2:cpuset:/\n0::/\n"
    files = {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}
    assert usable_cores(*groups(tmp_path, membership, files)) == 1
    files["cpu/cpu.cfs_quota_us"] = "-1\n"
    assert usable_cores(*groups(tmp_path, membership, files)) == _CORES


def test_the_memory_limit_of_a_container_is_measured(tmp_path: Path) -> None:
    assert memory_limit(tmp_path) is None
    (tmp_path / "memory").mkdir()
    old = tmp_path / "memory" / "memory.limit_in_bytes"
    old.write_text("9223372036854771712\n")
    assert memory_limit(tmp_path) is None
    old.write_text("268435456\n")
    assert memory_limit(tmp_path) == 256 * 1024**2
    (tmp_path / "memory.max").write_text("134217728\n")
    assert memory_limit(tmp_path) == 128 * 1024**2


def test_without_control_groups_all_cores_count(tmp_path: Path) -> None:
    assert usable_cores(tmp_path, tmp_path / "missing") == _CORES


@pytest.fixture
def half_a_core() -> Iterator[Path]:
    """A real control group that may use half a core."""
    group = _CPU / f"ranjana-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cpu.cfs_quota_us").write_text("50000")
    except OSError as error:
        pytest.skip(f"cannot make a control group of version 1: {error.strerror}")
    yield group
    group.rmdir()


def test_a_process_with_a_real_quota_hashes_one_password_at_a_time(half_a_core: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "pathlib.Path(sys.argv[1], 'cgroup.procs').write_text(str(os.getpid()))\n"
        "from auth_api.accounts.passwords import Passwords\n"
        "from auth_api.settings import Settings\n"
        "print(Passwords(Settings(argon2_time_cost=1, argon2_memory_kib=64))._threads._max_workers)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, half_a_core],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
