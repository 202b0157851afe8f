"""How commands find the TorchServe that a launcher has started."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from auth_api.process.running_launcher import connected, noted
from auth_api.settings import Settings

TORCHSERVE = {
    "torchserve_inference_url": "http://127.0.0.1:1234/",
    "torchserve_management_url": "http://127.0.0.1:1235/",
    "torchserve_key_file": "/somewhere/key_file.json",
}


def where(settings: Settings) -> dict[str, str]:
    return {name: str(getattr(settings, name)) for name in TORCHSERVE}


def test_it_is_found_while_the_launcher_runs_unless_another_one_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", api_port=4321)
    assert connected(settings) == settings
    with noted(settings.data_dir, TORCHSERVE):
        found = connected(settings)
        (file,) = settings.data_dir.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        named = Settings(data_dir=settings.data_dir, torchserve_key_file=tmp_path)
        assert connected(named) == named
    assert (where(found), found.api_port) == (TORCHSERVE, 4321)
    assert [*settings.data_dir.iterdir()] == []
    assert connected(settings) == settings


def test_what_a_launcher_that_was_killed_has_left_is_not_believed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with noted(tmp_path, TORCHSERVE):
        (file,) = tmp_path.iterdir()
        said = file.read_text()
        file.write_text(said.replace(f'"pid":{os.getpid()}', f'"pid":{ended.pid}'))
        assert connected(settings) == settings
        file.write_text(said[:-1])
        assert connected(settings) == settings


def test_a_launcher_leaves_alone_what_another_one_says(tmp_path: Path) -> None:
    with noted(tmp_path, TORCHSERVE):
        (file,) = tmp_path.iterdir()
        other = file.read_text().replace(f'"pid":{os.getpid()}', '"pid":1')
        file.write_text(other)
    assert file.read_text() == other
