"""How commands find the TorchServe of a running launcher."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from auth_api.process.running_launcher import announce, with_running_torchserve
from auth_api.settings import Settings

TORCHSERVE = {
    "torchserve_inference_url": "http://127.0.0.1:1234/",
    "torchserve_management_url": "http://127.0.0.1:1235/",
    "torchserve_key_file": "/somewhere/key_file.json",
}


def addresses(settings: Settings) -> dict[str, str]:
    return {name: str(getattr(settings, name)) for name in TORCHSERVE}


def test_torchserve_is_found_while_the_launcher_runs_unless_settings_name_one(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data", api_port=4321)
    assert with_running_torchserve(settings) == settings
    with announce(settings.data_dir, TORCHSERVE):
        found = with_running_torchserve(settings)
        (file,) = settings.data_dir.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        explicit = Settings(data_dir=settings.data_dir, torchserve_key_file=tmp_path)
        assert with_running_torchserve(explicit) == explicit
    assert (addresses(found), found.api_port) == (TORCHSERVE, 4321)
    assert [*settings.data_dir.iterdir()] == []
    assert with_running_torchserve(settings) == settings


def test_the_file_of_a_killed_launcher_and_a_broken_file_are_ignored(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with announce(tmp_path, TORCHSERVE):
        (file,) = tmp_path.iterdir()
        written = file.read_text()
        file.write_text(written.replace(f'"pid":{os.getpid()}', f'"pid":{ended.pid}'))
        assert with_running_torchserve(settings) == settings
        file.write_text(written[:-1])
        assert with_running_torchserve(settings) == settings


def test_a_launcher_does_not_remove_the_file_of_another(tmp_path: Path) -> None:
    with announce(tmp_path, TORCHSERVE):
        (file,) = tmp_path.iterdir()
        other = file.read_text().replace(f'"pid":{os.getpid()}', '"pid":1')
        file.write_text(other)
    assert file.read_text() == other
