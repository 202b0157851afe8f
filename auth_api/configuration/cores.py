"""How many cores this process may use. In a container these are fewer than the machine's."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = _CGROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Cores that this process may run on, at most its control group's quota, rounded up.

    `cgroups` is where control groups are mounted; `membership` says which are this process's.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min([cores, *_quotas(cgroups, membership)])))


def _quotas(cgroups: Path, membership: Path) -> Iterator[float]:
    """The quota of each control group above this process that has one, in cores."""
    groups = []
    with suppress(OSError):  # no Linux
        groups = membership.read_text().splitlines()
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if controllers == "":  # version 2
            yield from _quotas_above(cgroups, path, ("cpu.max",))
        elif "cpu" in controllers.split(","):
            files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            yield from _quotas_above(cgroups / "cpu", path, files)


def _quotas_above(root: Path, path: str, files: tuple[str, ...]) -> Iterator[float]:
    """A container often sees only `root`, which then is its own group."""
    own = root / path.lstrip("/")
    for folder in (own, *own.parents):
        if not folder.is_relative_to(root):
            return
        with suppress(OSError, ValueError):  # no such group or file, or no quota: `max`
            quota, period = " ".join((folder / name).read_text() for name in files).split()
            if int(quota) > 0:  # version 1 has -1 for none
                yield int(quota) / int(period)
