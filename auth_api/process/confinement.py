"""Keeps files and processes of the service from its children, with Landlock of the Linux kernel.

Workers and trainings run as the user of the service, and what they read comes from strangers. A
confined process can neither read nor change what is hidden from it, whatever its user may do. It
can write only to its own folders, and so not to the program that the service runs when it starts
again. It cannot look into the memory or the environment of processes outside. Its children are
confined too. This needs Linux 5.19 (https://docs.kernel.org/userspace-api/landlock.html);
elsewhere the log has a warning.
"""

from __future__ import annotations

import ctypes
import logging
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from auth_api.settings import Settings

logger = logging.getLogger(__name__)

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# The numbers are the same on all processors.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 38, 24

# Rights by their bits. Execution (0) and listing a folder (3) are not restricted.
_WRITE, _READ, _MOVE, _TRUNCATE, _CONTROL = 1 << 1, 1 << 2, 1 << 13, 1 << 14, 1 << 15
_RIGHTS = 0xFFFF & ~(1 << 0 | 1 << 3)
_READING = _READ | _CONTROL
_OF_A_FILE = _READ | _WRITE | _TRUNCATE | _CONTROL
# The rights that a version of Landlock knows. The first cannot allow to move files.
_KNOWN = {2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
_MIN_VERSION, _MAX_VERSION = min(_KNOWN), max(_KNOWN)

# With one of these root could go around files: raw devices, mounts, handles of files, the kernel.
_CAPABILITIES = {
    **{"dac_read_search": 2, "sys_module": 16, "sys_rawio": 17, "sys_ptrace": 19, "sys_admin": 21},
    **{"mknod": 27, "perfmon": 38, "bpf": 39, "checkpoint_restore": 40},
}


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


# Devices, and the state of a process itself. Users' rights hold there as everywhere.
_ALWAYS_WRITABLE = (Path("/dev"), Path("/proc"))


@dataclass(frozen=True)
class Confinement:
    """The paths that a child may reach. It may read everything that is not `hidden`, and write only
    to what is `writable`. Paths of `readable` and `writable` may be in hidden ones. A hidden path
    need not exist; what is made later in a folder above it is hidden too.
    """

    hidden: Sequence[Path]
    readable: Sequence[Path] = ()
    writable: Sequence[Path] = ()


def private_paths(settings: Settings) -> list[Path]:
    """The paths of secrets, database and pictures, which only the service may read."""
    found = [settings.data_dir, settings.media_dir, Path(".env")]
    if folder := os.environ.get("SECRETS_DIR"):
        found.append(Path(folder))
    scheme, _, database = settings.database_url.partition(":///")
    if scheme.startswith("sqlite"):
        # SQLite keeps recent changes in the other three.
        found += [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]
    return found


def is_possible() -> bool:
    """Whether this kernel can confine."""
    return _version() >= _MIN_VERSION


def make_ruleset(confinement: Confinement) -> int | None:
    """A descriptor for `confine`, for the caller to close; None if the kernel has no Landlock.

    Blocks. Raises `OSError`.
    """
    if not is_possible():
        logger.warning("no Landlock in this kernel: workers and trainings can read the secrets")
        return None
    known = _KNOWN[min(_version(), _MAX_VERSION)]
    attributes = _RulesetAttributes(_RIGHTS & known)
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    try:
        # Moving between folders is forbidden unless a rule allows it. It gives no other right.
        _allow(ruleset, Path("/"), _MOVE)
        hidden = {path.absolute().resolve() for path in (*confinement.hidden, *_raw_devices())}
        for rights, paths in (
            (_READING & known, (Path("/"), *confinement.readable)),
            (_RIGHTS & known, (*_ALWAYS_WRITABLE, *confinement.writable)),
        ):
            for path in paths:
                for allowed in _without(path.absolute().resolve(), hidden):
                    _allow(ruleset, allowed, rights)
    except OSError:
        os.close(ruleset)
        raise
    return ruleset


def confine(ruleset: int) -> None:
    """Confines this process for good. For a child, before it runs a program. Raises `OSError`."""
    assert _LIBC
    for capability in _CAPABILITIES.values():
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails where there is none to drop
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot forbid new privileges")
    _call(_RESTRICT_SELF, ruleset, 0)


def _version() -> int:
    """The version of Landlock, 0 or less if there is none."""
    return _LIBC.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG) if _LIBC else 0


def _raw_devices() -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in Path("/dev").iterdir() if path.is_block_device())


def _without(path: Path, hidden: AbstractSet[Path]) -> Iterator[Path]:
    """The path itself, or what it has besides hidden paths, in as few paths as can be."""
    if not any(each != path and each.is_relative_to(path) for each in hidden):
        yield path
        return
    with suppress(OSError):  # a folder that this process may not list
        for entry in path.iterdir():
            if entry not in hidden and not entry.is_symlink():
                yield from _without(entry, hidden)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it was removed, or this process may not reach it either
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_A_FILE
        rule = _PathBeneath(rights, descriptor)
        _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    assert _LIBC
    result: int = _LIBC.syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
