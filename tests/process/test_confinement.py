"""Workers and trainings cannot read what only the service may."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from auth_api.process import confinement
from auth_api.process.children import Child, bare_environment
from auth_api.process.confinement import Confinement, is_possible, private_paths
from auth_api.settings import Settings
from launcher import configuration
from launcher.settings import LauncherSettings

SECRET = "Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e"

# A stranger's code in a confined process. It answers with what was possible.
LOOK = """
import ctypes, json, os, shutil, sys
data, work, parent = sys.argv[1:]
program = os.path.join(os.path.dirname(data), "app", "program.py")
real = f"/proc/self/root{os.path.realpath(data)}"
made, files = os.path.join(work, "made"), f"/proc/{parent}/fd"
actions = {
    "read the secret": lambda: open(f"{data}/secret_key").read(),
    "read it from above": lambda: open(f"{real}/secret_key").read(),
    "link to it": lambda: os.link(f"{data}/secret_key", f"{work}/link"),
    "replace it": lambda: open(f"{data}/secret_key", "w"),
    "remove it": lambda: os.remove(f"{data}/secret_key"),
    "truncate it": lambda: os.truncate(f"{data}/secret_key", 0),
    "move its folder": lambda: os.rename(data, f"{data}2"),
    "add to its folder": lambda: open(f"{data}/new", "w"),
    "read what came later": lambda: open(f"{data}/../later").read(),
    "read the environment of the service": lambda: open(f"/proc/{parent}/environ").read(),
    "read its memory": lambda: open(f"/proc/{parent}/mem", "rb"),
    "use its files": lambda: [os.readlink(f"{files}/{each}") for each in os.listdir(files)],
    "trace it": lambda: 1 / (1 + ctypes.CDLL(None).ptrace(0x4206, int(parent), 0, 0)),
    "change a program": lambda: open(program, "a"),
    "replace a program": lambda: (open(f"{made}2", "w"), os.replace(f"{made}2", program)),
    "read a program": lambda: open(program).read(),
    "write own files": lambda: open(made, "w").write("x"),
    "move own files": lambda: (os.mkdir(f"{work}/sub"), os.rename(made, f"{work}/sub/made")),
    "run a program": lambda: os.system("true") == 0 or 1 / 0,
    "use devices": lambda: (open("/dev/null", "w"), open("/dev/urandom", "rb")),
    "read own state": lambda: open("/proc/self/status").read(),
}
possible = []
for name, action in actions.items():
    try:
        action()
        possible.append(name)
    except (OSError, ZeroDivisionError):
        pass
print(json.dumps({"possible": possible, "environment": dict(os.environ)}))
"""

OWN = [
    "read a program",
    "write own files",
    "move own files",
    "run a program",
    "use devices",
    "read own state",
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A service with its secret in a file, and in its environment."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION", SECRET)
    for folder in ("data", "app"):
        (tmp_path / folder).mkdir()
    (tmp_path / "app" / "program.py").touch()
    (tmp_path / "data" / "secret_key").write_text(SECRET)
    return Settings(data_dir=tmp_path / "data", media_dir=tmp_path / "media")


def look(settings: Settings, work: Path) -> dict[str, object]:
    work.mkdir(parents=True)

    async def run() -> bytes:
        child = await Child.start(
            [sys.executable, "-c", LOOK, str(settings.data_dir), str(work), str(os.getpid())],
            environment=bare_environment(work),
            directory=work,
            output=subprocess.PIPE,
            confinement=Confinement(private_paths(settings), writable=(work,)),
        )
        said = await child.output.read()
        assert await child.wait() == 0
        return said

    found: dict[str, object] = json.loads(asyncio.run(run()))
    return found


@pytest.mark.skipif(not is_possible(), reason="needs Linux 5.19 with Landlock")
def test_a_child_sees_neither_secrets_nor_the_service(settings: Settings, tmp_path: Path) -> None:
    # Trainings work in a folder below the data.
    found = look(settings, settings.data_dir / "training" / "1")
    assert found["possible"] == OWN
    assert SECRET not in str(found["environment"])
    assert (settings.data_dir / "secret_key").read_text() == SECRET


def test_without_landlock_there_is_a_warning(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(confinement, "_LIBC", None)
    assert set(OWN) <= set(look(settings, tmp_path / "work")["possible"])  # type: ignore[call-overload]
    assert "can read the secrets" in caplog.text


def test_all_places_of_secrets_are_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    url = f"sqlite:///{tmp_path}/elsewhere/ranjana.db"
    hidden = private_paths(Settings(data_dir=tmp_path / "data", database_url=url))
    files = {tmp_path / "elsewhere" / f"ranjana.db{suffix}" for suffix in ("", "-wal", "-shm")}
    assert {tmp_path, tmp_path / "data", Path(".env"), *files} < set(hidden)


def test_the_environment_of_torchserve_has_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("SECRET_KEY", "DATABASE_URL", "RATE_LIMIT_STORAGE", "AWS_SECRET_ACCESS_KEY", "OTHER")
    for name in names:
        monkeypatch.setenv(name, f"postgresql://user:{SECRET}@db/ranjana")
    monkeypatch.setenv("RATE_LIMIT_STORAGE", f"redis://:{SECRET}@redis")
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("TS_NUMBER_OF_NETTY_THREADS", "3")
    environment = configuration.environment(LauncherSettings(), tmp_path)
    assert SECRET not in str(environment)
    assert environment["TS_NUMBER_OF_NETTY_THREADS"] == "3"
    assert {"PATH", "TMPDIR", "LOG_LEVEL"} <= environment.keys()
